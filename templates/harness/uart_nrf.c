/* Nordic UART without EasyDMA, in nRF51 and nRF52. */
#include "harness_board.h"
#include "uart.h"

#define TASK_START_RX UART_REGISTER(0x000U)
#define TASK_START_TX UART_REGISTER(0x008U)
#define EVENT_RX_READY UART_REGISTER(0x108U)
#define EVENT_TX_READY UART_REGISTER(0x11CU)
#define ENABLE UART_REGISTER(0x500U)
#define RXD UART_REGISTER(0x518U)
#define TXD UART_REGISTER(0x51CU)
#define BAUD_RATE UART_REGISTER(0x524U)
#define ENABLE_UART 4U
#define BAUD_115200 0x01D7E000U

void harness_link_open(void) {
    BAUD_RATE = BAUD_115200;
    ENABLE = ENABLE_UART;
    EVENT_RX_READY = 0U;
    EVENT_TX_READY = 0U;
    TASK_START_RX = 1U;
    TASK_START_TX = 1U;
}

uint8_t harness_link_read(void) {
    while (EVENT_RX_READY == 0U) {
        uart_pause();
    }
    /* Cleared before the read: reading may raise it again for the next byte of the FIFO. */
    EVENT_RX_READY = 0U;
    return (uint8_t)RXD;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        EVENT_TX_READY = 0U;
        TXD = bytes[i];
        while (EVENT_TX_READY == 0U) {
        }
    }
}
