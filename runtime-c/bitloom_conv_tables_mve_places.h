/*
 * Where things of bitloom_conv_tables_mve are: in scratch, in the image and in the output. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_TABLES_MVE_PLACES_H
#define BITLOOM_CONV_TABLES_MVE_PLACES_H

#include "bitloom_conv_tables_mve_map.h"

/* Of an output pixel. */
static inline uint32_t bitloom_conv_tables_mve_pixel_bytes(const bitloom_conv_tables_mve *layer) {
    return ((uint32_t)layer->outputs * layer->groups + 31U) / 32U * 4U;
}

static inline uint32_t bitloom_conv_tables_mve_lesser(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* A row of a part; vectors of each part start anew. */
static inline uint32_t bitloom_conv_tables_mve_pixel_of(const bitloom_conv_tables_mve_tile *tile,
                                                        uint32_t row) {
    const uint32_t part = row / tile->layer->part_rows;
    return 16U * part * tile->sizes->part_vectors + (row - part * tile->layer->part_rows) * tile->columns;
}

bitloom_conv_tables_mve_sizes bitloom_conv_tables_mve_sizes_of(const bitloom_conv_tables_mve *layer);

/* Where the tables and the images of fours are; quads that do not exist are any of the first tap. */
void bitloom_conv_tables_mve_write_list(const bitloom_conv_tables_mve_tile *tile, uint32_t four,
                                        uint32_t end);

/* Moves the places of images in `fours` of the list. */
void bitloom_conv_tables_mve_move_list(uint32_t *list, uint32_t fours, uint32_t by);

/* Tables of the fours [first, end) for a block of outputs. */
void bitloom_conv_tables_mve_write_tables(const bitloom_conv_tables_mve_tile *tile, const uint8_t *weights,
                                          uint32_t first, uint32_t end);

/*
 * Where the windows of a part's pixels start, and where their outputs are, from its first on: the same for
 * every part. Pixels that do not exist are the first.
 */
void bitloom_conv_tables_mve_write_positions(const bitloom_conv_tables_mve_tile *tile, uint32_t row_bytes);

/* Classes of pixels, and which ones each vector has. */
void bitloom_conv_tables_mve_write_classes(const bitloom_conv_tables_mve_tile *tile);

#endif
