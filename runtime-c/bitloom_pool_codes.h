/*
 * Greatest, least or sum of codes per channel and window, 32 channels at a time: NUMERICS, instruction
 * `pool`. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_POOL_CODES_H
#define BITLOOM_POOL_CODES_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    bitloom_window window;
    uint32_t channels;
    int32_t step; /* value = step * code + offset, for sums */
    int32_t offset;
    uint8_t planes;  /* 1 to 8 */
    uint8_t minimum; /* 0: the greatest, 1: the least */
} bitloom_pool_codes;

/* Rows [y0, y1) in the layout channels: the greatest or least code. One-bit codes are an OR or an AND. */
void bitloom_pool_codes_extreme(const bitloom_pool_codes *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Rows [y0, y1) in the layout channels to int32 sums of values. */
void bitloom_pool_codes_sum(const bitloom_pool_codes *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
