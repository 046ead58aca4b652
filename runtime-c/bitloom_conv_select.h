/*
 * Convolutions of float32 by weights that are 0 or powers of two of both signs, any geometry: NUMERICS,
 * instruction `conv-float`, without a multiplication.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_SELECT_H
#define BITLOOM_CONV_SELECT_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

/* Taps of an output are counted [kernel row][kernel column][channel of the group]; tap k is bit k % 32. */
typedef struct {
    const uint32_t *signs;   /* [outputs][words]: set bits subtract */
    const uint32_t *present; /* [outputs][words]: weights that are not 0; null where all are 1 or -1 */
    const uint32_t *powers;  /* [outputs][power_words]: exponents above the least one, 4 bits per tap; null
                                where weights are -1, 0 and 1 */
    bitloom_window window;
    int32_t least_exponent; /* of powers; they are -126 to 127 */
    uint32_t words;         /* of a row of bits */
    uint32_t power_words;   /* of a row of exponents */
    uint32_t groups;
    uint32_t group_inputs;  /* input channels of a group */
    uint32_t group_outputs; /* output channels of a group */
} bitloom_conv_select;

/* Writes float32 of the rows [y0, y1): sums are rounded one by one, in the weights' order. */
void bitloom_conv_select_f32(const bitloom_conv_select *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
