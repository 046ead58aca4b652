/* Arm PrimeCell PL011, as on the Stellaris LM3S6965. */
#include "harness_board.h"
#include "uart.h"

#define DR UART_REGISTER(0x00U)
#define FR UART_REGISTER(0x18U)
#define IBRD UART_REGISTER(0x24U)
#define FBRD UART_REGISTER(0x28U)
#define LCRH UART_REGISTER(0x2CU)
#define CR UART_REGISTER(0x30U)
#define FR_RX_EMPTY (1U << 4)
#define FR_TX_FULL (1U << 5)
#define LCRH_8_BITS_AND_FIFOS 0x70U
#define CR_ENABLE_TX_AND_RX 0x301U

void harness_link_open(void) {
    /* The divider in 64ths: clock / (16 * baud), rounded. */
    const uint32_t divider = (4U * BOARD_UART_CLOCK + UART_BAUD / 2U) / UART_BAUD;
    CR = 0U;
    IBRD = divider >> 6;
    FBRD = divider & 63U;
    LCRH = LCRH_8_BITS_AND_FIFOS;
    CR = CR_ENABLE_TX_AND_RX;
    (void)DR; /* Whatever came before. */
}

uint8_t harness_link_read(void) {
    while ((FR & FR_RX_EMPTY) != 0U) {
        uart_pause();
    }
    return (uint8_t)DR;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((FR & FR_TX_FULL) != 0U) {
        }
        DR = bytes[i];
    }
}
