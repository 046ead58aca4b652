/*
 * Dense layers of k-bit inputs and m-bit weights, both unsigned codes stored as bit planes.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * With D = sum over planes i, j of 2^(i+j) * common(input plane i, weight plane j) and A = the sum of the
 * input codes, score[n] = product_scale * D + sum_scale * A + bias[n]: the expansion of
 * sum (step_x * x + offset_x) * (step_w * w + offset_w), NUMERICS, instruction `dense`.
 *
 * A pixel is its planes one after another, least significant first, each as in bitloom_dense_b1.h.
 */
#ifndef BITLOOM_DENSE_PLANES_H
#define BITLOOM_DENSE_PLANES_H

#include "bitloom_runtime.h"

typedef struct {
    const uint32_t *weights;   /* [outputs][weight_planes][words] */
    const int32_t *thresholds; /* [outputs][levels], bias already subtracted, ascending. Null for scores */
    const int32_t *bias;       /* [outputs]. Null for thresholds */
    int32_t product_scale;     /* step_x * step_w */
    int32_t sum_scale;         /* step_x * offset_w */
    uint16_t words;            /* words per plane of an input pixel */
    uint16_t outputs;          /* output channels */
    uint16_t width;            /* pixels per row */
    uint8_t input_planes;      /* 1 to 8 */
    uint8_t weight_planes;     /* 1 to 8 */
    uint8_t output_planes;     /* 1 to 8 */
    uint8_t levels;            /* thresholds per output */
} bitloom_dense_planes;

/* Writes output codes of the rows [y0, y1): code = number of thresholds reached. */
void bitloom_dense_planes_threshold(const bitloom_dense_planes *layer, const bitloom_const_ring *inputs,
                                    const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes int32 scores of the rows [y0, y1). */
void bitloom_dense_planes_scores(const bitloom_dense_planes *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
