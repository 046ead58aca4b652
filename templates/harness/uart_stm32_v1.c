/* STM32 USART with SR and DR, in F1, F2 and F4. */
#include "harness_board.h"
#include "uart.h"

#define SR UART_REGISTER(0x00U)
#define DR UART_REGISTER(0x04U)
#define BRR UART_REGISTER(0x08U)
#define CR1 UART_REGISTER(0x0CU)
#define SR_RX_NOT_EMPTY (1U << 5)
#define SR_TX_EMPTY (1U << 7)
#define CR1_USART_TX_AND_RX_ENABLE ((1U << 13) | (1U << 3) | (1U << 2))

void harness_link_open(void) {
    BRR = (BOARD_UART_CLOCK + UART_BAUD / 2U) / UART_BAUD;
    CR1 = CR1_USART_TX_AND_RX_ENABLE;
}

uint8_t harness_link_read(void) {
    while ((SR & SR_RX_NOT_EMPTY) == 0U) {
        uart_pause();
    }
    return (uint8_t)DR;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((SR & SR_TX_EMPTY) == 0U) {
        }
        DR = bytes[i];
    }
}
