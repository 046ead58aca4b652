/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_argmax.h"

void bitloom_argmax_i32(const bitloom_argmax *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    for (; y0 < y1; y0++) {
        int32_t *index = bitloom_row(output, y0);
        *index = bitloom_argmax_of_i32(bitloom_const_row(inputs, y0), layer->count, layer->select_last);
    }
}

static int32_t argmax_of_f32(const bitloom_argmax *layer, const float *scores) {
    uint32_t best = 0U;
    uint32_t i;
    for (i = 1U; i < layer->count; i++) {
        /* Neither greater nor less is equal: no float is compared with ==, which compilers warn of. */
        const int greater = scores[i] > scores[best];
        const int less = scores[i] < scores[best];
        if (greater || (layer->select_last != 0U && !less)) {
            best = i;
        }
    }
    return (int32_t)best;
}

void bitloom_argmax_f32(const bitloom_argmax *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    for (; y0 < y1; y0++) {
        int32_t *index = bitloom_row(output, y0);
        *index = argmax_of_f32(layer, bitloom_const_row(inputs, y0));
    }
}
