/*
 * The inner loops of bitloom_conv_rows: lists of rows, and bit-sliced counters that add rows up.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_ROWS_CORE_H
#define BITLOOM_CONV_ROWS_CORE_H

#include <stdint.h>

/* Cores with Thumb-2 take bitloom_conv_rows_core_asm.S, all others bitloom_conv_rows_core.c. */
#if defined(__thumb2__) && !defined(BITLOOM_PORTABLE_C)
#define BITLOOM_CONV_ROWS_ASSEMBLY 1
#define BITLOOM_CONV_ROWS_UNIT 1U
#else
#define BITLOOM_CONV_ROWS_ASSEMBLY 0
#define BITLOOM_CONV_ROWS_UNIT 4U
#endif
/*
 * Offsets of rows and the distance from row to row, row_step, count words in assembly, which shifts them for
 * nothing, and bytes in C: v6-M cannot.
 */

/* A list of rows and the counters they are added to, for the words of a block of outputs. */
typedef struct {
    const uint32_t *list; /* offsets of rows from the first one */
    const uint32_t *rows;
    uint32_t *counters; /* [words][planes] */
    uint32_t *pairs;    /* room for 2 * (sixteens + 8) words */
    uint32_t sixteens;  /* a sixteenth of the rows in the list */
    uint32_t planes;
    uint32_t words;
} bitloom_conv_rows_sum;

/* Adds the rows. Counter plane 0 (weight 1) is left alone: each row counts twice. */
void bitloom_conv_rows_add(const bitloom_conv_rows_sum *sum);

/* Copies counters. */
void bitloom_conv_rows_copy(const uint32_t *from, uint32_t words, uint32_t *to);

/* Fills a list with the empty row. */
void bitloom_conv_rows_clear(uint32_t *list, uint32_t count);

/* Per word the sign plane of counters + shift, 1 = negative, after an exclusive or with flip. */
void bitloom_conv_rows_signs(const uint32_t *counters, uint32_t planes, int32_t shift, uint32_t words,
                             uint32_t flip, uint32_t *signs);

/* Lists the rows that the 16 pairs of each input word select, from the offset of the first pair's four rows
 * on. */
void bitloom_conv_rows_select(const uint32_t *inputs, uint32_t words, uint32_t offset, uint32_t row_step,
                              uint32_t *list);

/*
 * Lists the rows of the inputs that are set after an exclusive or with flip, from the offset of the first row
 * on. May write one entry more; returns the end.
 */
uint32_t *bitloom_conv_rows_select_inputs(const uint32_t *inputs, uint32_t words, uint32_t offset,
                                          uint32_t row_step, uint32_t flip, uint32_t *list);

/* The same as bitloom_conv_rows_select for the first pairs of a word. */
static inline void bitloom_conv_rows_select_some(uint32_t input, uint32_t pairs, uint32_t offset,
                                                 uint32_t row_step, uint32_t *list) {
    uint32_t i;
    for (i = 0U; i < pairs; i++) {
        list[i] = offset + (input & 3U) * row_step;
        input >>= 2;
        offset += 4U * row_step;
    }
}

/* The same as bitloom_conv_rows_select_inputs for the first inputs of a word. */
static inline uint32_t *bitloom_conv_rows_select_some_inputs(uint32_t input, uint32_t bits, uint32_t offset,
                                                             uint32_t row_step, uint32_t *list) {
    while (bits-- > 0U) {
        *list = offset;
        list += input & 1U;
        input >>= 1;
        offset += row_step;
    }
    return list;
}

#endif
