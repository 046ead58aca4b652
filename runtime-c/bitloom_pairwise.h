/*
 * Sums, differences and products of two tensors of floats that may broadcast: NUMERICS, instruction
 * `pairwise`. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_PAIRWISE_H
#define BITLOOM_PAIRWISE_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t channels; /* of the output */
    uint32_t a_pixel;  /* elements from one pixel of inputs[0] to the next; 0 where one column serves all */
    uint32_t b_pixel;  /* the same of inputs[1] */
    uint16_t width;    /* of the output */
    uint8_t a_row;     /* 0: the only row of inputs[0] serves all, else 1 */
    uint8_t b_row;
    uint8_t a_channel; /* 0: the only channel of inputs[0] serves all, else 1 */
    uint8_t b_channel;
} bitloom_pairwise;

/* Rows [y0, y1) of inputs[0] and inputs[1] joined by an operator. The output may be an input of its shape. */
void bitloom_pairwise_add(const bitloom_pairwise *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_pairwise_subtract(const bitloom_pairwise *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_pairwise_multiply(const bitloom_pairwise *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
