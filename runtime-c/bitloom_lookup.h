/*
 * A table of 256 bytes: NUMERICS, instruction `lookup`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_LOOKUP_H
#define BITLOOM_LOOKUP_H

#include "bitloom_runtime.h"

typedef struct {
    const uint8_t *table;  /* [256] */
    uint32_t row_elements; /* elements of a row */
} bitloom_lookup;

/* Writes uint8 of the rows [y0, y1). The output may be the input. */
void bitloom_lookup_u8(const bitloom_lookup *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
