/*
 * Softmax with an exponential that is the same in every bit everywhere: NUMERICS, instruction `softmax`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_SOFTMAX_H
#define BITLOOM_SOFTMAX_H

#include "bitloom_float.h"
#include "bitloom_runtime.h"

typedef struct {
    uint32_t count; /* elements */
} bitloom_softmax;

/*
 * e^x of at most 80: Cody-Waite reduction, then Taylor's polynomial; every operation rounded once. 0 below
 * -87 and for a NaN.
 */
float bitloom_exp_f32(float x);

/* Softmax of `count` scores; output may be scores. */
void bitloom_softmax_row(const float *scores, float *output, uint32_t count);

/* Over all elements of each row; the rows are those of a single pixel, [0, 1). Output may be input. */
void bitloom_softmax_f32(const bitloom_softmax *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
