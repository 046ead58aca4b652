/*
 * Lines of bitloom_conv_pairs: one word per channel with the input bits that 32 output pixels need. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * A tile is 32 output pixels: one row of up to 32 columns (one lane), or two or four narrow rows (lanes of 16
 * or 8 bits) that lie `tiles` rows apart, so that the tables of one input row serve every kernel row as they
 * do in a wide map. Line r of a tile column holds, in lane j, input row `first_row + j * lane_step + r`;
 * outside the map it is 0.
 */
#ifndef BITLOOM_CONV_PAIRS_LINES_H
#define BITLOOM_CONV_PAIRS_LINES_H

#include "bitloom_conv_pairs.h"
#include "bitloom_conv_pairs_arch.h"
#include "bitloom_conv_pairs_core.h"

typedef struct {
    const bitloom_conv_pairs *layer;
    const bitloom_const_ring *input;
    uint32_t first_channel;
    uint32_t channels;   /* of the group */
    uint32_t words;      /* channels rounded up to 4 */
    uint32_t unit_bytes; /* of a channel's row */
    uint32_t unit_words;
    uint32_t last_word; /* the pixels of its last word */
    uint32_t lane_bits;
    uint32_t lanes;
    uint32_t lane_step;   /* input rows from one lane to the next */
    int32_t first_row;    /* of lane 0 */
    int32_t first_column; /* input column of the tile's first output column and kernel column 0 */
    uint32_t *ids;        /* [line_slots]: the line in each slot */
    uint32_t *slots;      /* [line_slots or 1][line_words]; without slots: a line of zeros */
} bitloom_conv_pairs_lines;

/* Bytes of a channel's row: 1, 2 or 4, then whole words. */
static inline uint32_t bitloom_conv_pairs_unit(uint32_t width) {
    return width <= 8U ? 1U : width <= 16U ? 2U : 4U * ((width + 31U) / 32U);
}

const uint32_t *bitloom_conv_pairs_line(const bitloom_conv_pairs_lines *lines, uint32_t r);

/*
 * A line's sum of x ^ y over all pairs: with one phase a number of the layer's `pair_planes` planes, to be
 * turned; else over all kernel columns too, a number of its `row_planes` planes.
 */
void bitloom_conv_pairs_parity(const bitloom_conv_pairs_lines *lines, const uint32_t *line, uint32_t *sum);

#endif
