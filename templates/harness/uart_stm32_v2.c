/* STM32 USART with ISR, RDR and TDR, in F0, F7, H7, WBA and their like. */
#include "harness_board.h"
#include "uart.h"

#define CR1 UART_REGISTER(0x00U)
#define BRR UART_REGISTER(0x0CU)
#define ISR UART_REGISTER(0x1CU)
#define ICR UART_REGISTER(0x20U)
#define RDR UART_REGISTER(0x24U)
#define TDR UART_REGISTER(0x28U)
#define ISR_OVERRUN (1U << 3)
#define ISR_RX_NOT_EMPTY (1U << 5)
#define ISR_TX_EMPTY (1U << 7)
#define CR1_TX_AND_RX_ENABLE ((1U << 3) | (1U << 2))
#define CR1_USART_ENABLE 1U

void harness_link_open(void) {
    BRR = (BOARD_UART_CLOCK + UART_BAUD / 2U) / UART_BAUD;
    CR1 = CR1_USART_ENABLE;
    CR1 = CR1_USART_ENABLE | CR1_TX_AND_RX_ENABLE;
}

uint8_t harness_link_read(void) {
    while ((ISR & ISR_RX_NOT_EMPTY) == 0U) {
        /* Bytes that came while nobody read are lost; nothing is received until this is cleared. */
        if ((ISR & ISR_OVERRUN) != 0U) {
            ICR = ISR_OVERRUN;
        }
        uart_pause();
    }
    return (uint8_t)RDR;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((ISR & ISR_TX_EMPTY) == 0U) {
        }
        TDR = bytes[i];
    }
}
