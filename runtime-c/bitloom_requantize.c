/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_requantize.h"

#include "bitloom_fixed.h"

/* Of channel c: 31 bits hold everything, half a unit included. */
static inline int32_t bitloom_requantize_narrow(const bitloom_requantize *layer, int32_t x, uint32_t c) {
    const int32_t half = (int32_t)(UINT32_C(1) << (layer->right - 1U));
    int32_t a = x * layer->multiplier[c] + layer->bias[c];
    if (a < 0 && layer->below_multiplier != NULL) {
        a = x * layer->below_multiplier[c] + layer->below_bias[c];
    }
    return bitloom_floor_32(a + half, layer->right);
}

static inline int64_t bitloom_requantize_line(int32_t x, int32_t multiplier, int32_t bias, uint32_t shift) {
    return (int64_t)x * multiplier + (int64_t)bias * (int32_t)(UINT32_C(1) << shift);
}

static inline int64_t bitloom_requantize_wide(const bitloom_requantize *layer, int32_t x, uint32_t c) {
    const uint32_t shift = layer->bias_shift;
    const int64_t half = (int64_t)(UINT64_C(1) << (layer->right - 1U));
    int64_t a = bitloom_requantize_line(x, layer->multiplier[c], layer->bias[c], shift);
    if (a < 0 && layer->below_multiplier != NULL) {
        a = bitloom_requantize_line(x, layer->below_multiplier[c], layer->below_bias[c], shift);
    }
    return bitloom_floor_64(a + half, layer->right);
}

#define BITLOOM_REQUANTIZE(NAME, FROM, RESULT, NUMBER)                                                       \
    void NAME(const bitloom_requantize *layer, const bitloom_const_ring *inputs, const bitloom_ring *output, \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        const RESULT low = layer->low;                                                                       \
        const RESULT high = layer->high;                                                                     \
        (void)scratch;                                                                                       \
        for (; y0 < y1; y0++) {                                                                              \
            const FROM *from = bitloom_const_row(inputs, y0);                                                \
            int16_t *to = bitloom_row(output, y0);                                                           \
            uint32_t channel, x;                                                                             \
            for (x = 0U; x < layer->width; x++) {                                                            \
                uint32_t c = 0U;                                                                             \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    const RESULT y = NUMBER(layer, *from++, c);                                              \
                    *to++ = (int16_t)(y < low ? low : y > high ? high : y);                                  \
                    c += layer->step;                                                                        \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_REQUANTIZE(bitloom_requantize_u8, uint8_t, int32_t, bitloom_requantize_narrow)
BITLOOM_REQUANTIZE(bitloom_requantize_i8, int8_t, int32_t, bitloom_requantize_narrow)
BITLOOM_REQUANTIZE(bitloom_requantize_i16, int16_t, int32_t, bitloom_requantize_narrow)
BITLOOM_REQUANTIZE(bitloom_requantize_i32, int32_t, int32_t, bitloom_requantize_narrow)
BITLOOM_REQUANTIZE(bitloom_requantize_wide_u8, uint8_t, int64_t, bitloom_requantize_wide)
BITLOOM_REQUANTIZE(bitloom_requantize_wide_i8, int8_t, int64_t, bitloom_requantize_wide)
BITLOOM_REQUANTIZE(bitloom_requantize_wide_i16, int16_t, int64_t, bitloom_requantize_wide)
BITLOOM_REQUANTIZE(bitloom_requantize_wide_i32, int32_t, int64_t, bitloom_requantize_wide)
