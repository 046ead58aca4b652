/* The micro:bit's USB serial port: UART0 of its nRF51822, 115200 baud. */
#ifndef UART_H
#define UART_H

void uart_init(void);
void uart_put(char c);
void uart_print(const char *text);

#endif
