/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_scale.h"

void bitloom_scale_i32(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    uint32_t channel, x, y;
    for (y = y0; y < y1; y++) {
        const int32_t *from = bitloom_const_row(inputs, y);
        float *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            for (channel = 0U; channel < layer->channels; channel++) {
                *to++ = bitloom_scale_value(layer, *from++, channel);
            }
        }
    }
}
