/* Vector table and start-up of a Cortex-M without a vendor's library. */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;
int main(void);
void reset_handler(void);
void fault_handler(void);

void reset_handler(void) {
    const uint32_t *from = &data_load;
    uint32_t *to;
    for (to = &data_start; to < &data_end; to++) {
        *to = *from++;
    }
    for (to = &bss_start; to < &bss_end; to++) {
        *to = 0U;
    }
    (void)main();
    for (;;) {
    }
}

void fault_handler(void) {
    for (;;) {
    }
}

/* A vector is an address: the initial stack, or a function. */
typedef union {
    const void *stack;
    void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    [0] = {.stack = &stack_top},
    [1] = {.handler = reset_handler},
    [2] = {.handler = fault_handler},
    [3] = {.handler = fault_handler},
};
