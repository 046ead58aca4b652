/*
 * The inner loops of bitloom_conv_rows: lists of rows, and bit-sliced counters that add rows up.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_ROWS_CORE_H
#define BITLOOM_CONV_ROWS_CORE_H

#include <stdint.h>

/* Cores with Thumb-2 take bitloom_conv_rows_core.S, all others bitloom_conv_rows_core.c. */
#if 0 && defined(__thumb2__) && !defined(BITLOOM_PORTABLE_C)
#define BITLOOM_CONV_ROWS_ASSEMBLY 1
#else
#define BITLOOM_CONV_ROWS_ASSEMBLY 0
#endif

/*
 * Adds rows to the counters of 32 outputs. The list has 16 · `sixteens` byte offsets of words from `rows`;
 * `pairs` is room for 2 · (sixteens + 8) words. Counter plane 0 (weight 1) is left alone: each row counts
 * twice.
 */
void bitloom_conv_rows_add(const uint32_t *list, uint32_t sixteens, const uint32_t *rows, uint32_t *counters,
                           uint32_t *pairs, uint32_t planes);

/* The sign plane of counters + shift: 1 = negative. */
uint32_t bitloom_conv_rows_sign(const uint32_t *counters, uint32_t planes, int32_t shift);

/*
 * Lists the rows that the 16 pairs of each input word select, from the byte offset of the first pair's four
 * rows on.
 */
void bitloom_conv_rows_select(const uint32_t *inputs, uint32_t words, uint32_t offset, uint32_t block_words,
                              uint32_t *list);

/* Lists the rows of up to `bits` inputs that are set in a word. May write one entry more; returns the end. */
uint32_t *bitloom_conv_rows_select_inputs(uint32_t input, uint32_t bits, uint32_t offset, uint32_t row_bytes,
                                          uint32_t *list);

/* Pairs of neighbouring bits that differ. */
uint32_t bitloom_conv_rows_differing(const uint32_t *inputs, uint32_t words);

/* The same as bitloom_conv_rows_select for the first pairs of a word. */
static inline void bitloom_conv_rows_select_some(uint32_t input, uint32_t pairs, uint32_t offset,
                                                 uint32_t block_words, uint32_t *list) {
    uint32_t i;
    for (i = 0U; i < pairs; i++) {
        list[i] = offset + (input & 3U) * 4U * block_words;
        input >>= 2;
        offset += 16U * block_words;
    }
}

#endif
