/*
 * Greatest or least of one-bit codes in the layout pixels, 32 pixels at a time: NUMERICS, instruction `pool`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a window are joined by OR, then its columns by shifts and OR, then every stride-th bit is kept. The
 * least is the greatest of the complement.
 */
#ifndef BITLOOM_POOL_PIXELS_H
#define BITLOOM_POOL_PIXELS_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    bitloom_window window;
    uint32_t channels;
    uint16_t unit_bytes;        /* of the input */
    uint16_t output_unit_bytes; /* of the output */
    uint8_t minimum;            /* 0: the greatest, 1: the least */
} bitloom_pool_pixels;

/* Rows [y0, y1). Scratch: 4 * ceil(width / 32) bytes. */
void bitloom_pool_pixels_extreme(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
