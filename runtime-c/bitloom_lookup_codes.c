/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_lookup_codes.h"

#include "bitloom_bits.h"
#include "bitloom_codes.h"

/* 32 channels at once: for each code the channels that have it, which enter the planes of its entry. */
static void look_up_word(const bitloom_lookup_codes *layer, const uint32_t *from, uint32_t plane_words,
                         uint32_t valid, uint32_t *to) {
    uint32_t words[BITLOOM_MAX_PLANES] = {0U};
    uint32_t code, plane;
    for (code = 0U; code < 1U << layer->planes; code++) {
        const uint32_t entry = layer->table[code];
        uint32_t having = valid;
        for (plane = 0U; plane < layer->planes; plane++) {
            const uint32_t word = from[plane * plane_words];
            having &= ((code >> plane) & 1U) != 0U ? word : ~word;
        }
        for (plane = 0U; plane < layer->output_planes; plane++) {
            words[plane] |= ((entry >> plane) & 1U) != 0U ? having : 0U;
        }
    }
    for (plane = 0U; plane < layer->output_planes; plane++) {
        to[plane * plane_words] = words[plane];
    }
}

void bitloom_lookup_codes_channels(const bitloom_lookup_codes *layer, const bitloom_const_ring *inputs,
                                   const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->channels + 31U) / 32U;
    uint32_t first, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            for (first = 0U; first < layer->channels; first += 32U) {
                const uint32_t valid = bitloom_low_bits(bitloom_bits_from(first, layer->channels));
                look_up_word(layer, from + first / 32U, plane_words, valid, to + first / 32U);
            }
            from += layer->planes * plane_words;
            to += layer->output_planes * plane_words;
        }
    }
}
