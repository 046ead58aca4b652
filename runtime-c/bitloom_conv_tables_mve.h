/*
 * Convolution of one-bit inputs (+1, -1) by one-bit weights (+1, -1), with the one-bit threshold that
 * follows: a word of 128 bits is 16 output pixels of 8 outputs. Made for MVE; the C version runs everywhere.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of pairs is that of bitloom_conv_pairs.h: of 2 pairs of inputs, F + F' = u + 2 v. A table
 * holds the 16 (u, v) of 4 inputs for the weights of 8 outputs, a byte each; the 4 input bits of a pixel
 * select from it, for 16 pixels at once: a gathering load. An output bit is [A + 2 S >= t], with S the sum of
 * all F and A that of all x ^ y, which no weight changes.
 *
 * The map is read once, into one byte for each pixel and each 4 channels: the bits, and above them the slot
 * of the table. Pixels of a word lie wherever their windows start, so that strides, dilations, narrow maps
 * and long rows cost the same; a tap is a place in that image.
 *
 * The count of instructions depends on the shape alone, not on inputs, weights or thresholds.
 *
 * Padding. A tap outside the map has zero bits (-1) or ones (+1). Padding 0 is the sum with -1 and thresholds
 * per class of output rows and columns (those with the same taps outside).
 */
#ifndef BITLOOM_CONV_TABLES_MVE_H
#define BITLOOM_CONV_TABLES_MVE_H

#include "bitloom_runtime.h"

#define BITLOOM_CONV_TABLES_MVE_MINUS 0
#define BITLOOM_CONV_TABLES_MVE_PLUS 1
#define BITLOOM_CONV_TABLES_MVE_ZERO 2

/* Fours (4 x 4 inputs) in a chunk. */
#define BITLOOM_CONV_TABLES_MVE_MAX_CHUNK 56U
/* Classes of pixels. */
#define BITLOOM_CONV_TABLES_MVE_MAX_CLASSES 32U

/*
 * Inputs come in quads of 4 channels of a tap, [tap][quad], and 4 such quads one after the other are a four.
 * Weights: [group][block of 8 outputs][8 quads][first, second of a pair][16 pairs], a byte of 8 outputs each,
 * lowest output lowest, 1 = +1; what does not exist has 1.
 */
typedef struct {
    const uint8_t *weights;
    /* [class][group][block][2 + planes], a byte of 8 outputs each: t odd; always 1; complement of (t + 1) / 2
     * - 1. */
    const uint8_t *thresholds;
    const uint16_t *places; /* [quads, to whole 8]: where tables are in bytes, or null: one after the other */
    const uint8_t *row_classes;    /* [output height]: class of column class 0; or null: one class */
    const uint8_t *column_classes; /* [output width], or null */
    uint16_t height, width;        /* of the input */
    uint16_t channels, outputs;    /* of a group */
    uint16_t groups;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_y, stride_x;
    uint8_t dilation_y, dilation_x;
    int16_t pad_top, pad_left;
    uint16_t chunk;        /* fours whose tables exist together: even */
    uint16_t table_bytes;  /* of u, or v, of a chunk's tables, with gaps */
    uint16_t tile_rows;    /* output rows of which the image holds the inputs: a multiple of part_rows */
    uint16_t tile_columns; /* the same for columns */
    uint8_t part_rows;     /* output rows whose windows start within 256 bytes of the image */
    uint8_t copies;        /* of the image, so that 4 quads in a row have slots of their own */
    uint8_t planes;        /* of A / 2 + S: 6 to 14 */
    uint8_t whole_list;    /* 1: places of all fours exist together; 0: those of a chunk */
    uint8_t padding;
} bitloom_conv_tables_mve;

/*
 * Input and output in the `channels` layout. The scratch size is what the planner states
 * (src/kernels/conv-tables-mve-plan.ts); `bitloom_conv_tables_mve_scratch` says the same.
 */
void bitloom_conv_tables_mve_threshold(const bitloom_conv_tables_mve *layer, const bitloom_const_ring *inputs,
                                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Bytes of scratch that the layer needs. */
uint32_t bitloom_conv_tables_mve_scratch(const bitloom_conv_tables_mve *layer);

#endif
