/*
 * Convolution of k-bit codes by m-bit or ternary weights with the thresholds that follow: 32 output pixels to
 * a word, all their sums bit-sliced. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic. Input codes are x = sum of 2^i a_i, weights w = step / 2 * sum of 2^s(j) b_j with planes
 * a_i of 0 and 1, b_j of -1 and +1 (ternary weights: two planes with s = 0, or triples, see below). All
 * products of two planes are counted as bitloom_conv_pairs.h does: of a pair of inputs (x, y), matches = (x ^
 * y) + 2 F - [w0 != w1]. So an output is a linear function of Y = P + 2 U, U = sum of 2^(i + s(j)) F, where P
 * = sum of 2^s(j) times the sum of 2^i (x ^ y) does not depend on the output channel. code = number of
 * thresholds t with Y >= t.
 *
 * Sixes. Three pairs select a sum u + 2 v of F from 0 to 3, two full words: a table of the 64 (u, v) of every
 * 6 inputs of a plane serves all outputs and all weight planes. Every word enters a full adder once, 4
 * operations where it comes with its difference from another.
 *
 * Threes. A ternary weight adds a match, or nothing: three of them select a number of matches from 0 to 3
 * from a table of 27 (u, v). Here P = 0 and U = sum of 2^i matches.
 *
 * Counters of an output are T planes, those that start with plane i are added to from plane i on.
 * The count of instructions depends on the layer, and not on its inputs.
 *
 * Padding. A tap outside the map has code 0. Other values are thresholds by class of pixels, as those of
 * bitloom_conv_pairs with padding 0.
 */
#ifndef BITLOOM_CONV_PLANES_H
#define BITLOOM_CONV_PLANES_H

#include "bitloom_conv_pairs.h"

#define BITLOOM_CONV_PLANES_SIXES 0U
#define BITLOOM_CONV_PLANES_THREES 1U

#define BITLOOM_CONV_PLANES_MAX_WEIGHTS 4U /* planes of weights */
#define BITLOOM_CONV_PLANES_MAX_PLANES 15U /* of counters */

/*
 * Weights: inputs of one kernel row are counted [kernel column][channel of the group]; 4 groups of them are a
 * word. SIXES: the groups' weights (bit 1 = +1, what fills up is 1) are in bits 3 to 8, 19 to 24, 9 to 14 and
 * 25 to 30. THREES: a group is a byte, 8 times w0 + 3 w1 + 9 w2 with weights 0 for -1, 1 for 0 (what fills
 * up) and 2 for +1. [group][block][kernel row][piece][weight plane][output of the block][words].
 */
typedef struct {
    const uint32_t *weights;
    const uint16_t *thresholds; /* [row class][column class][outputs][levels] */
    /* Geometry, `columns`, and what follows from it; `outputs` is that of all output planes, line_slots is 1.
     */
    bitloom_conv_pairs base;
    uint16_t outputs;      /* of all groups */
    uint16_t words;        /* weight words of an output and kernel row, even */
    uint16_t constant;     /* of P */
    int16_t ones;          /* e; THREES: 0 */
    uint8_t kind;          /* SIXES or THREES */
    uint8_t input_planes;  /* 1 to 4 */
    uint8_t weight_planes; /* THREES: 1 */
    uint8_t output_planes;
    uint8_t levels;
    uint8_t planes;                                  /* T: 9, 12 or 15; Y < 2^(T + 1) - 1 */
    uint8_t row_planes;                              /* of a kernel row's sum of x ^ y, at least 3 */
    uint8_t shifts[BITLOOM_CONV_PLANES_MAX_WEIGHTS]; /* [weight_planes]: s(j) */
} bitloom_conv_planes;

/*
 * Inputs and output in the `pixels` layout. The scratch size is what the planner states
 * (src/kernels/conv-planes-sizes.ts).
 */
void bitloom_conv_planes_threshold(const bitloom_conv_planes *layer, const bitloom_const_ring *inputs,
                                   const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
