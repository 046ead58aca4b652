/*
 * What codes stand for, by a table: NUMERICS, instruction `decode`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_DECODE_H
#define BITLOOM_DECODE_H

#include "bitloom_runtime.h"

typedef struct {
    const float *values; /* [2^planes] */
    uint32_t width;      /* pixels per row */
    uint16_t channels;   /* of a pixel */
    uint8_t planes;      /* of an input pixel, 1 to 8; layout channels */
} bitloom_decode;

/* Writes float32 of the rows [y0, y1). */
void bitloom_decode_f32(const bitloom_decode *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
