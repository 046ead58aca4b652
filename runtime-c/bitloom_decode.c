/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_decode.h"

#include "bitloom_codes.h"

void bitloom_decode_f32(const bitloom_decode *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->channels + 31U) / 32U;
    uint32_t channel, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        float *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            for (channel = 0U; channel < layer->channels; channel++) {
                *to++ = layer->values[bitloom_code_at(from, plane_words, layer->planes, channel)];
            }
            from += layer->planes * plane_words;
        }
    }
}
