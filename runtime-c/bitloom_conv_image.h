/*
 * First layers: convolution of u8 or i8 pixels of few channels by ±1 weights, fused with a one-bit threshold.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The inputs of one column of a window (kernel rows × channels) are cut into parts of at most five. For each
 * part a table holds the sums of all its sign patterns (entry p: input i counts -1 times where bit i is set,
 * the weight is +1), at every x: it serves all kernel columns and all outputs of the row, so that an output
 * adds one entry per kernel column and part. Sums are int16, two pixels to a word: 32 pixels, x and x + 16
 * together.
 *
 * Inputs are [row][x][channel], outputs in the layout `pixels`.
 */
#ifndef BITLOOM_CONV_IMAGE_H
#define BITLOOM_CONV_IMAGE_H

#include "bitloom_runtime.h"

/* Words of a table entry: 16 pairs of pixels, and what a kernel is wider than one column. */
#define BITLOOM_CONV_IMAGE_ENTRY 20U
/* Inputs of a part at most. */
#define BITLOOM_CONV_IMAGE_PART 5U

typedef struct {
    /* [outputs][kernel column][part]: words from the tables to the entry at that column */
    const uint16_t *lookups;
    const int16_t *limits; /* [outputs]: the output bit is sum > limit, in sums of input - center */
    uint16_t height;       /* input map */
    uint16_t width;
    uint16_t output_width;
    uint16_t outputs;
    uint16_t channels;
    uint16_t kernel_height;
    uint16_t kernel_width;
    uint16_t stride_y; /* along x it is 1 */
    uint16_t dilation_y;
    uint16_t dilation_x; /* (kernel_width - 1) * dilation_x is at most 4 */
    uint16_t pad_top;
    uint16_t pad_left;
    uint16_t chunk;    /* outputs done in one pass over the rows */
    uint16_t entries;  /* of all tables */
    int16_t center;    /* subtracted from stored inputs */
    int16_t pad_value; /* of a tap outside the map, center subtracted */
    uint8_t is_signed; /* inputs are i8 */
    uint8_t parts;     /* ceil(kernel_height * channels / 5) */
} bitloom_conv_image;

/*
 * Words of scratch: 20 * entries + 20 * channels * span * ceil(output_width / 32), where span is
 * (kernel_height - 1) * dilation_y + 1, + 2 * chunk * (kernel_width * parts + 1) + chunk.
 */

/* Writes output bits of the rows [y0, y1). */
void bitloom_conv_image_threshold(const bitloom_conv_image *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
