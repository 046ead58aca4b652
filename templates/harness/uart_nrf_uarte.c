/*
 * Nordic UART with EasyDMA, in nRF53 and nRF91 (and nRF52, which also has the one without). Registers as in
 * Nordic's nrf5340_application.svd. The receiver is given room for one byte at a time; those that arrive in
 * between wait in its FIFO.
 */
#include "harness_board.h"
#include "uart.h"

#define TASK_START_RX UART_REGISTER(0x000U)
#define TASK_START_TX UART_REGISTER(0x008U)
#define EVENT_END_RX UART_REGISTER(0x110U)
#define EVENT_END_TX UART_REGISTER(0x120U)
#define ENABLE UART_REGISTER(0x500U)
#define BAUD_RATE UART_REGISTER(0x524U)
#define RXD_POINTER UART_REGISTER(0x534U)
#define RXD_COUNT UART_REGISTER(0x538U)
#define TXD_POINTER UART_REGISTER(0x544U)
#define TXD_COUNT UART_REGISTER(0x548U)
#define ENABLE_UARTE 8U
#define BAUD_115200 0x01D60000U

/* EasyDMA reaches RAM only: what is sent may lie in flash. */
static volatile uint8_t received;
static volatile uint8_t chunk[64];

static void start_receiver(void) {
    EVENT_END_RX = 0U;
    RXD_POINTER = (uint32_t)&received;
    RXD_COUNT = 1U;
    TASK_START_RX = 1U;
}

void harness_link_open(void) {
    BAUD_RATE = BAUD_115200;
    ENABLE = ENABLE_UARTE;
    start_receiver();
}

uint8_t harness_link_read(void) {
    uint8_t byte;
    while (EVENT_END_RX == 0U) {
        uart_pause();
    }
    byte = received;
    start_receiver();
    return byte;
}

static void send_chunk(uint32_t count) {
    EVENT_END_TX = 0U;
    TXD_POINTER = (uint32_t)chunk;
    TXD_COUNT = count;
    TASK_START_TX = 1U;
    while (EVENT_END_TX == 0U) {
    }
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    size_t i;
    uint32_t filled = 0U;
    for (i = 0U; i < count; i++) {
        chunk[filled] = bytes[i];
        filled++;
        if (filled == sizeof chunk || i + 1U == count) {
            send_chunk(filled);
            filled = 0U;
        }
    }
}
