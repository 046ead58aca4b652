/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_rank.h"

void bitloom_rank_i32(const bitloom_rank *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,
                      void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    for (; y0 < y1; y0++) {
        const int32_t *from = bitloom_const_row(inputs, y0);
        int32_t *to = bitloom_row(output, y0);
        uint32_t channel;
        for (channel = 0U; channel < layer->channels; channel++) {
            to[channel] = bitloom_rank_value(layer, from[channel], channel);
        }
    }
}
