/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pairwise.h"

#include "bitloom_float.h"

/* One function per operator. */
#define BITLOOM_PAIRWISE(NAME, OPERATOR)                                                                     \
    void NAME(const bitloom_pairwise *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,   \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t channel, x, y;                                                                              \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const float *a_from = bitloom_const_row(&inputs[0], layer->a_row * y);                           \
            const float *b_from = bitloom_const_row(&inputs[1], layer->b_row * y);                           \
            float *to = bitloom_row(output, y);                                                              \
            for (x = 0U; x < layer->width; x++) {                                                            \
                const float *a = a_from + x * layer->a_pixel;                                                \
                const float *b = b_from + x * layer->b_pixel;                                                \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    *to++ = bitloom_rounded(*a OPERATOR * b);                                                \
                    a += layer->a_channel;                                                                   \
                    b += layer->b_channel;                                                                   \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_PAIRWISE(bitloom_pairwise_add, +)
BITLOOM_PAIRWISE(bitloom_pairwise_subtract, -)
BITLOOM_PAIRWISE(bitloom_pairwise_multiply, *)
