/*
 * The inner loops of bitloom_conv_rows: lists of rows, and bit-sliced counters that add rows up.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_ROWS_CORE_H
#define BITLOOM_CONV_ROWS_CORE_H

#include <stdint.h>

/* Cores with Thumb-2 take bitloom_conv_rows_core.S, all others bitloom_conv_rows_core.c. */
#if defined(__thumb2__) && !defined(BITLOOM_PORTABLE_C)
#define BITLOOM_CONV_ROWS_ASSEMBLY 1
#else
#define BITLOOM_CONV_ROWS_ASSEMBLY 0
#endif

/* A list of rows and the counters they are added to, for the words of a block of outputs. */
typedef struct {
    const uint32_t *list; /* offsets of rows, in words from the first row */
    const uint32_t *rows;
    uint32_t *counters; /* [words][planes] */
    uint32_t *pairs;    /* room for 2 * (sixteens + 8) words */
    uint32_t sixteens;  /* a sixteenth of the rows in the list */
    uint32_t planes;
    uint32_t words;
} bitloom_conv_rows_sum;

/* Adds the rows. Counter plane 0 (weight 1) is left alone: each row counts twice. */
void bitloom_conv_rows_add(const bitloom_conv_rows_sum *sum);

/* Per word the sign plane of counters + shift: 1 = negative. */
void bitloom_conv_rows_signs(const uint32_t *counters, uint32_t planes, int32_t shift, uint32_t words,
                             uint32_t *signs);

/* Lists the rows that the 16 pairs of each input word select, from the offset of the first pair's four rows
 * on. */
void bitloom_conv_rows_select(const uint32_t *inputs, uint32_t words, uint32_t offset, uint32_t block_words,
                              uint32_t *list);

/*
 * Lists the rows of the inputs that are set after an exclusive or with flip, from the offset of the first row
 * on. May write one entry more; returns the end.
 */
uint32_t *bitloom_conv_rows_select_inputs(const uint32_t *inputs, uint32_t words, uint32_t offset,
                                          uint32_t block_words, uint32_t flip, uint32_t *list);

/* The same as bitloom_conv_rows_select for the first pairs of a word. */
static inline void bitloom_conv_rows_select_some(uint32_t input, uint32_t pairs, uint32_t offset,
                                                 uint32_t block_words, uint32_t *list) {
    uint32_t i;
    for (i = 0U; i < pairs; i++) {
        list[i] = offset + (input & 3U) * block_words;
        input >>= 2;
        offset += 4U * block_words;
    }
}

/* The same as bitloom_conv_rows_select_inputs for the first inputs of a word. */
static inline uint32_t *bitloom_conv_rows_select_some_inputs(uint32_t input, uint32_t bits, uint32_t offset,
                                                             uint32_t block_words, uint32_t *list) {
    while (bits-- > 0U) {
        *list = offset;
        list += input & 1U;
        input >>= 1;
        offset += block_words;
    }
    return list;
}

#endif
