/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_add_fixed.h"

#include "bitloom_fixed.h"

void bitloom_add_fixed_i16(const bitloom_add_fixed *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const int32_t factor_a = layer->factor_a;
    const int32_t factor_b = layer->factor_b;
    const int32_t half = layer->half;
    const uint32_t right = layer->right;
    (void)scratch;
    for (; y0 < y1; y0++) {
        const int16_t *a = bitloom_const_row(&inputs[0], y0);
        const int16_t *b = bitloom_const_row(&inputs[1], y0);
        int16_t *sum = bitloom_row(output, y0);
        uint32_t i;
        for (i = 0U; i < layer->row_elements; i++) {
            /* Below 2^29 in magnitude, and half a unit. */
            const int32_t s = bitloom_floor_30(a[i] * factor_a + b[i] * factor_b + half, right);
            sum[i] = (int16_t)(s < -32768 ? -32768 : s > 32767 ? 32767 : s);
        }
    }
}
