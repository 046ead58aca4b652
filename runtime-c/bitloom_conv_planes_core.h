/*
 * The inner loops of bitloom_conv_planes: what a core may replace by its own version. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PLANES_CORE_H
#define BITLOOM_CONV_PLANES_CORE_H

#include <stdint.h>

/* Words of the tables of one group: (u, v) of its 64 or 27 weights. */
#define BITLOOM_CONV_PLANES_SIX_WORDS 128U
#define BITLOOM_CONV_PLANES_THREE_WORDS 54U

/*
 * One run over outputs: each adds the (u, v) that its weight words select to its counters. The offsets of the
 * structure's members are known to assembly: every member is one word.
 */
typedef struct {
    const uint32_t *weights; /* [outputs][words] */
    const uint32_t *tables;  /* of all words' groups */
    uint32_t words;          /* 2, 4, 6 or 8: blocks of 4, perhaps half a one first */
    uint32_t outputs;        /* at least 1 */
    uint32_t planes;         /* from one output's counters to the next: 9, 12 or 15 */
    /* The plane of weight 1 of the first output. `planes` from it on are read and written, of which those
     * that the next output owns stay as they are. */
    uint32_t *state;
} bitloom_conv_planes_run;

void bitloom_conv_planes_add_sixes(const bitloom_conv_planes_run *run);
void bitloom_conv_planes_add_threes(const bitloom_conv_planes_run *run);

/* Tables of `groups` groups (at least 1) of 6 or 3 words. */
void bitloom_conv_planes_sixes(const uint32_t *line, uint32_t groups, uint32_t *tables);
void bitloom_conv_planes_threes(const uint32_t *line, uint32_t groups, uint32_t *tables);

/* `count` words turned right by `rotate` bits (0 to 31) and masked. */
void bitloom_conv_planes_turn(const uint32_t *words, uint32_t count, uint32_t rotate, uint32_t mask,
                              uint32_t *to);

/* The outputs of a tile whose counters are full: their codes. The same about offsets. */
typedef struct {
    const uint32_t *state;      /* [outputs][planes] */
    const uint16_t *thresholds; /* [outputs][levels] */
    uint32_t lowest;            /* plane 0 of P: Y = 2 * counter + lowest */
    uint32_t outputs;           /* at least 1 */
    uint32_t planes;            /* 9, 12 or 15 */
    uint32_t levels;            /* at least 1 */
    uint32_t *results;          /* [output_planes][distance] */
    uint32_t output_planes;     /* 1 to 4; the highest code has no more */
    uint32_t distance;          /* at least `outputs` */
} bitloom_conv_planes_counters;

/* code = number of thresholds t with Y >= t, which ascend; for 32 pixels. */
void bitloom_conv_planes_codes(const bitloom_conv_planes_counters *counters);

/* Copies `planes` words (a multiple of 3) to each of `outputs` counters. */
void bitloom_conv_planes_fill(const uint32_t *words, uint32_t planes, uint32_t outputs, uint32_t *state);

#endif
