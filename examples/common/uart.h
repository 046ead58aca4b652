/* The board's serial port, 115200 baud; each example has the driver of its own board. */
#ifndef UART_H
#define UART_H

void uart_init(void);
void uart_put(char c);
void uart_print(const char *text);

#endif
