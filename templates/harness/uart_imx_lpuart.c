/* NXP LPUART of 32-bit registers, in i.MX RT. Registers as in the i.MX RT1060 reference manual, LPUART. */
#include "harness_board.h"
#include "uart.h"

#define BAUD UART_REGISTER(0x10U)
#define STAT UART_REGISTER(0x14U)
#define CTRL UART_REGISTER(0x18U)
#define DATA UART_REGISTER(0x1CU)
/* The clock is divided by 16 and by SBR. */
#define BAUD_OVERSAMPLE_16 (15U << 24)
#define STAT_TX_EMPTY (1U << 23)
#define STAT_RX_FULL (1U << 21)
#define STAT_ERRORS (0xFU << 16)
#define CTRL_TX_AND_RX_ENABLE ((1U << 19) | (1U << 18))

void harness_link_open(void) {
    CTRL = 0U;
    BAUD = BAUD_OVERSAMPLE_16 | ((BOARD_UART_CLOCK + 8U * UART_BAUD) / (16U * UART_BAUD));
    CTRL = CTRL_TX_AND_RX_ENABLE;
}

uint8_t harness_link_read(void) {
    while ((STAT & STAT_RX_FULL) == 0U) {
        /* An overrun stops the receiver until it is cleared. */
        if ((STAT & STAT_ERRORS) != 0U) {
            STAT = STAT_ERRORS;
        }
        uart_pause();
    }
    return (uint8_t)DATA;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        while ((STAT & STAT_TX_EMPTY) == 0U) {
        }
        DATA = bytes[i];
    }
}
