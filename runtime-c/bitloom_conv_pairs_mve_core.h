/*
 * The inner loops of bitloom_conv_pairs_mve. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_MVE_CORE_H
#define BITLOOM_CONV_PAIRS_MVE_CORE_H

#include "bitloom_v128.h"

/* Planes of the sum of one kernel column; only the first 7 are written where it has at most 3 times 16
 * groups. */
#define BITLOOM_CONV_PAIRS_MVE_COLUMN_PLANES 9U
#define BITLOOM_CONV_PAIRS_MVE_COLUMN_BYTES 144U
/* Carries of weight 32 of a column: one for each two words. */
#define BITLOOM_CONV_PAIRS_MVE_MAX_CARRIES 15U

/* Where a kernel column's sum comes from and goes to. Assembly knows the offsets of the members. */
typedef struct {
    const uint32_t *tables; /* of each group of 4 inputs, in the order of the weights: `..._place` */
    const uint8_t *start;   /* 5 planes that the sum starts from */
    uint8_t *sum;           /* planes of 16 bytes */
    const uint8_t
        *high_start; /* 4 planes above them, or, with up to 3 carries, null: 0, and only 2 are written */
} bitloom_conv_pairs_mve_column;

/* Outputs one after the other. Assembly knows the offsets of the members: each is one word (on a 32-bit
 * core). */
typedef struct {
    const uint32_t *weights; /* [outputs][columns][words] */
    const bitloom_conv_pairs_mve_column *columns;
    const bitloom_conv_pairs_mve_column *columns_end;
    uint32_t entry_bytes;  /* of a table */
    uint32_t double_words; /* of 16 groups */
    uint32_t rest;         /* bit 0: then a word of 8 groups; bit 1: then one of 4 */
    uint32_t carry_count;  /* one for each of these: not 0 */
    uint8_t *carries;      /* room for so many words of 128 bits, but at least 3, which are 0 */
    uint32_t outputs;      /* 1 where they are not finished */
    /*
     * Where not null: each output is finished. It has one column, or 3 of which the first is shifted up by
     * one pixel and the last down; sums one after the other in memory; the middle one started from A / 2.
     * Members below are for that.
     */
    uint8_t *results;           /* [outputs]: output bits */
    const uint16_t *fills;      /* [outputs][2] */
    const uint16_t *thresholds; /* [outputs] */
    const uint8_t *parity;      /* A */
    const uint8_t *base;        /* of all tables: for the portable version */
} bitloom_conv_pairs_mve_job;

/*
 * Entries of tables hold u and v of every lane side by side in the assembly version, since one instruction
 * pair loads that; else first all of u.
 */
#ifdef BITLOOM_V128_MVE
#define BITLOOM_CONV_PAIRS_MVE_LANE_SCALE 2U
#else
#define BITLOOM_CONV_PAIRS_MVE_LANE_SCALE 1U
#endif

/* A place in the tables as one word: its address for assembly, else its distance from the base. */
static inline uint32_t bitloom_conv_pairs_mve_place(const uint8_t *base, uint32_t offset) {
#ifdef BITLOOM_V128_MVE
    return (uint32_t)base + offset;
#else
    (void)base;
    return offset;
#endif
}

/* Columns of outputs, with lanes of 16 or 32 bits; the portable version does not finish outputs. */
void bitloom_conv_pairs_mve_columns16(bitloom_conv_pairs_mve_job *job);
void bitloom_conv_pairs_mve_columns32(bitloom_conv_pairs_mve_job *job);

/* Table entries of one group at 16 bytes of lanes; images and entries are so many bytes apart. */
void bitloom_conv_pairs_mve_table16(const uint8_t *image, uint32_t image_bytes, uint8_t *entry,
                                    uint32_t entry_bytes);
void bitloom_conv_pairs_mve_table32(const uint8_t *image, uint32_t image_bytes, uint8_t *entry,
                                    uint32_t entry_bytes);

#endif
