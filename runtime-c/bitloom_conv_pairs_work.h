/*
 * What bitloom_conv_pairs keeps during a call. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_WORK_H
#define BITLOOM_CONV_PAIRS_WORK_H

#include "bitloom_conv_pairs.h"
#include "bitloom_conv_pairs_core.h"
#include "bitloom_conv_pairs_lines.h"

#define BITLOOM_CONV_PAIRS_VERSION_WORDS 64U

typedef struct {
    const bitloom_conv_pairs *layer;
    const bitloom_ring *output;
    bitloom_conv_pairs_lines lines;
    bitloom_conv_pairs_run run;
    const uint32_t *table_list[2U * BITLOOM_CONV_PAIRS_MAX_RUN];
    const uint32_t *weights;    /* of the block */
    const uint16_t *thresholds; /* of the block, first class */
    uint32_t y0, y1;
    uint32_t tiles;        /* rows of tiles */
    uint32_t x0;           /* first output column of the tiles */
    uint32_t first_output; /* of the block */
    uint32_t outputs;      /* of the block */
    uint32_t span;         /* input rows of a window */
    uint32_t unit_bytes;   /* of an output channel's row */
    uint32_t *tables;
    uint32_t *table_ids; /* [kernel_height] */
    uint32_t *parity;    /* [span][planes + 1]: sums of x ^ y of each line */
    uint32_t *parity_ids;
    uint32_t *sum;     /* [planes + 1], then zeros: A of a tile */
    uint32_t *low;     /* [slots][VERSION_WORDS] */
    uint32_t *states;  /* [slots][block][planes]; of single runs [block]: their results */
    uint16_t *presets; /* [block]: the threshold of counters that start from A - t */
} bitloom_conv_pairs_work;

/* Line r, whose x ^ y have been summed too. */
const uint32_t *bitloom_conv_pairs_counted_line(const bitloom_conv_pairs_work *w, uint32_t r);

/* One run of tile t, whose lines have been counted before the first: from the start or its counters, to its
 * counters or the output. */
void bitloom_conv_pairs_run_tile(bitloom_conv_pairs_work *w, uint32_t t, uint32_t is_first, uint32_t is_last);

/* Output bits of tile t's outputs to the rows of its lanes. */
void bitloom_conv_pairs_store(const bitloom_conv_pairs_work *w, uint32_t t, const uint32_t *results);

/* What is the same during a call, but for the scratch: its rows, cut into tiles, and how lines are made. */
void bitloom_conv_pairs_begin(bitloom_conv_pairs_work *w, const bitloom_conv_pairs *layer,
                              const bitloom_const_ring *inputs, const bitloom_ring *output, uint32_t y0,
                              uint32_t y1);

/* Padding 0: the output pixels of tile t by class, up to 32 classes with their pixels. */
uint32_t bitloom_conv_pairs_classes(const bitloom_conv_pairs_work *w, uint32_t t, uint32_t *classes,
                                    uint32_t *pixels);

#endif
