/**
 * @file
 * Integers in the order of a model's float outputs: NUMERICS, instruction `rank`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_RANK_H
#define BITLOOM_RANK_H

#include "bitloom_runtime.h"

/** One linear function per channel. */
typedef struct {
    const int32_t *slope;  /**< [channels] */
    const int32_t *offset; /**< [channels]; the compiler proves that no rank overflows */
    uint32_t channels;     /**< scores */
} bitloom_rank;

static inline int32_t bitloom_rank_value(const bitloom_rank *layer, int32_t score, uint32_t channel) {
    return layer->slope[channel] * score + layer->offset[channel];
}

/** @cond kernels */
/* Writes int32 ranks of int32 scores. The rows are those of a single pixel, [0, 1). */
void bitloom_rank_i32(const bitloom_rank *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,
                      void *scratch, uint32_t y0, uint32_t y1);
/** @endcond */

#endif
