/*
 * Recognises handwritten digits on a BBC micro:bit (Cortex-M0, 16 KB of RAM), without an operating system.
 * Prints one line per digit on the UART, then PASS if all were right.
 */
#include "digits.h"
#include "mnist_mlp.h"
#include "uart.h"

static uint8_t arena[MNIST_MLP_ARENA_SIZE] __attribute__((aligned(MNIST_MLP_ARENA_ALIGN)));
static mnist_mlp_output_t scores[MNIST_MLP_OUTPUT_COUNT];

static void print_digit(uint32_t label, int32_t seen) {
    uart_print("digit ");
    uart_put((char)('0' + label));
    uart_print(" recognised as ");
    uart_put((char)('0' + seen));
    uart_print("\r\n");
}

int main(void) {
    mnist_mlp_context context;
    uint32_t wrong = 0U;
    uint32_t i;

    uart_init();
    if (mnist_mlp_init(&context, arena) != BITLOOM_OK || mnist_mlp_selftest(&context) != BITLOOM_OK) {
        uart_print("FAIL: self-test\r\n");
        return 1;
    }
    for (i = 0U; i < DIGIT_COUNT; i++) {
        int32_t seen;
        if (mnist_mlp_run(&context, digit_pixels[i], scores) != BITLOOM_OK) {
            uart_print("FAIL: run\r\n");
            return 1;
        }
        seen = mnist_mlp_argmax(scores);
        print_digit(digit_labels[i], seen);
        wrong += (uint32_t)seen != digit_labels[i] ? 1U : 0U;
    }
    uart_print(wrong == 0U ? "PASS\r\n" : "FAIL\r\n");
    return (int)wrong;
}
