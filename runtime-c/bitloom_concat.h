/*
 * Channels of several tensors one after another: NUMERICS, instruction `concat`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONCAT_H
#define BITLOOM_CONCAT_H

#include "bitloom_runtime.h"

typedef struct {
    const uint32_t *sizes; /* [count], of each input: bytes per pixel of scalars, channels of codes */
    uint32_t count;        /* inputs */
    uint32_t width;        /* pixels per row */
    uint16_t unit_bytes;   /* of the layout pixels; else 0 */
    uint8_t planes;        /* of codes; else 0 */
} bitloom_concat;

/* Rows [y0, y1) of scalars, of codes in the layout channels, and of codes in the layout pixels. */
void bitloom_concat_scalars(const bitloom_concat *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_concat_channels(const bitloom_concat *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_concat_pixels(const bitloom_concat *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
