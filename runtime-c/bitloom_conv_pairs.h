/*
 * Convolution of one-bit inputs (+1, -1) by one-bit weights (+1, -1), with the one-bit threshold that
 * follows: 32 output pixels to a word, all their sums bit-sliced. Copyright 2026 the bitloom authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic. Take inputs in pairs (x, y) with weight bits (w0, w1), bit 1 = +1. The matches of a pair
 * are matches = (x ^ y) + 2 F - [w0 != w1],   F = x & y, ~(x | y), x | ~y or y | ~x for w = 11, 00, 10, 01.
 * The sum A of all (x ^ y) does not depend on the output channel: it is counted once per tile of 32 pixels.
 * So an output costs one bit F per pair of inputs, whatever its weights are. Of two pairs, F + F' = u + 2 v
 * with u = F ^ F', v = F & F', never 3: a table of the 16 (u, v) of every 4 inputs is built once for all
 * outputs, and 4 weight bits select the entry. The selected (u, v) are summed by carry-save adders: S = sum
 * of F. output bit = [A + 2 S >= t],   t = matches wanted + pairs with w0 != w1: the packed threshold.
 * Threshold by its low 4 bits: D = (A - t) mod 16 has 16 versions a tile, and planes 0 to 2 of the counter
 * start from them, so that only planes 3 and up and the version's borrow decide: S_high + [A mod 16 >= t mod
 * 16] > t / 16.
 *
 * The count of instructions depends on the shape alone, not on inputs, weights or thresholds.
 *
 * Padding. A tap outside the map is a zero bit (-1). Padding +1 is the same with inputs and weights
 * complemented. Padding 0 is the sum with -1 padding, plus the weights outside: thresholds per class of
 * output rows and columns (those with the same taps outside), and counters that start from A - t of each
 * pixel.
 */
#ifndef BITLOOM_CONV_PAIRS_H
#define BITLOOM_CONV_PAIRS_H

#include "bitloom_runtime.h"

/* What is multiplied outside the map. */
#define BITLOOM_CONV_PAIRS_PAD_MINUS_ONE 0U
#define BITLOOM_CONV_PAIRS_PAD_PLUS_ONE 1U /* weights are packed complemented */
#define BITLOOM_CONV_PAIRS_PAD_ZERO 2U

/* What is kept while the outputs of a tile are summed, and so how often a table is built. */
#define BITLOOM_CONV_PAIRS_WINDOW 0U /* tables of the whole kernel window, rows reused by the next tile */
#define BITLOOM_CONV_PAIRS_ROWS 1U   /* tables of one input row, counters of all tiles that it touches */
#define BITLOOM_CONV_PAIRS_TILES 2U  /* tables of one input row, counters of one tile: least memory */

/* Words of 32 inputs that are summed in one go: the window's, or a piece's of an input row. */
#define BITLOOM_CONV_PAIRS_MAX_RUN 9U
/* Counter planes: 2 sums of at most 1.5 x 32 x words fit 13 bits, of which the lowest is not stored. */
#define BITLOOM_CONV_PAIRS_MAX_PLANES 12U

/*
 * Weights: inputs of one kernel row are counted [kernel column][channel of the group, rounded up to 4]; 4 of
 * them are a group, 8 groups a word (bit 1 = +1; what fills up is 1). Group i < 4 of a word is in bits 8 i +
 * 3 and up, 4 bits, the others in bits 8 (i - 4) + 7 and up, modulo 32: offsets into tables of 8-byte entries
 * after one mask. WINDOW: [group][output][words of the window]. Else [group][block][kernel row][piece][output
 * of the block][words].
 */
typedef struct {
    const uint32_t *weights;
    const uint16_t *thresholds; /* [row class][column class][outputs]: t */
    const uint32_t *columns; /* [kernel_width][3]: its words in a line, turned right by, pixels in the map */
    const uint8_t *row_classes;    /* [output height], padding 0 only */
    const uint8_t *column_classes; /* [output width], padding 0 only */
    uint16_t column_class_count;
    uint16_t height, width;     /* of the input */
    uint16_t channels, outputs; /* of all groups */
    uint16_t groups;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_y, stride_x;
    uint16_t dilation_y, dilation_x;
    uint16_t pad_top, pad_left;
    uint16_t block;      /* outputs whose counters are kept at once */
    uint16_t piece;      /* ROWS and TILES: words of a row whose tables are kept at once */
    uint16_t line_slots; /* gathered input rows kept; 0: rows are used where they lie */
    /* What follows from these. */
    uint16_t row_groups; /* groups of 4 inputs in a kernel row */
    uint16_t words;      /* weight words of an output: of the window, or of a kernel row */
    uint16_t pieces;     /* runs per kernel row */
    uint16_t slots;      /* tiles whose counters are kept */
    uint16_t line_words; /* of a gathered row */
    uint8_t phases;      /* lines that kernel columns are turned views of; 0: they are gathered one by one */
    /* Planes, at least 3, of a line's sum of x ^ y over the channels' pairs; over the kernel columns, or
     * rows, too. */
    uint8_t pair_planes, row_planes, high_planes;
    uint8_t pad;
    uint8_t scheme;
    uint8_t planes; /* of the counters: 1.5 x inputs + 16 < 2^(planes + 1), for padding 0 twice that */
} bitloom_conv_pairs;

/*
 * Inputs and output in the `pixels` layout. The scratch size is what the planner states
 * (src/kernels/conv-pairs-sizes.ts).
 */
void bitloom_conv_pairs_threshold(const bitloom_conv_pairs *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
