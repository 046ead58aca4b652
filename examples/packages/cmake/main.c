#include "recognise.h"
#include "uart.h"

int main(void) {
    uart_init();
    return recognise_pattern(uart_put);
}
