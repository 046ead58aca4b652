/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_reduce.h"

#include "bitloom_float.h"

#define EXACT(X) (X)

/* One function per type. */
#define BITLOOM_REDUCE(NAME, TYPE, ROUNDED)                                                                  \
    void NAME(const bitloom_reduce *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,     \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t i, row, s, y;                                                                               \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            TYPE *to = bitloom_row(output, y);                                                               \
            for (s = 0U; s < layer->sums; s++) {                                                             \
                TYPE sum = 0;                                                                                \
                for (row = 0U; row < layer->rows; row++) {                                                   \
                    const TYPE *from = bitloom_const_row(inputs, y * layer->rows + row);                     \
                    from += s * layer->terms;                                                                \
                    for (i = 0U; i < layer->terms; i++) {                                                    \
                        sum = ROUNDED(sum + from[i]);                                                        \
                    }                                                                                        \
                }                                                                                            \
                to[s] = sum;                                                                                 \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_REDUCE(bitloom_reduce_i32, int32_t, EXACT)
BITLOOM_REDUCE(bitloom_reduce_f32, float, bitloom_rounded)
