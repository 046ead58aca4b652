/*
 * First layers: convolution of u8 or i8 pixels of few channels by ±1 weights, fused with a one-bit threshold.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The inputs of one column of a window (kernel rows × channels) are cut into parts of at most five. For each
 * part a table holds the sums of all its sign patterns, in the order of a Gray code (input i counts -1 times
 * where bit i is set, the weight is -1), at every x: it serves all kernel columns and all outputs of the row,
 * so that an output adds one entry per kernel column and part. Sums are pairs, two pixels to a word
 * (bitloom_conv_image_core.h): a strip of 32 pixels, x and x + 16 together, or one of 16, x and x + 8. With a
 * stride along x the columns of each remainder modulo the stride (a phase) are a map with tables of its own.
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
    const uint16_t *starts; /* [outputs]: the output bit is sum + start >= 2^15, in sums of input - center */
    uint16_t height;        /* input map */
    uint16_t width;
    uint16_t output_width;
    uint16_t outputs;
    uint16_t channels;
    uint16_t kernel_height;
    uint16_t kernel_width;
    uint16_t stride_y;
    uint16_t stride_x;
    uint16_t dilation_y;
    uint16_t pad_top;
    uint16_t pad_left;
    uint16_t chunk;    /* outputs done in one pass over the rows, even where the output width is at most 16 */
    uint16_t entries;  /* of the tables of one phase */
    int16_t center;    /* subtracted from stored inputs */
    int16_t pad_value; /* of a tap outside the map, center subtracted */
    uint8_t is_signed; /* inputs are i8 */
    uint8_t parts;     /* of a column */
    uint8_t phases;    /* 1 to stride_x */
    uint8_t words; /* of an entry: half a strip, and how far apart a window's columns of a phase are; at most
                      20 */
} bitloom_conv_image;

/*
 * Words of scratch: 20 * entries * phases + 20 * channels * phases * span * strips, where span is
 * (kernel_height - 1) * dilation_y + 1 and a strip has 32 pixels, + results * (2 * (kernel_width * parts + 1)
 * + 1), where results is chunk, or half of it if the output width is at most 16.
 */

/* Writes output bits of the rows [y0, y1). */
void bitloom_conv_image_threshold(const bitloom_conv_image *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
