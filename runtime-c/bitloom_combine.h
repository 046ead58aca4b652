/*
 * Sums and products of two tensors of bytes, multiplied in fixed point: NUMERICS, instruction `combine`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_COMBINE_H
#define BITLOOM_COMBINE_H

#include "bitloom_runtime.h"

typedef struct {
    const int32_t *table_a; /* [256], by the byte of inputs[0] as unsigned */
    const int32_t *table_b; /* [256], by that of inputs[1] */
    const int32_t *tail_a;  /* the same for elements from tail_first on; not read where there are none */
    const int32_t *tail_b;
    uint32_t tail_first;   /* counts elements of the whole tensor */
    uint32_t row_elements; /* elements of a row */
    int32_t multiplier;    /* 0 … 2^31 - 1, in steps of 2^-31 */
    int32_t left;          /* a power of 2, before the multiplier */
    uint32_t right;        /* right shift behind it */
    int32_t low;           /* the result is clamped to low … high, and written less low */
    int32_t high;
} bitloom_combine;

/* Writes uint8 of the rows [y0, y1). The output may be one of the inputs. */
void bitloom_combine_add(const bitloom_combine *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_combine_multiply(const bitloom_combine *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
