/*
 * Takes bytes as 8-bit codes: slices them into bit planes. NUMERICS, instruction `take-codes`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_TAKE_CODES_H
#define BITLOOM_TAKE_CODES_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t channels; /* channels per pixel */
    uint16_t width;    /* pixels per row */
} bitloom_take_codes;

/* Writes eight planes per pixel for the rows [y0, y1). */
void bitloom_take_codes_u8(const bitloom_take_codes *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
