/* Arm CMSDK APB UART, as on the MPS2 boards. */
#include "harness_board.h"
#include "uart.h"

#define DATA UART_REGISTER(0x00U)
#define STATE UART_REGISTER(0x04U)
#define CTRL UART_REGISTER(0x08U)
#define BAUDDIV UART_REGISTER(0x10U)
#define STATE_TX_FULL 1U
#define STATE_RX_FULL 2U
#define CTRL_TX_AND_RX_ENABLE 3U

void harness_link_open(void) {
    BAUDDIV = BOARD_UART_CLOCK / UART_BAUD;
    CTRL = CTRL_TX_AND_RX_ENABLE;
    (void)DATA; /* Whatever came before. */
}

uint8_t harness_link_read(void) {
    while ((STATE & STATE_RX_FULL) == 0U) {
        uart_pause();
    }
    return (uint8_t)DATA;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((STATE & STATE_TX_FULL) != 0U) {
        }
        DATA = bytes[i];
    }
}
