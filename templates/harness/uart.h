/* The byte link that a driver provides. Blocking; no interrupts, no buffers. */
#ifndef BITLOOM_HARNESS_UART_H
#define BITLOOM_HARNESS_UART_H

#include <stddef.h>
#include <stdint.h>

void harness_link_open(void);
uint8_t harness_link_read(void);
void harness_link_write(const uint8_t *bytes, size_t count);

/* A 32-bit register of a peripheral. */
#define UART_REGISTER(offset) (*(volatile uint32_t *)(BOARD_UART_BASE + (offset)))

#define UART_BAUD 115200U

/*
 * Between two looks at an empty receiver. Each look stops an emulator's processor, which then cannot fetch
 * the byte that it waits for.
 */
static inline void uart_pause(void) {
    volatile uint32_t turns = 16U;
    while (turns > 0U) {
        turns = turns - 1U;
    }
}

#endif
