/* Vector table and the way from reset to main, without any vendor's code. */
#include "board.h"
#include "harness.h"

#include <stddef.h>
#include <stdint.h>

extern uint8_t linker_data_load[];
extern uint8_t linker_data_start[];
extern uint8_t linker_data_end[];
extern uint8_t linker_bss_start[];
extern uint8_t linker_bss_end[];
extern uint8_t linker_stack_top[];

void fault_handler(void);
void reset_handler(void);

static void board_enable(void) {
    BOARD_ENABLE
}

void reset_handler(void) {
    const volatile uint8_t *from = linker_data_load;
    volatile uint8_t *to;
    for (to = linker_data_start; to < linker_data_end; to++) {
        *to = *from++;
    }
    for (to = linker_bss_start; to < linker_bss_end; to++) {
        *to = 0U;
    }
    board_enable();
    (void)main();
    for (;;) {
    }
}

typedef union {
    void (*handler)(void);
    uint8_t *stack;
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
