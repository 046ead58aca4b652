/*
 * Convolution of one-bit inputs (+1, -1) by one-bit weights (+1, -1), with the one-bit threshold that
 * follows: 128 output pixels to a word, all their sums bit-sliced. Made for MVE; the C version runs
 * everywhere. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of pairs is that of bitloom_conv_pairs.h: of 2 pairs of inputs, F + F' = u + 2 v; a table of
 * the 16 (u, v) of 4 inputs serves all outputs, 4 weight bits select from it. An output bit is [A + 2 S >=
 * t], with S the sum of all F and A that of all x ^ y, which no weight changes.
 *
 * What 12 KB of tables must hold decides the rest:
 * - A tile has lanes of 16 or 32 bits: one lane is a row, or a piece of one; lanes are consecutive rows.
 * Tables hold the rows of the tile and those that the kernel reaches, so that kernel rows are loads at
 * different places of one table.
 * - Kernel columns share tables too: each column is summed where the inputs lie, and the sums are shifted
 * within the lanes and added (Horner's rule: kernel columns from the left end, then those from the right
 * end). What is shifted in is the sum over padding, a constant of the output: `fills`.
 * - A stride takes the inputs apart into phases, each of which is a map with stride 1 and tables of its own.
 * Channels whose tables do not fit are summed in chunks, for a block of outputs at a time.
 *
 * The count of instructions depends on the shape alone, not on inputs, weights or thresholds.
 *
 * Padding. A tap outside the map is a zero bit (-1). Padding +1 is the same with inputs and weights
 * complemented. Padding 0 is the sum with -1 padding and thresholds per class of output rows and columns
 * (those with the same taps outside).
 */
#ifndef BITLOOM_CONV_PAIRS_MVE_H
#define BITLOOM_CONV_PAIRS_MVE_H

#include "bitloom_runtime.h"

/* Planes of sums: pairs of a layer are at most 2^14 - 1. */
#define BITLOOM_CONV_PAIRS_MVE_MAX_PLANES 14U
/* Kernel columns. */
#define BITLOOM_CONV_PAIRS_MVE_MAX_COLUMNS 16U

/*
 * Weights: [group][chunk][output of the group][column step][words]. The inputs of a step are groups of 4
 * channels, [4 channels][kernel row]; 8 groups are a word: group i < 4 in bits 8 i and up, the others in bits
 * 8 (i - 4) + 4 and up, lowest channel lowest. Bit 1 = +1; channels that do not exist have 1, groups that do
 * not exist 0.
 */
typedef struct {
    const uint32_t *weights;
    const uint16_t *fills;      /* [group][chunk][output of the group][steps that shift] */
    const uint16_t *thresholds; /* [row class][column class][outputs]: t */
    const uint8_t *row_taps;    /* [kernel height][2]: row phase, rows below the first that is read */
    const uint8_t
        *column_steps;         /* [kernel width][3]: column phase, 1 if from the right end, shifts after it */
    const uint8_t *row_phases; /* [row phase count]: input row modulo the stride */
    const uint8_t *column_phases;  /* [column phase count] */
    const uint8_t *row_classes;    /* [output height], or null: one class */
    const uint8_t *column_classes; /* [output width], or null */
    uint16_t column_class_count;
    uint16_t height, width;     /* of the input */
    uint16_t channels, outputs; /* of all groups */
    uint16_t groups;
    uint16_t output_width;
    uint16_t stride_y, stride_x;
    int16_t first_row;     /* in phase rows: the first that output row 0 reads */
    int16_t first_column;  /* in phase columns: bit 0 of the first lane */
    uint16_t chunk;        /* 4 channels at a time */
    uint16_t block;        /* outputs whose sums are kept at once, where there are several chunks */
    uint16_t lane_columns; /* output columns that one lane gives */
    uint8_t first_bit;     /* bit of a lane's first output column */
    uint8_t lane_bits;     /* 16, 32 */
    uint8_t lanes_across;  /* lanes of a tile beside each other: 1, 2, 4 */
    uint8_t rows;          /* lane rows of the tables: those of a tile and those that the kernel reaches */
    uint8_t kernel_height, kernel_width;
    uint8_t row_phase_count, column_phase_count;
    uint8_t plus_one;                  /* padding +1: inputs are complemented, as the weights are */
    uint8_t planes;                    /* of S: at least 6 */
    uint8_t left_planes, right_planes; /* of the sums from either end in one chunk: 5 to `planes` */
} bitloom_conv_pairs_mve;

/*
 * Inputs and output in the `pixels` layout. The scratch size is what the planner states
 * (src/kernels/conv-pairs-mve.ts); `bitloom_conv_pairs_mve_scratch` says the same.
 */
void bitloom_conv_pairs_mve_threshold(const bitloom_conv_pairs_mve *layer, const bitloom_const_ring *inputs,
                                      const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Bytes of scratch that the layer needs. */
uint32_t bitloom_conv_pairs_mve_scratch(const bitloom_conv_pairs_mve *layer);

#endif
