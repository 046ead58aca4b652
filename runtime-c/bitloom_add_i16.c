/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_add.h"

void bitloom_add_i16(const bitloom_add_layer *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const int16_t *a = bitloom_const_row(&inputs[0], y);
        const int16_t *b = bitloom_const_row(&inputs[1], y);
        int16_t *sum = bitloom_row(output, y);
        for (i = 0U; i < layer->row_elements; i++) {
            sum[i] = (int16_t)(a[i] + b[i]);
        }
    }
}
