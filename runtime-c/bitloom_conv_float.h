/*
 * Convolutions of float32 by float32 weights, any geometry: NUMERICS, instruction `conv-float`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_FLOAT_H
#define BITLOOM_CONV_FLOAT_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    const float *weights; /* [outputs][kernel rows][kernel columns][group_inputs] */
    bitloom_window window;
    uint32_t groups;
    uint32_t group_inputs;  /* input channels of a group */
    uint32_t group_outputs; /* output channels of a group */
} bitloom_conv_float;

/* Writes float32 of the rows [y0, y1): products and sums are rounded one by one, in the weights' order. */
void bitloom_conv_float_f32(const bitloom_conv_float *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
