/*
 * The inner loop of bitloom_conv_rows_mve. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_ROWS_MVE_CORE_H
#define BITLOOM_CONV_ROWS_MVE_CORE_H

#include "bitloom_v128.h"

/* Sixteens at a time: at most one carry leaves plane 8. */
#define BITLOOM_CONV_ROWS_MVE_MOST 32U

/* Assembly knows the offsets of the members: each is one word (on a 32-bit core). */
typedef struct {
    uint32_t *list;       /* [16 sixteens]: places of rows, which move on by 16 bytes */
    uint8_t *sum;         /* planes of 16 bytes, added to */
    uint32_t sixteens;    /* 1 to 32 */
    uint32_t carry_pairs; /* half of them, rounded up */
    uint8_t *carries;     /* room for one word of 128 bits for each, and one more */
    uint32_t more_planes; /* above 9 */
    const uint8_t *base;  /* of all places: for the portable version */
} bitloom_conv_rows_mve_job;

/* A place as one word: its address for assembly, else its distance from the base. */
static inline uint32_t bitloom_conv_rows_mve_place(const uint8_t *base, uint32_t offset) {
#ifdef BITLOOM_V128_MVE
    return (uint32_t)base + offset;
#else
    (void)base;
    return offset;
#endif
}

/* Adds the rows to the sum. */
void bitloom_conv_rows_mve_add(const bitloom_conv_rows_mve_job *job);

#endif
