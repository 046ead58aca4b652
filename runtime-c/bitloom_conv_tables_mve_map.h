/*
 * What bitloom_conv_tables_mve reads: the image of a tile, and what no weight changes. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_TABLES_MVE_MAP_H
#define BITLOOM_CONV_TABLES_MVE_MAP_H

#include "bitloom_conv_tables_mve.h"
#include "bitloom_conv_tables_mve_core.h"

/* Sizes that follow from the layer, and where things are in scratch, in bytes. */
typedef struct {
    uint32_t taps;
    uint32_t quads;        /* of a tap */
    uint32_t image_planes; /* of all copies: one for each quad */
    uint32_t fours;
    uint32_t blocks;       /* of 8 outputs, in a group */
    uint32_t pitch;        /* of an image row */
    uint32_t plane_bytes;  /* of the image */
    uint32_t part_vectors; /* of 16 pixels */
    uint32_t tile_vectors;
    uint32_t chunks;
    uint32_t mask_count; /* of a vector */
    uint32_t v_distance;
    uint32_t carries;
    uint32_t slots; /* of the planes of the image */
    uint32_t image;
    uint32_t counts; /* x ^ y of each pixel of the image */
    uint32_t list;
    uint32_t positions;
    uint32_t offsets; /* of output pixels, 16 bits */
    uint32_t masks;   /* A of each vector, a bit for each pixel */
    uint32_t classes; /* of each pixel */
    uint32_t present; /* classes of each vector, a bit each */
    uint32_t sums;
    uint32_t results; /* of a part's vectors */
    uint32_t total;
} bitloom_conv_tables_mve_sizes;

typedef struct {
    const bitloom_conv_tables_mve *layer;
    const bitloom_conv_tables_mve_sizes *sizes;
    const bitloom_const_ring *input;
    uint8_t *scratch;
    uint32_t group;
    uint32_t y, x;          /* first output row and column */
    uint32_t rows, columns; /* of the output */
} bitloom_conv_tables_mve_tile;

/* The slot of a quad of the image, so that 4 in a row differ: 0 to 3 again and again, at last up to 6. */
static inline uint32_t bitloom_conv_tables_mve_slot(uint32_t plane, uint32_t planes) {
    const uint32_t last = planes < 4U ? 0U : planes / 4U * 4U - 4U;
    return plane < last ? plane & 3U : plane - last;
}

/* Where the tap's pixel is, from that of the first tap on. */
static inline uint32_t bitloom_conv_tables_mve_tap(const bitloom_conv_tables_mve_tile *tile, uint32_t ky,
                                                   uint32_t kx) {
    return ky * tile->layer->dilation_y * tile->sizes->pitch + kx * tile->layer->dilation_x;
}

/* Image and counts of the tile. */
void bitloom_conv_tables_mve_read(const bitloom_conv_tables_mve_tile *tile);

/*
 * Masks of a vector of a part whose windows start `start` after the image's: bit 0 of A, then those of A / 2.
 */
void bitloom_conv_tables_mve_count(const bitloom_conv_tables_mve_tile *tile, uint32_t start,
                                   const uint8_t *positions, uint16_t *masks);

#endif
