/*
 * Reading and writing runs of bits that start and end anywhere in a row of words.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_BITS_H
#define BITLOOM_BITS_H

#include <stdint.h>

/* A word with the lowest `bits` bits set: 1 to 32. */
static inline uint32_t bitloom_low_bits(uint32_t bits) {
    return 0xffffffffU >> (32U - bits);
}

/* `bits` bits (1 to 32) from bit `first` on; never reads a word that has none of them. */
static inline uint32_t bitloom_read_bits(const uint32_t *words, uint32_t first, uint32_t bits) {
    const uint32_t shift = first & 31U;
    uint32_t value;
    words += first >> 5;
    value = words[0] >> shift;
    if (shift + bits > 32U) {
        value |= words[1] << (32U - shift);
    }
    return value & bitloom_low_bits(bits);
}

/* Where the next bits of a row go. */
typedef struct {
    uint32_t *words;
    uint32_t last;   /* bits that fill no word yet */
    uint32_t filled; /* their number: 0 to 31 */
} bitloom_bit_writer;

static inline bitloom_bit_writer bitloom_write_to(uint32_t *words) {
    bitloom_bit_writer writer;
    writer.words = words;
    writer.last = 0U;
    writer.filled = 0U;
    return writer;
}

/* Appends `bits` bits (1 to 32); those of `value` above them are zero. */
static inline void bitloom_write_bits(bitloom_bit_writer *writer, uint32_t value, uint32_t bits) {
    const uint32_t filled = writer->filled;
    writer->last |= value << filled;
    writer->filled += bits;
    if (writer->filled >= 32U) {
        *writer->words++ = writer->last;
        writer->last = filled == 0U ? 0U : value >> (32U - filled);
        writer->filled -= 32U;
    }
}

/* Appends a run of bits of another row. */
static inline void bitloom_copy_bits(bitloom_bit_writer *writer, const uint32_t *words, uint32_t first,
                                     uint32_t bits) {
    if (writer->filled == 0U && (first & 31U) == 0U) {
        words += first >> 5;
        first = 0U;
        while (bits >= 32U) {
            *writer->words++ = *words++;
            bits -= 32U;
        }
    }
    for (; bits >= 32U; bits -= 32U) {
        bitloom_write_bits(writer, bitloom_read_bits(words, first, 32U), 32U);
        first += 32U;
    }
    if (bits > 0U) {
        bitloom_write_bits(writer, bitloom_read_bits(words, first, bits), bits);
    }
}

/* Appends equal bits: all of them `bit` (0 or 1). */
static inline void bitloom_fill_bits(bitloom_bit_writer *writer, uint32_t bit, uint32_t bits) {
    const uint32_t word = 0U - bit;
    for (; bits >= 32U; bits -= 32U) {
        bitloom_write_bits(writer, word, 32U);
    }
    if (bits > 0U) {
        bitloom_write_bits(writer, word & bitloom_low_bits(bits), bits);
    }
}

/* Writes the last word, tail bits zero. */
static inline void bitloom_finish_bits(bitloom_bit_writer *writer) {
    if (writer->filled > 0U) {
        *writer->words++ = writer->last;
    }
}

#endif
