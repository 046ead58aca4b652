/* The micro:bit's USB serial port: UART0 of its nRF51822. */
#include "uart.h"

#include <stdint.h>

/* Registers of the nRF51 Series Reference Manual, chapter UART. */
#define UART_BASE 0x40002000U
#define REGISTER(offset) (*(volatile uint32_t *)(UART_BASE + (offset)))
#define TASKS_STARTTX REGISTER(0x008U)
#define EVENTS_TXDRDY REGISTER(0x11cU)
#define ENABLE REGISTER(0x500U)
#define PSELTXD REGISTER(0x50cU)
#define TXD REGISTER(0x51cU)
#define BAUDRATE REGISTER(0x524U)

#define TX_PIN 24U
#define BAUD_115200 0x01d7e000U
#define UART_ENABLED 4U

void uart_init(void) {
    PSELTXD = TX_PIN;
    BAUDRATE = BAUD_115200;
    ENABLE = UART_ENABLED;
    TASKS_STARTTX = 1U;
}

void uart_put(char c) {
    EVENTS_TXDRDY = 0U;
    TXD = (uint8_t)c;
    while (EVENTS_TXDRDY == 0U) {
    }
}
