/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_add.h"

#include "bitloom_float.h"

/* SUM makes the output's type of two elements. */
#define BITLOOM_ADD_KERNEL(NAME, TYPE, SUM)                                                                  \
    void NAME(const bitloom_add_layer *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,  \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t i, y;                                                                                       \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const TYPE *a = bitloom_const_row(&inputs[0], y);                                                \
            const TYPE *b = bitloom_const_row(&inputs[1], y);                                                \
            TYPE *sum = bitloom_row(output, y);                                                              \
            for (i = 0U; i < layer->row_elements; i++) {                                                     \
                sum[i] = SUM(a[i] + b[i]);                                                                   \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_ADD_KERNEL(bitloom_add_i16, int16_t, (int16_t))
BITLOOM_ADD_KERNEL(bitloom_add_i32, int32_t, (int32_t))
BITLOOM_ADD_KERNEL(bitloom_add_f32, float, bitloom_rounded)
