/*
 * int32 sums as int16: NUMERICS, instruction `narrow`. Copyright 2026 the bitloom authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_NARROW_H
#define BITLOOM_NARROW_H

#include "bitloom_runtime.h"

typedef struct {
    uint32_t row_elements; /* elements of a row */
} bitloom_narrow_layer;

/* Numbers that all fit. Also for kernels that compute the sums of a pixel and keep them as int16. */
static inline void bitloom_narrow_some(const int32_t *from, uint32_t count, int16_t *to) {
    uint32_t i;
    for (i = 0U; i < count; i++) {
        to[i] = (int16_t)from[i];
    }
}

/* Rows [y0, y1). */
void bitloom_narrow(const bitloom_narrow_layer *layer, const bitloom_const_ring *inputs,
                    const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
