/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_take_codes.h"

#include "bitloom_codes.h"

static void slice_pixel(const uint8_t *input, uint32_t channels, uint32_t *output) {
    const uint32_t plane_words = (channels + 31U) / 32U;
    uint32_t first;
    for (first = 0U; first < channels; first += 32U) {
        const uint32_t bits = bitloom_bits_from(first, channels);
        uint32_t words[BITLOOM_MAX_PLANES] = {0U};
        uint32_t i;
        for (i = 0U; i < bits; i++) {
            bitloom_push_code(words, BITLOOM_MAX_PLANES, *input++);
        }
        bitloom_store_codes(words, BITLOOM_MAX_PLANES, bits, output, plane_words);
        output++;
    }
}

void bitloom_take_codes_u8(const bitloom_take_codes *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    const uint32_t output_words = BITLOOM_MAX_PLANES * ((layer->channels + 31U) / 32U);
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const uint8_t *from = bitloom_const_row(inputs, y);
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            slice_pixel(from, layer->channels, to);
            from += layer->channels;
            to += output_words;
        }
    }
}
