/*
 * Codes to other codes by a table: NUMERICS, instruction `lookup`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_LOOKUP_CODES_H
#define BITLOOM_LOOKUP_CODES_H

#include "bitloom_runtime.h"

typedef struct {
    const uint8_t *table; /* [2^planes] */
    uint32_t width;       /* pixels per row */
    uint16_t channels;    /* of a pixel */
    uint8_t planes;       /* of an input pixel, 1 to 8 */
    uint8_t output_planes;
} bitloom_lookup_codes;

/* Writes the rows [y0, y1) in the layout channels. */
void bitloom_lookup_codes_channels(const bitloom_lookup_codes *layer, const bitloom_const_ring *inputs,
                                   const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
