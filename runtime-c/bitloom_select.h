/*
 * Rows, columns and channels of a tensor in a given order: NUMERICS, instruction `select`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_SELECT_H
#define BITLOOM_SELECT_H

#include "bitloom_runtime.h"

typedef struct {
    const uint16_t *runs;  /* [count][2]: first channel and number of channels */
    uint32_t count;        /* runs */
    uint32_t channels;     /* channels of the input */
    uint32_t output_width; /* pixels of an output row */
    uint32_t top;          /* input row of output row 0 */
    uint32_t left;         /* input pixel of output pixel 0 */
    uint32_t step_y;       /* input rows from one output row to the next */
    uint32_t step_x;
    uint16_t unit_bytes;   /* of the layout pixels; else 0 */
    uint8_t planes;        /* of codes; else 0 */
    uint8_t element_bytes; /* of scalars; else 0 */
} bitloom_select;

/*
 * Rows [y0, y1) of scalars and of codes in the layout channels. Scalars whose runs are in no ascending order
 * have scratch for a pixel of the input.
 */
void bitloom_select_scalars(const bitloom_select *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_select_channels(const bitloom_select *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Rows [y0, y1) of codes in the layout pixels, whole rows of pixels: left is 0, step_x 1. */
void bitloom_select_pixels(const bitloom_select *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
