/*
 * Dense layers of one-bit inputs (±1) and one-bit weights (±1).
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * score[n] = inputs - 2 * (positions in which input and weights differ): NUMERICS, instruction `dense`.
 * A map of width x rows is a dense layer per pixel (a 1x1 convolution).
 *
 * Input and output pixels are canonical: 32 channels a word, lowest channel in bit 0, tail bits zero.
 */
#ifndef BITLOOM_DENSE_B1_H
#define BITLOOM_DENSE_B1_H

#include "bitloom_runtime.h"

typedef struct {
    const uint32_t *weights; /* [outputs][words], 1 = +1, tail bits zero */
    const int16_t
        *limits;      /* [outputs]: output bit = differing positions <= limit; -1 = never. Null for scores */
    uint16_t inputs;  /* input channels */
    uint16_t words;   /* words per input pixel */
    uint16_t outputs; /* output channels */
    uint16_t width;   /* pixels per row */
} bitloom_dense_b1;

/* Writes output bits of the rows [y0, y1). */
void bitloom_dense_b1_threshold(const bitloom_dense_b1 *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes int32 scores of the rows [y0, y1). */
void bitloom_dense_b1_scores(const bitloom_dense_b1 *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
