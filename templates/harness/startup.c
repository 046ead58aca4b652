/* Vector table and the way from reset to main, without any vendor's code. */
#include "harness_board.h"
#include "harness.h"

#include <stddef.h>
#include <stdint.h>

extern uint8_t linker_data_load[];
extern uint8_t linker_data_start[];
extern uint8_t linker_data_end[];
extern uint8_t linker_bss_start[];
extern uint8_t linker_bss_end[];
extern uint32_t linker_vectors[];

void fault_handler(void);
void reset_handler(void);
void start_up(void);

static void board_enable(void){BOARD_ENABLE}

uint32_t harness_stack_size(void) {
    return 4U * (uint32_t)(linker_stack_top - linker_stack_bottom);
}

/* The stack is painted again and again, so that what was seen is kept. */
uint32_t harness_stack_used(void) {
    static uint32_t deepest;
    const uint32_t now = harness_stack_below(linker_stack_top);
    deepest = now > deepest ? now : deepest;
    return deepest;
}

#ifdef __ARM_FEATURE_MVE
#define CPACR (*(volatile uint32_t *)0xE000ED88U)
#define CPACR_CP10_CP11 (0xFU << 20)

/* Vector registers fault until the coprocessors that they belong to are enabled. */
static inline void enable_vectors(void) {
    CPACR |= CPACR_CP10_CP11;
    __asm volatile("dsb\n\tisb" ::: "memory");
}
#else
static inline void enable_vectors(void) {}
#endif

#define VTOR (*(volatile uint32_t *)0xE000ED08U)

/* Boot ROMs and bootloaders may leave their own table in place. A Cortex-M0 has no such register, and ignores
 * this. */
static inline void use_own_vector_table(void) {
    VTOR = (uint32_t)linker_vectors;
}

#define NVIC_ICER ((volatile uint32_t *)0xE000E180U)
#define NVIC_ICPR ((volatile uint32_t *)0xE000E280U)
#define NVIC_WORDS 16U
#define SYST_CSR (*(volatile uint32_t *)0xE000E010U)
#define ICSR (*(volatile uint32_t *)0xE000ED04U)
#define ICSR_CLEAR_PENDSV_AND_SYSTICK ((1U << 27) | (1U << 25))

/* Boot ROMs and bootloaders may leave interrupts enabled that have no handler here. With none left PRIMASK is
 * cleared: under it a chip turns any fault into a HardFault, but Renode never takes the UsageFault that it
 * makes of an undefined instruction. Registers of interrupts that a core lacks ignore this. */
static inline void leave_only_faults(void) {
    uint32_t i;
    SYST_CSR = 0U;
    for (i = 0U; i < NVIC_WORDS; i++) {
        NVIC_ICER[i] = 0xFFFFFFFFU;
        NVIC_ICPR[i] = 0xFFFFFFFFU;
    }
    ICSR = ICSR_CLEAR_PENDSV_AND_SYSTICK;
    __asm volatile("dsb\n\tisb\n\tcpsie i" ::: "memory");
}

/* First of all enables what compiled code may use anywhere. */
__attribute__((used, noreturn)) void start_up(void) {
    enable_vectors();
    use_own_vector_table();
    leave_only_faults();
    const volatile uint8_t *from = linker_data_load;
    volatile uint8_t *to;
    for (to = linker_data_start; to < linker_data_end; to++) {
        *to = *from++;
    }
    for (to = linker_bss_start; to < linker_bss_end; to++) {
        *to = 0U;
    }
    (void)harness_paint_stack();
    board_enable();
    (void)main();
    for (;;) {
    }
}

/* Boot ROMs and bootloaders may enter on a stack of their own, and with interrupts enabled. */
__attribute__((naked)) void reset_handler(void) {
    __asm volatile("cpsid i\n"
                   "ldr r0, =linker_stack_top\n"
                   "mov sp, r0\n"
                   "bl start_up\n"
                   ".ltorg\n");
}

typedef union {
    void (*handler)(void);
    uint32_t *stack;
} vector;

/* No interrupt is ever enabled, so the table ends with the system exceptions. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = linker_stack_top},
    {.handler = reset_handler},
    {.handler = fault_handler},
    {.handler = fault_handler},
    {.handler = fault_handler},
    {.handler = fault_handler},
    {.handler = fault_handler},
    {.handler = fault_handler},
    {.stack = NULL},
    {.stack = NULL},
    {.stack = NULL},
    {.handler = fault_handler},
    {.handler = fault_handler},
    {.stack = NULL},
    {.handler = fault_handler},
    {.handler = fault_handler},
};
