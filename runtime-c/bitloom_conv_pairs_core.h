/*
 * The inner loops of bitloom_conv_pairs: what a core may replace by its own version. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_CORE_H
#define BITLOOM_CONV_PAIRS_CORE_H

#include <stdint.h>

/* Words of the tables of one group of 4 inputs: 16 entries (u, v), entry = weight bits, lowest input in bit
 * 0. */
#define BITLOOM_CONV_PAIRS_GROUP_WORDS 32U
/* Words of the tables that one word of weights selects from. */
#define BITLOOM_CONV_PAIRS_TABLE_WORDS 256U

/*
 * One run over outputs: each adds the (u, v) that its weight words select to counters, whose plane i counts
 * 2^i. The offsets of the structure's members are known to assembly: every member is one word.
 */
typedef struct {
    const uint32_t *weights; /* [outputs][words] */
    const uint32_t *const
        *tables;      /* [words]: 256 table words each; all adjacent, or 3 by 3 where there are 3 k */
    uint32_t words;   /* 1 to BITLOOM_CONV_PAIRS_MAX_RUN */
    uint32_t outputs; /* at least 1 */
    uint32_t planes;  /* of the state and of `high` plus 3 */
    const uint16_t *thresholds; /* [outputs] */
    const uint32_t *low;  /* [16][4], by t mod 16: planes 0 to 2 at the start, then [A mod 16 >= t mod 16] */
    const uint32_t *high; /* [planes - 3], at least 6: planes 3 and up at the start, then zeros */
    uint32_t *state;      /* [outputs][planes]: counters between runs */
    uint32_t *results;    /* [outputs]: output bits */
} bitloom_conv_pairs_run;

/* From the start to the threshold. */
void bitloom_conv_pairs_single(const bitloom_conv_pairs_run *run);
/* From the start to the state. */
void bitloom_conv_pairs_first(const bitloom_conv_pairs_run *run);
/* From the state to the state. */
void bitloom_conv_pairs_middle(const bitloom_conv_pairs_run *run);
/* From the state to the threshold. */
void bitloom_conv_pairs_last(const bitloom_conv_pairs_run *run);

/*
 * Bit-sliced addition: sum (`total` planes) + number (`planes` planes, at least 1 and at most `total`), the
 * number turned right by `rotate` bits (0 to 31) and masked -> sum.
 */
void bitloom_conv_pairs_add(uint32_t *sum, uint32_t total, const uint32_t *number, uint32_t planes,
                            uint32_t rotate, uint32_t mask);

/*
 * Three at once: sum (`total` planes, at least planes + 2) = numbers[0] + numbers[1] + numbers[2], of
 * `planes` planes.
 */
void bitloom_conv_pairs_add_rows(uint32_t *sum, uint32_t total, const uint32_t *const *numbers,
                                 uint32_t planes);

/* The same of one number that is turned and masked in three ways: `columns` of the layer. */
void bitloom_conv_pairs_add_columns(uint32_t *sum, uint32_t total, const uint32_t *number, uint32_t planes,
                                    const uint32_t *columns);

/* The 16 versions of D = (A - n) mod 16 of the number A: bits 1 to 3, and whether A mod 16 >= n. */
void bitloom_conv_pairs_versions(const uint32_t *sum, uint32_t *low);

/* Sum of x ^ y over the pairs of `words` line words (a multiple of 4): a number of `planes` planes, at
 * least 3. */
void bitloom_conv_pairs_count(const uint32_t *line, uint32_t words, uint32_t *number, uint32_t planes);

/* Halves side by side, `words` (a multiple of 4) words of `line`: lower halves of low and high, then the
 * upper ones. */
void bitloom_conv_pairs_zip(const uint32_t *low, const uint32_t *high, uint32_t *line, uint32_t words);
/* And back. */
void bitloom_conv_pairs_unzip(const uint32_t *line, uint32_t *low, uint32_t *high, uint32_t words);

/* Tables of `groups` groups (at least 1), to where they do not overlap. */
void bitloom_conv_pairs_copy(const uint32_t *from, uint32_t groups, uint32_t *to);

/*
 * Tables of `groups` groups of 4 line words, each turned right by `rotate` bits (0 to 31) and masked.
 */
void bitloom_conv_pairs_tables(const uint32_t *line, uint32_t groups, uint32_t rotate, uint32_t mask,
                               uint32_t *tables);

#endif
