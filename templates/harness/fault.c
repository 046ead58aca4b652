/* Reports a fault as a frame: registers, and the fault status where the core has it. */
#include "harness_board.h"
#include "harness.h"
#include "protocol.h"
#include "uart.h"

#define STACKED_WORDS 8U
#define STACKED_XPSR 7U
#define XPSR_PADDED (1U << 9)
#define SCB_REGISTER(address) (*(volatile uint32_t *)(address))

void fault_handler(void);
void fault_report(const uint32_t *stacked);

/* Its own stack: the ordinary one may be what went wrong. */
__attribute__((used)) static uint64_t fault_stack[48];

__attribute__((naked)) void fault_handler(void) {
    __asm volatile("mrs r0, msp\n"
                   "ldr r1, =fault_stack + 384\n"
                   "mov sp, r1\n"
                   "bl fault_report\n"
                   ".ltorg\n");
}

static uint32_t exception_number(void) {
    uint32_t ipsr;
    __asm volatile("mrs %0, ipsr" : "=r"(ipsr));
    return ipsr & 0x1ffU;
}

static void add_status(uint32_t *words) {
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
    (void)words;
#else
    words[10] |= FAULT_HAS_STATUS;
    words[11] = SCB_REGISTER(0xE000ED28U); /* CFSR */
    words[12] = SCB_REGISTER(0xE000ED2CU); /* HFSR */
    words[13] = SCB_REGISTER(0xE000ED34U); /* MMFAR */
    words[14] = SCB_REGISTER(0xE000ED38U); /* BFAR */
#endif
}

static int in_ram(uint32_t address) {
    return address - BOARD_RAM_ORIGIN <= BOARD_RAM_SIZE - 4U * STACKED_WORDS;
}

__attribute__((used, noreturn)) void fault_report(const uint32_t *stacked) {
    uint32_t words[15] = {0U};
    frame_part part;
    uint32_t i;
    words[8] = (uint32_t)stacked;
    words[9] = exception_number();
    if (in_ram((uint32_t)stacked)) {
        for (i = 0U; i < STACKED_WORDS; i++) {
            words[i] = stacked[i];
        }
        words[8] += 4U * STACKED_WORDS + ((words[STACKED_XPSR] & XPSR_PADDED) != 0U ? 4U : 0U);
    } else {
        words[10] |= FAULT_STACK_LOST;
    }
    add_status(words);
    part.bytes = words;
    part.count = sizeof words;
    frame_send(FRAME_FAULT, harness_sequence, &part, 1U);
    for (;;) {
    }
}
