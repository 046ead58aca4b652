/*
 * Renesas SCI in asynchronous mode, without its FIFO, in RA2, RA4 and RA6. Registers as in Renesas'
 * R7FA4M1AB.svd; the bit rate as in the RA4M1 user's manual, registers BRR and MDDR.
 */
#include "harness_board.h"
#include "uart.h"

#define SCI_REGISTER(offset) (*(volatile uint8_t *)(BOARD_UART_BASE + (offset)))
#define SMR SCI_REGISTER(0x00U)
#define BRR SCI_REGISTER(0x01U)
#define SCR SCI_REGISTER(0x02U)
#define TDR SCI_REGISTER(0x03U)
#define SSR SCI_REGISTER(0x04U)
#define RDR SCI_REGISTER(0x05U)
#define SCMR SCI_REGISTER(0x06U)
#define SEMR SCI_REGISTER(0x07U)
#define MDDR SCI_REGISTER(0x12U)
#define SCR_TX_AND_RX_ENABLE 0x30U
#define SSR_TX_EMPTY 0x80U
#define SSR_RX_FULL 0x40U
#define SSR_ERRORS 0x38U
#define SCMR_8_BITS 0xF2U
/* Double-speed generator, 8 clocks per bit: the clock is divided by 8 and by BRR + 1. */
#define SEMR_8_CLOCKS_PER_BIT 0x50U
/* Of 256 clocks of the generator, MDDR count. */
#define SEMR_MODULATION 0x04U

#define DIVIDER (BOARD_UART_CLOCK / (8U * UART_BAUD))
#define SHARE ((2048U * UART_BAUD / 64U * DIVIDER + BOARD_UART_CLOCK / 128U) / (BOARD_UART_CLOCK / 64U))

void harness_link_open(void) {
    SCR = 0U;
    SMR = 0U;
    SCMR = SCMR_8_BITS;
    BRR = (uint8_t)(DIVIDER - 1U);
    if (SHARE < 256U) {
        MDDR = (uint8_t)SHARE;
        SEMR = SEMR_8_CLOCKS_PER_BIT | SEMR_MODULATION;
    } else {
        SEMR = SEMR_8_CLOCKS_PER_BIT;
    }
    SCR = SCR_TX_AND_RX_ENABLE;
}

uint8_t harness_link_read(void) {
    uint8_t status = SSR;
    while ((status & SSR_RX_FULL) == 0U) {
        /* An overrun stops the receiver until it is cleared. */
        if ((status & SSR_ERRORS) != 0U) {
            SSR = (uint8_t)(status & ~SSR_ERRORS);
        }
        uart_pause();
        status = SSR;
    }
    return RDR;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((SSR & SSR_TX_EMPTY) == 0U) {
        }
        TDR = bytes[i];
    }
}
