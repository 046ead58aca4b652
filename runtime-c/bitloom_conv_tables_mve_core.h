/*
 * The inner loops of bitloom_conv_tables_mve. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_TABLES_MVE_CORE_H
#define BITLOOM_CONV_TABLES_MVE_CORE_H

#include "bitloom_v128.h"

/* Planes that a sum always has; those above are `more_planes`. */
#define BITLOOM_CONV_TABLES_MVE_LEAST_PLANES 9U
/* Carries of weight 32: one for each 4 fours, and for each of the last 3. */
#define BITLOOM_CONV_TABLES_MVE_MAX_CARRIES 16U

/* One sum. Assembly knows the offsets of the members: each is one word (on a 32-bit core). */
typedef struct {
    const uint32_t *list;     /* [fours][5]: places of the table of slot 0, and of 4 quads of the image */
    const uint8_t *positions; /* [16 pixels]: where the pixel's window starts, from the image's place on */
    uint8_t *sum;             /* planes of 16 bytes, added to */
    uint32_t v_distance;      /* of v from u */
    uint32_t four_fours;
    uint32_t fours;       /* after them: 0 to 3 */
    uint32_t carry_count; /* one for each of these */
    uint32_t more_planes;
    uint8_t *carries;    /* room for so many words of 128 bits */
    const uint8_t *base; /* of all places: for the portable version */
} bitloom_conv_tables_mve_job;

/* A place in scratch as one word: its address for assembly, else its distance from the base. */
static inline uint32_t bitloom_conv_tables_mve_place(const uint8_t *base, uint32_t offset) {
#ifdef BITLOOM_V128_MVE
    return (uint32_t)base + offset;
#else
    (void)base;
    return offset;
#endif
}

/* Adds the F of all inputs in the list to the sum, for 16 pixels and 8 outputs. */
void bitloom_conv_tables_mve_add(const bitloom_conv_tables_mve_job *job);

#endif
