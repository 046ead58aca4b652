/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_add.h"

#include "bitloom_float.h"

void bitloom_add_i32(const bitloom_add_layer *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const int32_t *a = bitloom_const_row(&inputs[0], y);
        const int32_t *b = bitloom_const_row(&inputs[1], y);
        int32_t *sum = bitloom_row(output, y);
        for (i = 0U; i < layer->row_elements; i++) {
            sum[i] = a[i] + b[i];
        }
    }
}

void bitloom_add_f32(const bitloom_add_layer *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const float *a = bitloom_const_row(&inputs[0], y);
        const float *b = bitloom_const_row(&inputs[1], y);
        float *sum = bitloom_row(output, y);
        for (i = 0U; i < layer->row_elements; i++) {
            sum[i] = bitloom_rounded(a[i] + b[i]);
        }
    }
}
