/* UART0 of the MPS2 board: the APB UART of Arm's Cortex-M System Design Kit. */
#include "uart.h"

#include <stdint.h>

#define UART_BASE 0x40004000U
#define REGISTER(offset) (*(volatile uint32_t *)(UART_BASE + (offset)))
#define DATA REGISTER(0x00U)
#define STATE REGISTER(0x04U)
#define CTRL REGISTER(0x08U)
#define BAUDDIV REGISTER(0x10U)

#define STATE_TX_FULL 1U
#define CTRL_TX_ENABLE 1U
#define CLOCK 25000000U
#define BAUD 115200U

/* Access to the FPU (Armv7-M Architecture Reference Manual, CPACR): start-up code of vendors does this. */
#define CPACR (*(volatile uint32_t *)0xe000ed88U)
#define FULL_ACCESS_TO_FPU 0x00f00000U

void uart_init(void) {
    CPACR |= FULL_ACCESS_TO_FPU;
    BAUDDIV = CLOCK / BAUD;
    CTRL = CTRL_TX_ENABLE;
}

void uart_put(char c) {
    while ((STATE & STATE_TX_FULL) != 0U) {
    }
    DATA = (uint8_t)c;
}
