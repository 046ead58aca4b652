/*
 * Integers to int16 fixed point: NUMERICS, instruction `requantize`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_REQUANTIZE_H
#define BITLOOM_REQUANTIZE_H

#include "bitloom_runtime.h"

typedef struct {
    const int32_t *multiplier;       /* [channels], or one for all */
    const int32_t *bias;             /* in the wide form in units of 2^bias_shift */
    const int32_t *below_multiplier; /* the line of negative numbers; null without */
    const int32_t *below_bias;
    uint32_t channels;
    uint32_t width; /* pixels per row */
    int16_t low;
    int16_t high;
    uint8_t step;       /* from a channel's factors to the next one's: 1, or 0 where all share them */
    uint8_t bias_shift; /* of the wide form */
    uint8_t right;
} bitloom_requantize;

/*
 * Rows [y0, y1). All numbers of the first form, with one line, and of the second, with two, are below 2^31 in
 * magnitude, as the compiler proves; their biases have 2^31 and half a unit in them. Those of the wide form
 * fit 64 bits.
 */
#define BITLOOM_REQUANTIZE_DECLARE(NAME)                                                                     \
    void NAME(const bitloom_requantize *layer, const bitloom_const_ring *inputs, const bitloom_ring *output, \
              void *scratch, uint32_t y0, uint32_t y1)

BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_u8);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_i8);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_i16);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_i32);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_two_u8);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_two_i8);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_two_i16);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_two_i32);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_wide_u8);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_wide_i8);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_wide_i16);
BITLOOM_REQUANTIZE_DECLARE(bitloom_requantize_wide_i32);

#undef BITLOOM_REQUANTIZE_DECLARE

#endif
