/*
 * Codes from one layout to the other.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * channels: [row][x][plane][word], 32 channels to a word, lowest channel in bit 0, tail bits zero.
 * pixels:   [row][plane][channel][unit], a unit is one row of one channel, pixel x in bit x, unused bits
 * zero. Blocks of 32 x 32 bits are transposed in registers' worth of work: five rounds of exchanges.
 */
#ifndef BITLOOM_LAYOUT_H
#define BITLOOM_LAYOUT_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t width;      /* pixels per row */
    uint32_t channels;   /* channels per pixel */
    uint8_t planes;      /* 1 to 8 */
    uint16_t unit_bytes; /* 1, 2 or 4, or 4 * ceil(width / 32) beyond 32 pixels */
} bitloom_layout;

/* Converts the rows [y0, y1); rows of the layout `pixels` start at multiples of four bytes. */
void bitloom_layout_to_pixels(const bitloom_layout *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_layout_to_channels(const bitloom_layout *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
