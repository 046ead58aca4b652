/*
 * Microchip SERCOM as a USART, in SAM D, E and L. Registers as in Microchip's ATSAMD21G18A.svd and
 * ATSAMD51J19A.svd. Which of its pads transmit and receive, the board has already written to CTRLA.
 */
#include "harness_board.h"
#include "uart.h"

#define CTRLA UART_REGISTER(0x00U)
#define CTRLB UART_REGISTER(0x04U)
#define BAUD (*(volatile uint16_t *)(BOARD_UART_BASE + 0x0CU))
#define INTFLAG (*(volatile uint8_t *)(BOARD_UART_BASE + 0x18U))
#define SYNCBUSY UART_REGISTER(0x1CU)
#define DATA (*(volatile uint16_t *)(BOARD_UART_BASE + 0x28U))
#define CTRLA_ENABLE (1U << 1)
#define CTRLA_INTERNAL_CLOCK (1U << 2)
#define CTRLA_LEAST_BIT_FIRST (1U << 30)
#define CTRLB_TX_AND_RX_ENABLE (3U << 16)
#define INTFLAG_DATA_EMPTY (1U << 0)
#define INTFLAG_RX_COMPLETE (1U << 2)

/* Of 65536 turns of an accumulator that adds this, the rest overflow: clock / 16 * (1 - BAUD / 65536). */
static uint16_t baud(void) {
    const uint64_t share = ((uint64_t)16U * UART_BAUD << 16) / BOARD_UART_CLOCK;
    return (uint16_t)(65536U - (uint32_t)share);
}

static void synchronize(void) {
    while (SYNCBUSY != 0U) {
    }
}

void harness_link_open(void) {
    CTRLA |= CTRLA_LEAST_BIT_FIRST | CTRLA_INTERNAL_CLOCK;
    BAUD = baud();
    CTRLB = CTRLB_TX_AND_RX_ENABLE;
    synchronize();
    CTRLA |= CTRLA_ENABLE;
    synchronize();
}

uint8_t harness_link_read(void) {
    while ((INTFLAG & INTFLAG_RX_COMPLETE) == 0U) {
        uart_pause();
    }
    return (uint8_t)DATA;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((INTFLAG & INTFLAG_DATA_EMPTY) == 0U) {
        }
        DATA = bytes[i];
    }
}
