/*
 * Sums of two tensors, element by element: NUMERICS, instruction `add`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_ADD_H
#define BITLOOM_ADD_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t row_elements; /* elements of a row */
} bitloom_add_layer;

/* Rows [y0, y1) of inputs[0] + inputs[1]. The output may be one of the inputs. */
void bitloom_add_i16(const bitloom_add_layer *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_add_i32(const bitloom_add_layer *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_add_f32(const bitloom_add_layer *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
