/*
 * bitloom_conv_bases for bases of one bit with 32 dot products per word: each input that is set selects a row
 * of bits, one for every basis of every output, and the bit-sliced counters of bitloom_conv_rows add the rows
 * up. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Rows are selected once for each plane, whatever the number of bases and outputs. Where more than half of a
 * plane's bits are set, the others select rows, and common = set weights - counted: never more than half of
 * the rows are added.
 */
#ifndef BITLOOM_CONV_BASES_ROWS_H
#define BITLOOM_CONV_BASES_ROWS_H

#include "bitloom_conv_bases.h"

/* Words of the empty row in front of all rows, and of a row at most. */
#define BITLOOM_CONV_BASES_ROWS_BLOCK 8U

typedef struct {
    bitloom_conv_bases base; /* without weights and bias */
    /*
     * Eight zero words, then [group][block][input][words of the block]. Dot products q of a block, [output]
     * [basis], are 32 to a word. Counts of a word's bits are made in bytes or halves of 16 bits, those at
     * bits i, i + 8, i + 16, i + 24 or i, i + 16 in one word: q stands where this brings it to place q.
     */
    const uint32_t *rows;
    const uint32_t *ones;   /* [group][block][words of the block][32]: weights that are set, in such parts */
    uint16_t block_outputs; /* outputs of a block; fewer in a group's last one */
    uint16_t list;          /* rows that can be added: more than half of the inputs, a multiple of 16 */
    uint8_t counters;       /* planes of a counter: at least 1 + 3 per level of adders */
    uint8_t wide;           /* 1: halves, for more than 255 inputs; 0: bytes */
} bitloom_conv_bases_rows;

/*
 * Scratch of both: that of bitloom_conv_bases, and 4 * (list + 2 * (list / 16 + 8) + (counters + (planes + 1)
 * * (wide ? 16 : 8)) * words) bytes, where words is the words of a block.
 */

/* Writes float32 sums of the rows [y0, y1). */
void bitloom_conv_bases_rows_sums(const bitloom_conv_bases_rows *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes codes of the rows [y0, y1); sums are finite. */
void bitloom_conv_bases_rows_threshold(const bitloom_conv_bases_rows *layer, const bitloom_const_ring *inputs,
                                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
