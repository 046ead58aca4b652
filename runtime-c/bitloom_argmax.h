/**
 * @file
 * Index of the greatest element: NUMERICS, instruction `argmax`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_ARGMAX_H
#define BITLOOM_ARGMAX_H

#include "bitloom_runtime.h"

/** A layer that finds the greatest element. */
typedef struct {
    uint32_t count;      /**< elements */
    uint8_t select_last; /**< of equal elements: 0 the first, 1 the last */
} bitloom_argmax;

/** Inline, so that a generated header can offer it without another source file. */
static inline int32_t bitloom_argmax_of_i32(const int32_t *scores, uint32_t count, uint8_t select_last) {
    uint32_t best = 0U;
    uint32_t i;
    for (i = 1U; i < count; i++) {
        if (scores[i] > scores[best] || (select_last != 0U && scores[i] == scores[best])) {
            best = i;
        }
    }
    return (int32_t)best;
}

/** @cond kernels */
/* Whole maps: writes one int32. The rows are those of a single pixel, [0, 1). */
void bitloom_argmax_i32(const bitloom_argmax *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_argmax_f32(const bitloom_argmax *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
/** @endcond */

#endif
