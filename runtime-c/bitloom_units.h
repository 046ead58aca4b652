/*
 * Units of the layout `pixels`: one row of one channel, pixel x in bit x.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_UNITS_H
#define BITLOOM_UNITS_H

#include <stdint.h>

/* Word `index` of a unit (32 pixels); units of one and two bytes have one word. */
static inline uint32_t bitloom_unit_word(const void *unit, uint32_t unit_bytes, uint32_t index) {
    if (unit_bytes == 1U) {
        return *(const uint8_t *)unit;
    }
    return unit_bytes == 2U ? *(const uint16_t *)unit : ((const uint32_t *)unit)[index];
}

static inline void bitloom_set_unit_word(void *unit, uint32_t unit_bytes, uint32_t index, uint32_t word) {
    if (unit_bytes == 1U) {
        *(uint8_t *)unit = (uint8_t)word;
    } else if (unit_bytes == 2U) {
        *(uint16_t *)unit = (uint16_t)word;
    } else {
        ((uint32_t *)unit)[index] = word;
    }
}

/* Rows start at words: clears the bytes after the last channel. */
static inline void bitloom_clear_row_tail(uint8_t *row, uint32_t bytes) {
    while ((bytes & 3U) != 0U) {
        row[bytes++] = 0U;
    }
}

#endif
