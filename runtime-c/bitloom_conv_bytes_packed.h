/*
 * bitloom_conv_bytes with weights of fewer than 8 bits, packed: of all layers of a library, those with
 * weights of 8 bits too, so that one copy of the code serves them. Copyright 2026 the bitloom authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pairs. Two outputs of a group share words: the codes of four inputs of both are eight fields, which the
 * multiply-accumulate loop masks out of a word, in fewer instructions than int8 weights take. Codes of other
 * widths than 4, 2 and 1 bits are sums of such parts, each of which is a pass over the inputs.
 *
 * Rows. Where a group has one output, or is depthwise, the weights are one stream of bits, which every call
 * unpacks once into its scratch.
 */
#ifndef BITLOOM_CONV_BYTES_PACKED_H
#define BITLOOM_CONV_BYTES_PACKED_H

#include "bitloom_conv_bytes.h"

typedef struct {
    bitloom_conv_bytes base; /* weights: null but for 8 bits */
    /*
     * Pairs: the weight is base.weight_scale * code + base.weight_offset. [groups][pairs of outputs, the last
     * one perhaps with zeros][parts of 4, 2 and 1 bits, the lowest bits first][words]. In a part of b bits a
     * word has 4 / b fours of inputs; input 0 of four i has its field of the first output in bit b * i, input
     * 1 in bit 16, input 2 in bit 4, input 3 in bit 20 above that, and the second output has its fields 8
     * bits higher. Outputs' inputs are filled up to whole words of all parts with zeros.
     */
    const uint32_t *words;
    /* Rows: [groups * outputs][inputs] codes of `bits` bits, the lowest bit of a byte first; the weight is
     * base.weight_scale * (code_step * code + code_offset) + base.weight_offset, what is in brackets fits
     * int8. */
    const uint8_t *stream;
    int16_t code_step;
    int16_t code_offset;
    uint8_t bits; /* of a code, 1 to 7; 8 with base.weights */
} bitloom_conv_bytes_packed;

/*
 * Scratch: that of bitloom_conv_bytes, for pairs with inputs filled up, for rows with all weights of
 * bitloom_conv_bytes before it, rounded up to a multiple of 8 bytes.
 */

/* Writes output codes of the rows [y0, y1): code = number of thresholds reached. */
void bitloom_conv_bytes_packed_threshold(const bitloom_conv_bytes_packed *layer,
                                         const bitloom_const_ring *inputs, const bitloom_ring *output,
                                         void *scratch, uint32_t y0, uint32_t y1);

/* Writes int32 sums of the rows [y0, y1). */
void bitloom_conv_bytes_packed_scores(const bitloom_conv_bytes_packed *layer,
                                      const bitloom_const_ring *inputs, const bitloom_ring *output,
                                      void *scratch, uint32_t y0, uint32_t y1);

#endif
