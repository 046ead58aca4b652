/*
 * What the pools of the layout pixels share: bits of rows, and gathering the bits of every other window.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_POOL_ROWS_H
#define BITLOOM_POOL_ROWS_H

#include "bitloom_bits.h"
#include "bitloom_units.h"

static inline uint32_t bitloom_low_bits_at_most(uint32_t bits) {
    return bitloom_low_bits(bits < 32U ? bits : 32U);
}

/* 32 bits from position `first` on, zero outside the row. */
static inline uint32_t bitloom_row_bits(const uint32_t *row, uint32_t width, int32_t first) {
    const int32_t words = (int32_t)((width + 31U) / 32U);
    const uint32_t shift = (uint32_t)first & 31U;
    const int32_t index = (first - (int32_t)shift) / 32;
    uint32_t value = index >= 0 && index < words ? row[index] >> shift : 0U;
    if (shift > 0U && index + 1 >= 0 && index + 1 < words) {
        value |= row[index + 1] << (32U - shift);
    }
    return value;
}

/* The even bits of a word, in its lower half. */
static inline uint32_t bitloom_even_bits(uint32_t x) {
    x &= 0x55555555U;
    x = (x | (x >> 1)) & 0x33333333U;
    x = (x | (x >> 2)) & 0x0f0f0f0fU;
    x = (x | (x >> 4)) & 0x00ff00ffU;
    return (x | (x >> 8)) & 0x0000ffffU;
}

/* The even bits of each byte, in its lower half. */
static inline uint32_t bitloom_even_bits_of_bytes(uint32_t x) {
    x = (x | (x >> 1)) & 0x33333333U;
    return (x | (x >> 2)) & 0x0f0f0f0fU;
}

/* The lowest `bits` bits of every unit of a word. */
static inline uint32_t bitloom_in_units(uint32_t bits, uint32_t unit_bytes) {
    uint32_t word = bits < 32U ? bitloom_low_bits(bits) : 0xffffffffU;
    if (unit_bytes == 1U) {
        word |= word << 8;
    }
    return unit_bytes <= 2U ? word | word << 16 : word;
}

#endif
