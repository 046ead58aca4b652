/*
 * Convolution and dense layers of one-bit inputs (+1, -1) by one-bit weights (+1, -1), with the one-bit
 * threshold that follows: a word of 128 bits is 128 outputs of one pixel. Made for MVE, for maps of few
 * pixels; the C version runs everywhere. Copyright 2026 the bitloom authors. SPDX-License-Identifier:
 * Apache-2.0
 *
 * The arithmetic is that of bitloom_conv_rows.h, form `pairs`: two inputs select one of four rows of bits,
 * one bit per output, and agreements are [a != b] + 2 F - [x != y]. Bit-sliced counters start below zero, so
 * that after the sum of all F, and minus half of the unequal pairs of inputs, their sign tells the output.
 *
 * The count of instructions depends on the shape alone, not on inputs, weights or thresholds.
 */
#ifndef BITLOOM_CONV_ROWS_MVE_H
#define BITLOOM_CONV_ROWS_MVE_H

#include "bitloom_runtime.h"

typedef struct {
    /*
     * [2 + pairs * 4][blocks of 128 outputs][4 words]: a row of zeros; what is added where unequal pairs are
     * odd; then [kernel row][kernel column][pair][--, +-, -+, ++]. An odd last channel has a partner of input
     * -1 and weight -1.
     */
    const uint32_t *rows;
    const uint32_t *presets; /* [block][plane][4 words]: counters at the start */
    uint16_t height, width;  /* of the input */
    uint16_t channels, outputs;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_y, stride_x;
    uint8_t dilation_y, dilation_x;
    int16_t pad_top, pad_left;
    uint16_t sixteens; /* a sixteenth of the rows that are added */
    uint8_t planes;    /* of the counters, the sign in the last; at least 9 */
    uint8_t plus_one;  /* taps outside the map are +1, else -1 */
} bitloom_conv_rows_mve;

/* Input and output in the `channels` layout. */
void bitloom_conv_rows_mve_threshold(const bitloom_conv_rows_mve *layer, const bitloom_const_ring *inputs,
                                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Bytes of scratch that the layer needs: as the planner states (src/kernels/conv-rows-mve.ts). */
uint32_t bitloom_conv_rows_mve_scratch(const bitloom_conv_rows_mve *layer);

#endif
