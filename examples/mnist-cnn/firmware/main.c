/*
 * Recognises handwritten digits on an STM32F4-Discovery (Cortex-M4), without an operating system.
 * Prints one line per digit on the UART, then PASS if all were right.
 */
#include "digits.h"
#include "mnist_cnn.h"
#include "uart.h"

static uint8_t arena[MNIST_CNN_ARENA_SIZE] __attribute__((aligned(MNIST_CNN_ARENA_ALIGN)));
static mnist_cnn_output_t scores[MNIST_CNN_OUTPUT_COUNT];

static void print_digit(uint32_t label, int32_t seen) {
    uart_print("digit ");
    uart_put((char)('0' + label));
    uart_print(" recognised as ");
    uart_put((char)('0' + seen));
    uart_print("\r\n");
}

int main(void) {
    mnist_cnn_context context;
    uint32_t wrong = 0U;
    uint32_t i;

    uart_init();
    if (mnist_cnn_init(&context, arena) != BITLOOM_OK || mnist_cnn_selftest(&context) != BITLOOM_OK) {
        uart_print("FAIL: self-test\r\n");
        return 1;
    }
    for (i = 0U; i < DIGIT_COUNT; i++) {
        int32_t seen;
        if (mnist_cnn_run(&context, digit_pixels[i], scores) != BITLOOM_OK) {
            uart_print("FAIL: run\r\n");
            return 1;
        }
        seen = mnist_cnn_argmax(scores);
        print_digit(digit_labels[i], seen);
        wrong += (uint32_t)seen != digit_labels[i] ? 1U : 0U;
    }
    uart_print(wrong == 0U ? "PASS\r\n" : "FAIL\r\n");
    return (int)wrong;
}
