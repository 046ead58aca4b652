/*
 * A border around a map, and channels before and after its own: NUMERICS, instruction `pad`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_PAD_H
#define BITLOOM_PAD_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t height;          /* rows of the input */
    uint32_t width;           /* pixels of an input row */
    uint32_t channels;        /* channels of the input */
    uint32_t output_width;    /* pixels of an output row */
    uint32_t top;             /* rows above the input */
    uint32_t left;            /* pixels before it */
    uint32_t channels_before; /* channels before its own */
    uint32_t channels_after;
    uint32_t fill;         /* the code, or the lowest bytes of the scalar */
    uint8_t planes;        /* of codes; else 0 */
    uint8_t element_bytes; /* of scalars: 1, 2 or 4; else 0 */
} bitloom_pad;

/* Rows [y0, y1) of scalars and of codes in the layout channels. */
void bitloom_pad_scalars(const bitloom_pad *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_pad_channels(const bitloom_pad *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Rows [y0, y1) of codes in the layout pixels. */
void bitloom_pad_pixels(const bitloom_pad *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
