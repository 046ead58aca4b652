/* The host build: standard input and output as the byte link. Ends with the input. */
#include "harness.h"
#include "uart.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t harness_stack_size(void) {
    return 0U;
}

uint32_t harness_stack_used(void) {
    return 0U;
}

void harness_link_open(void) {}

uint8_t harness_link_read(void) {
    const int byte = getchar();
    if (byte == EOF) {
        exit(0);
    }
    return (uint8_t)byte;
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    if (fwrite(bytes, 1U, count, stdout) != count || fflush(stdout) != 0) {
        exit(1);
    }
}
