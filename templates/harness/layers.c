/* Runs every layer on its inputs and says what came out: "<case> <input> <status> <FNV-1a of the output>". */
#include "layer_cases.h"
#include "harness.h"
#include "uart.h"

volatile uint16_t harness_sequence;

static uint8_t output[LAYER_OUTPUT_BYTES] __attribute__((aligned(8)));

static uint32_t hash_of(const uint8_t *bytes, uint32_t count) {
    uint32_t hash = 0x811c9dc5U;
    uint32_t i;
    for (i = 0U; i < count; i++) {
        hash = (hash ^ bytes[i]) * 0x01000193U;
    }
    return hash;
}

static void say_number(uint32_t number, uint8_t end) {
    static const char digits[] = "0123456789abcdef";
    uint8_t text[9];
    uint32_t i;
    for (i = 0U; i < 8U; i++) {
        text[i] = (uint8_t)digits[(number >> (28U - 4U * i)) & 15U];
    }
    text[8] = end;
    harness_link_write(text, sizeof text);
}

int main(void) {
    uint32_t c;
    uint32_t i;
    harness_link_open();
    for (c = 0U; c < LAYER_CASES; c++) {
        for (i = 0U; i < LAYER_INPUTS; i++) {
            const layer_case *layer = &layer_cases[c];
            const int status = layer->run(layer->inputs[i], output);
            say_number(c, ' ');
            say_number(i, ' ');
            say_number((uint32_t)status, ' ');
            say_number(hash_of(output, layer->output_bytes), '\n');
        }
    }
    harness_link_write((const uint8_t *)"end\n", 4U);
    for (;;) {
    }
}
