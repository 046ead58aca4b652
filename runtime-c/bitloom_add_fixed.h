/*
 * Sums of two int16 tensors in fixed point: NUMERICS, instruction `add-fixed`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_ADD_FIXED_H
#define BITLOOM_ADD_FIXED_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t row_elements;
    int32_t factor_a; /* 2^0 ... 2^13 */
    int32_t factor_b;
    int32_t half;   /* 2^(right - 1), or 0 */
    uint32_t right; /* 0 ... 13 */
} bitloom_add_fixed;

/* Rows [y0, y1). */
void bitloom_add_fixed_i16(const bitloom_add_fixed *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
