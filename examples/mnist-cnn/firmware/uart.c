/* USART2 of an STM32F4 on pin PA2, at the clock after reset: the internal oscillator, 16 MHz. */
#include "uart.h"

#include <stdint.h>

/* Registers of the reference manual RM0090. */
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_AHB1ENR REGISTER(0x40023830U)
#define RCC_APB1ENR REGISTER(0x40023840U)
#define GPIOA_MODER REGISTER(0x40020000U)
#define GPIOA_AFRL REGISTER(0x40020020U)
#define USART2_SR REGISTER(0x40004400U)
#define USART2_DR REGISTER(0x40004404U)
#define USART2_BRR REGISTER(0x40004408U)
#define USART2_CR1 REGISTER(0x4000440CU)

#define AHB1_GPIOA (1U << 0)
#define APB1_USART2 (1U << 17)
#define PA2_MODE_MASK (3U << 4)
#define PA2_MODE_ALTERNATE (2U << 4)
#define PA2_FUNCTION_MASK (15U << 8)
#define PA2_FUNCTION_USART2 (7U << 8)
#define CR1_USART_AND_TX_ENABLE ((1U << 13) | (1U << 3))
#define SR_TX_EMPTY (1U << 7)
#define CLOCK 16000000U
#define BAUD 115200U

void uart_init(void) {
    RCC_AHB1ENR |= AHB1_GPIOA;
    RCC_APB1ENR |= APB1_USART2;
    (void)RCC_APB1ENR; /* the clock runs two cycles after the write */
    GPIOA_AFRL = (GPIOA_AFRL & ~PA2_FUNCTION_MASK) | PA2_FUNCTION_USART2;
    GPIOA_MODER = (GPIOA_MODER & ~PA2_MODE_MASK) | PA2_MODE_ALTERNATE;
    USART2_BRR = (CLOCK + BAUD / 2U) / BAUD;
    USART2_CR1 = CR1_USART_AND_TX_ENABLE;
}

void uart_put(char c) {
    while ((USART2_SR & SR_TX_EMPTY) == 0U) {
    }
    USART2_DR = (uint8_t)c;
}
