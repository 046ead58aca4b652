/*
 * What bitloom_conv_pairs_mve reads and writes: lanes of rows as images, tables and sums of them. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_MVE_LANES_H
#define BITLOOM_CONV_PAIRS_MVE_LANES_H

#include "bitloom_conv_pairs_mve.h"
#include "bitloom_conv_pairs_mve_core.h"

/* Sizes that follow from the layer, and where things are in scratch, in bytes. */
typedef struct {
    uint32_t sets; /* of tables for 4 channels: row phases x column phases */
    uint32_t lane_bytes;
    uint32_t tile_rows;
    uint32_t entry_bytes; /* u and v of a table */
    uint32_t table_bytes; /* 16 entries */
    uint32_t image_bytes; /* lanes of one channel and phase, whole 16 bytes */
    uint32_t parity_planes;
    uint32_t group_channels, group_outputs;
    uint32_t quads; /* of channels, in a group */
    uint32_t chunks;
    uint32_t images; /* at the end of the tables, which are built over them in order */
    uint32_t zeros;  /* an entry of zeros */
    uint32_t lists;  /* places of tables, for each column phase */
    uint32_t list_words;
    uint32_t carry_count; /* of a full chunk */
    uint32_t is_fused;    /* outputs are finished by the inner loop */
    uint32_t sums;        /* of each kernel column */
    uint32_t carries;
    uint32_t sides[2]; /* sums from the left and right ends */
    uint32_t parity;   /* A, with zeros above */
    uint32_t results;  /* of outputs that are finished together */
    uint32_t state;    /* S of the outputs of a block, where there are several chunks */
    uint32_t masks;    /* row and column classes, and the sum of a tile's output */
    uint32_t total;
} bitloom_conv_pairs_mve_sizes;

typedef struct {
    const bitloom_conv_pairs_mve *layer;
    const bitloom_conv_pairs_mve_sizes *sizes;
    const bitloom_const_ring *input;
    uint8_t *scratch;
    uint32_t group;
    uint32_t y;          /* first output row */
    uint32_t block;      /* first lane across */
    uint32_t first_quad; /* of the chunk */
    uint32_t quads;      /* in the chunk */
} bitloom_conv_pairs_mve_tile;

/* Bytes of a channel's row: 1, 2 or 4, then whole words. */
static inline uint32_t bitloom_conv_pairs_mve_unit(uint32_t width) {
    return width <= 8U ? 1U : width <= 16U ? 2U : 4U * ((width + 31U) / 32U);
}

/* The bits of each lane that a shift does not bring in. */
static inline bitloom_v128 bitloom_conv_pairs_mve_kept(uint32_t lane_bits, int32_t shift) {
    const uint32_t lane = 0xffffffffU >> (32U - lane_bits);
    const uint32_t kept = shift >= 0 ? (lane << shift) & lane : lane >> -shift;
    return bitloom_v128_all(lane_bits == 16U ? kept | (kept << 16) : kept);
}

/* Input bits of the chunk's channels, for each phase. */
void bitloom_conv_pairs_mve_gather(const bitloom_conv_pairs_mve_tile *tile);
/* Adds the chunk's x ^ y of all taps to A. Needs the images; works where the first table will be. */
void bitloom_conv_pairs_mve_parity(const bitloom_conv_pairs_mve_tile *tile);
/* Tables, over the images. */
void bitloom_conv_pairs_mve_tables(const bitloom_conv_pairs_mve_tile *tile);

#endif
