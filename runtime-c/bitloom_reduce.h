/*
 * Sums over the channels of each pixel, or over all elements: NUMERICS, instruction `reduce`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_REDUCE_H
#define BITLOOM_REDUCE_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t terms; /* elements that are added to one sum before the next row is read */
    uint16_t sums;  /* of a row of the output */
    uint16_t rows;  /* of the input that one row of the output is made of */
} bitloom_reduce;

/* Write the rows [y0, y1): int32 exactly, or float32 in order, rounded after each addition. */
void bitloom_reduce_i32(const bitloom_reduce *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_reduce_f32(const bitloom_reduce *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
