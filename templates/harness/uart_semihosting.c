/*
 * QEMU's semihosting as the byte link: input from a named pipe in QEMU's working folder, output to the
 * console. An emulated UART costs QEMU some thirty microseconds per byte; this moves blocks. (The console's
 * own input loses its wake-up when more than 1024 bytes arrive at once, hence the pipe.) The name of
 * harness_semihosting_call tells the emulator's driver to switch semihosting on.
 */
#include "uart.h"

#define SYS_OPEN 0x01U
#define SYS_WRITE 0x05U
#define SYS_READ 0x06U
#define MODE_READ_BINARY 1U
#define MODE_WRITE_BINARY 5U

static const char input_name[] = "input";
static const char output_name[] = ":tt";
static uint32_t input_handle;
static uint32_t output_handle;
static uint8_t buffer[256];
static uint32_t buffered;
static uint32_t taken;

uint32_t harness_semihosting_call(uint32_t operation, const uint32_t *arguments);

__attribute__((noinline)) uint32_t harness_semihosting_call(uint32_t operation, const uint32_t *arguments) {
    register uint32_t r0 __asm("r0") = operation;
    register const uint32_t *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode) {
    uint32_t arguments[3];
    arguments[0] = (uint32_t)name;
    arguments[1] = mode;
    arguments[2] = length;
    return harness_semihosting_call(SYS_OPEN, arguments);
}

void harness_link_open(void) {
    input_handle = open_file(input_name, sizeof input_name - 1U, MODE_READ_BINARY);
    output_handle = open_file(output_name, sizeof output_name - 1U, MODE_WRITE_BINARY);
}

/* Returns with at least one byte. The answer is the number of bytes that were not read. */
static void fill(void) {
    uint32_t arguments[3];
    taken = 0U;
    do {
        arguments[0] = input_handle;
        arguments[1] = (uint32_t)buffer;
        arguments[2] = sizeof buffer;
        buffered = sizeof buffer - harness_semihosting_call(SYS_READ, arguments);
    } while (buffered == 0U || buffered > sizeof buffer);
}

uint8_t harness_link_read(void) {
    if (taken >= buffered) {
        fill();
    }
    return buffer[taken++];
}

void harness_link_write(const uint8_t *bytes, size_t count) {
    uint32_t arguments[3];
    if (count == 0U) {
        return;
    }
    arguments[0] = output_handle;
    arguments[1] = (uint32_t)bytes;
    arguments[2] = (uint32_t)count;
    (void)harness_semihosting_call(SYS_WRITE, arguments);
}
