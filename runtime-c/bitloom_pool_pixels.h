/*
 * Greatest or least code per channel and window in the layout pixels, 32 pixels at a time: NUMERICS,
 * instruction `pool`. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a window are joined, then its columns by shifts, then every stride-th bit is kept. One-bit codes
 * are joined by OR; codes of several planes by a comparison that runs from the highest plane down. The least
 * is the greatest of the complement, and 0, which no code is below, stands for what lies outside the map.
 */
#ifndef BITLOOM_POOL_PIXELS_H
#define BITLOOM_POOL_PIXELS_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    bitloom_window window;
    uint32_t channels;
    uint16_t unit_bytes;        /* of the input */
    uint16_t output_unit_bytes; /* of the output */
    uint8_t planes;             /* 1 to 8 */
    uint8_t minimum;            /* 0: the greatest, 1: the least */
} bitloom_pool_pixels;

/* Rows [y0, y1) of one-bit codes. Scratch: 4 * ceil(width / 32) bytes. */
void bitloom_pool_pixels_extreme(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* The same for codes of several planes. Scratch: 4 * planes * ceil(width / 32) bytes. */
void bitloom_pool_pixels_planes(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/*
 * The same for one-bit codes where each output is made of two neighbouring columns: kernel of one or two rows
 * and two columns, stride 2 along x, no padding on the left, and output units of half the input's bytes, or
 * of one byte both and at most four outputs; if an input unit has several words, they are full. Whole words
 * are joined, whatever channels they hold. Needs no scratch.
 */
void bitloom_pool_pixels_halve(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Columns of a kernel that bitloom_pool_pixels_words takes. */
#define BITLOOM_POOL_PIXELS_COLUMNS 8U

/*
 * The same for one-bit codes with any kernel of at most eight columns and stride 1 or 2 along x, where input
 * units have at most 32 pixels. With stride 1 output units have as many bytes; with stride 2 half of them, or
 * one byte both and at most four outputs. Needs no scratch.
 */
void bitloom_pool_pixels_words(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
