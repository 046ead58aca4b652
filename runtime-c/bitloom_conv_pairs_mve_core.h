/*
 * The inner loop of bitloom_conv_pairs_mve. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_MVE_CORE_H
#define BITLOOM_CONV_PAIRS_MVE_CORE_H

#include "bitloom_v128.h"

/*
 * A kernel column of one output. Assembly knows the offsets of the members: each is one word (on a 32-bit core).
 */
typedef struct {
    const uint32_t *tables; /* of each group of 4 inputs, in the order of the weights: `bitloom_..._place` */
    uint8_t *planes;        /* of the sum: 16 bytes each; 32 bytes before them are free to use */
    uint32_t entry_bytes;   /* of a table */
    uint32_t words;         /* of 8 groups */
    uint32_t half;          /* 1: a word of 4 groups follows */
    uint32_t plane_count;   /* at least 5 */
    uint32_t clear_count;   /* planes to clear before: at least `plane_count`, or 0 */
    int32_t shifts;         /* of the sum afterwards, by one pixel each: > 0 to higher pixels, < 0 to lower ones */
    const uint8_t *base;    /* of all tables */
} bitloom_conv_pairs_mve_step;

/*
 * Entries of tables hold u and v of every lane side by side in the assembly version, since one instruction pair
 * loads that; else first all of u.
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

/* Sums of all steps of one output, with lanes of 8, 16 or 32 bits. A step that shifts takes one of `fills`. */
void bitloom_conv_pairs_mve_sum8(const uint32_t *weights, const uint16_t *fills,
                                 const bitloom_conv_pairs_mve_step *steps,
                                 const bitloom_conv_pairs_mve_step *end);
void bitloom_conv_pairs_mve_sum16(const uint32_t *weights, const uint16_t *fills,
                                  const bitloom_conv_pairs_mve_step *steps,
                                  const bitloom_conv_pairs_mve_step *end);
void bitloom_conv_pairs_mve_sum32(const uint32_t *weights, const uint16_t *fills,
                                  const bitloom_conv_pairs_mve_step *steps,
                                  const bitloom_conv_pairs_mve_step *end);

#endif
