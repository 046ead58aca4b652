/*
 * The inner loops of bitloom_conv_tables_mve. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_TABLES_MVE_CORE_H
#define BITLOOM_CONV_TABLES_MVE_CORE_H

#include "bitloom_runtime.h"
#include "bitloom_v128.h"

/* Planes that a sum always has; those above are `more_planes`. */
#define BITLOOM_CONV_TABLES_MVE_LEAST_PLANES 9U
/* Sums of some vectors, one after the other. Assembly knows the offsets of the members: each is one word (on
 * a 32-bit core). */
typedef struct {
    const uint32_t *list;     /* [fours][6]: places of u and v of slot 0, and of 4 quads of the image */
    const uint8_t *positions; /* [16 pixels]: where the pixel's window starts, from the image's place on */
    uint8_t *sum;             /* planes of 16 bytes; changed in any case */
    uint32_t sum_step;        /* bytes to the next vector's */
    uint32_t four_fours;
    uint32_t fours;       /* after them: 0 to 3 */
    uint32_t carry_pairs; /* two of these, or all of the latter, are a pair */
    uint8_t *carries;     /* room for so many, and one more word of 128 bits */
    const uint8_t *base;  /* of all places: for the portable version */
    uint32_t planes;      /* at least 6; sums have at least 9 */
    uint32_t is_first;    /* 1: sums start from A / 2, else from `sum` */
    const uint16_t *masks;
    uint32_t mask_step;        /* bytes to the next vector's */
    const uint8_t *thresholds; /* [2 + planes]; null: the sum is kept */
    uint8_t *results;          /* output bits of each vector */
    uint32_t vectors;          /* at least 1 */
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

#ifdef BITLOOM_V128_MVE
/* Bytes of 8 channels of up to 16 pixels, for the image. Assembly knows the offsets of the members. */
typedef struct {
    const uint8_t *from;
    uint8_t *to; /* in the plane of the first quad */
    uint32_t plane_bytes;
    const uint8_t *slots;
    uint32_t step;  /* bytes from pixel to pixel: at most 16 */
    uint32_t count; /* of pixels: at least 1; those from 16 on are left alone */
    uint32_t quads; /* of channels */
    const uint8_t *unequal;
    uint8_t *counts;
} bitloom_conv_tables_mve_bytes;

/* Bits and slots of each quad to its plane, and the sum of `unequal` of all quads' bits. */
void bitloom_conv_tables_mve_spread(const bitloom_conv_tables_mve_bytes *bytes);
#endif

/* S + A / 2 + (A mod 2 where t is odd) >= (t + 1) / 2. `mask`: A mod 2 of each pixel. */
bitloom_v128 bitloom_conv_tables_mve_compare(const uint8_t *sum, uint32_t planes, uint32_t mask,
                                             const uint8_t *threshold);

/*
 * Tables of 8 outputs for 8 `units` quads: u and, `v_distance` after it, v by the 4 input bits. They go to
 * `places` after `tables`, or one after the other where that is null.
 */
void bitloom_conv_tables_mve_tables(const uint8_t *weights, uint8_t *tables, uint32_t v_distance,
                                    const uint16_t *places, uint32_t units);

/* Adds the F of all inputs in the list, for 16 pixels of 8 outputs a vector. Moves on in positions, sums,
 * masks, results. */
void bitloom_conv_tables_mve_add(bitloom_conv_tables_mve_job *job);

#endif
