/*
 * Convolution of ±1 inputs by ±1 weights with 32 output channels per word: NUMERICS, instruction `conv`. Made
 * for maps of few pixels and many outputs; a dense layer is a 1×1 map, or a kernel as large as the map.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Inputs select rows of bits, one bit per output, and bit-sliced counters add the rows up: counter plane i
 * holds bit i of the sums of 32 outputs. Two forms of rows trade flash for time:
 *
 * pairs:  inputs (x, y) with weights (a, b) agree in  [a ≠ b] + 2·F − [x ≠ y]  places, where F is one bit:
 *         ¬(a ∨ b) for (−,−), a ∨ ¬b for (+,−), b ∨ ¬a for (−,+), a ∧ b for (+,+). Four rows per pair lie in
 * flash, two bits per weight; each pair adds one row, whatever the data. Σ[a ≠ b] is known per output, Σ[x ≠
 * y] per pixel. inputs: agreements are 2·Σ{w : x = +1} + zeros − Σw, or, with the roles of ±1 exchanged, Σw +
 * zeros − 2·Σ{w : x = −1}. One row per input, one bit per weight; the less frequent value selects rows, never
 * more than half of them, and empty rows fill the list up to half: here too the count does not depend on the
 * data.
 *
 * Maps have the layout `channels`: 32 channels a word, lowest channel in bit 0, tail bits zero.
 */
#ifndef BITLOOM_CONV_ROWS_H
#define BITLOOM_CONV_ROWS_H

#include "bitloom_runtime.h"

#define BITLOOM_CONV_ROWS_PAIRS 0
#define BITLOOM_CONV_ROWS_INPUTS 1

/* What a tap outside the map is. */
#define BITLOOM_PADDING_MINUS 0 /* −1 */
#define BITLOOM_PADDING_PLUS 1  /* +1 */
#define BITLOOM_PADDING_ZERO 2  /* nothing: the tap is left out */

/* Output words that lie side by side in a row: the outputs of a group are cut into blocks of this many words.
 */
#define BITLOOM_CONV_ROWS_BLOCK 8U

typedef struct {
    /*
     * Eight zero words, then [group][block][kernel row][kernel column][pair][4 rows: −−, +−, −+, ++][words of
     * the block], or [...][channel][words of the block]. An odd last channel has a partner of input −1 and
     * weight −1.
     */
    const uint32_t *rows;
    /*
     * [class][set][group][output word][plane]: counters at the start, so that the sign of the sum is the
     * output. One set for pairs; for inputs one where +1 selects and one where −1 selects. For scores: no
     * threshold in it.
     */
    const uint32_t *presets;
    /* Zero padding: class of output row y and column x by which taps they have; class = row + column. Else
     * null. */
    const uint8_t *row_classes;
    const uint8_t *column_classes;
    uint16_t height; /* input map */
    uint16_t width;
    uint16_t output_width;
    uint16_t groups;
    uint16_t channels; /* input channels per group */
    uint16_t outputs;  /* output channels per group */
    uint16_t kernel_height;
    uint16_t kernel_width;
    uint16_t stride_y;
    uint16_t stride_x;
    uint16_t dilation_y;
    uint16_t dilation_x;
    uint16_t pad_top;
    uint16_t pad_left;
    uint16_t list;  /* rows added at a time: a multiple of 16 */
    uint8_t planes; /* counter planes, the sign in the last; at least 1 + 3 per level of adders */
    uint8_t form; /* BITLOOM_CONV_ROWS_PAIRS or _INPUTS; for inputs the list holds half of all and one more */
    uint8_t padding; /* BITLOOM_PADDING_... */
} bitloom_conv_rows;

/*
 * Words of scratch: 3 * taps + list + 2 * (list / 16 + 8) + block * planes + copies * ceil(channels / 32),
 * where taps is kernel_height * kernel_width, block the words of a block, 8 or fewer where there are not so
 * many, and copies is 1, or 1 + taps if groups do not start at words.
 */

/* Writes output bits of the rows [y0, y1). */
void bitloom_conv_rows_threshold(const bitloom_conv_rows *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes int32 sums of the rows [y0, y1). */
void bitloom_conv_rows_scores(const bitloom_conv_rows *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* The same as int16. In front of the scratch lie the int32 sums of a row, a multiple of 8 bytes. */
void bitloom_conv_rows_narrow(const bitloom_conv_rows *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
