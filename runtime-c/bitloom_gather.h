/*
 * Elements of several rows side by side, as space-to-depth takes them: NUMERICS, instruction `gather`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_GATHER_H
#define BITLOOM_GATHER_H

#include "bitloom_runtime.h"

typedef struct {
    const uint16_t *runs;  /* [runs][row, column, first channel, channels], output row by output row */
    const uint32_t *first; /* [rows + 1]: each row's first run */
    uint32_t channels;     /* of the input */
    uint32_t output_width; /* pixels of an output row */
    uint32_t step;         /* input columns from one output column to the next */
    uint8_t planes;        /* of codes; else 0 */
    uint8_t element_bytes; /* of scalars; else 0 */
} bitloom_gather;

/* Rows [y0, y1). */
void bitloom_gather_scalars(const bitloom_gather *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_gather_channels(const bitloom_gather *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
