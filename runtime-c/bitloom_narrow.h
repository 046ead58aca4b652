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

/* Numbers that all fit. */
static inline void bitloom_narrow_some(const int32_t *from, uint32_t count, int16_t *to) {
    uint32_t i;
    for (i = 0U; i < count; i++) {
        to[i] = (int16_t)from[i];
    }
}

/*
 * A kernel that keeps another one's int32 sums as int16. In front of the other's scratch lie the sums of one
 * row, a multiple of 8 bytes.
 */
#define BITLOOM_NARROW_ROWS(NAME, TYPE, SUMS, ROW_ELEMENTS)                                                  \
    void NAME(const TYPE *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,               \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        const uint32_t count = ROW_ELEMENTS(layer);                                                          \
        int32_t *row = scratch;                                                                              \
        const bitloom_ring sums = {row, 0U, 1U};                                                             \
        uint32_t y;                                                                                          \
        for (y = y0; y < y1; y++) {                                                                          \
            SUMS(layer, inputs, &sums, row + (count + 1U) / 2U * 2U, y, y + 1U);                             \
            bitloom_narrow_some(row, count, bitloom_row(output, y));                                         \
        }                                                                                                    \
    }

/* Rows [y0, y1). */
void bitloom_narrow_i32(const bitloom_narrow_layer *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
