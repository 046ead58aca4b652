#include "uart.h"

void uart_print(const char *text) {
    while (*text != '\0') {
        uart_put(*text++);
    }
}
