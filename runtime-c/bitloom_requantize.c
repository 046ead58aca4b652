/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_requantize.h"

#include "bitloom_fixed.h"

/*
 * Of channel c in 32 bits: a + 2^31 and half a unit, which the bias has in it already. It is not negative,
 * and less than 2^32, so that arithmetic modulo 2^32 is exact.
 */
static inline uint32_t bitloom_requantize_raised(int32_t x, int32_t multiplier, int32_t bias) {
    return (uint32_t)x * (uint32_t)multiplier + (uint32_t)bias;
}

static inline int32_t bitloom_requantize_of(uint32_t raised, uint32_t right) {
    return (int32_t)(raised >> right) - (int32_t)(UINT32_C(0x80000000) >> right);
}

static inline int32_t bitloom_requantize_plain(const bitloom_requantize *layer, int32_t x, uint32_t c) {
    const uint32_t raised = bitloom_requantize_raised(x, layer->multiplier[c], layer->bias[c]);
    return bitloom_requantize_of(raised, layer->right);
}

static inline int32_t bitloom_requantize_two(const bitloom_requantize *layer, int32_t x, uint32_t c) {
    /* What 0 becomes. */
    const uint32_t zero = UINT32_C(0x80000000) + (UINT32_C(1) << (layer->right - 1U));
    uint32_t raised = bitloom_requantize_raised(x, layer->multiplier[c], layer->bias[c]);
    if (raised < zero) {
        raised = bitloom_requantize_raised(x, layer->below_multiplier[c], layer->below_bias[c]);
    }
    return bitloom_requantize_of(raised, layer->right);
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
        /* A copy that stores to the output cannot change: its fields stay in registers. */                  \
        const bitloom_requantize line = *layer;                                                              \
        const RESULT low = line.low;                                                                         \
        const RESULT high = line.high;                                                                       \
        (void)scratch;                                                                                       \
        for (; y0 < y1; y0++) {                                                                              \
            const FROM *from = bitloom_const_row(inputs, y0);                                                \
            int16_t *to = bitloom_row(output, y0);                                                           \
            uint32_t channel, x;                                                                             \
            for (x = 0U; x < line.width; x++) {                                                              \
                uint32_t c = 0U;                                                                             \
                for (channel = 0U; channel < line.channels; channel++) {                                     \
                    const RESULT y = NUMBER(&line, *from++, c);                                              \
                    *to++ = (int16_t)(y < low ? low : y > high ? high : y);                                  \
                    c += line.step;                                                                          \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

#define BITLOOM_REQUANTIZE_TYPES(NAME, RESULT, NUMBER)                                                       \
    BITLOOM_REQUANTIZE(NAME##u8, uint8_t, RESULT, NUMBER)                                                    \
    BITLOOM_REQUANTIZE(NAME##i8, int8_t, RESULT, NUMBER)                                                     \
    BITLOOM_REQUANTIZE(NAME##i16, int16_t, RESULT, NUMBER)                                                   \
    BITLOOM_REQUANTIZE(NAME##i32, int32_t, RESULT, NUMBER)

BITLOOM_REQUANTIZE_TYPES(bitloom_requantize_, int32_t, bitloom_requantize_plain)
BITLOOM_REQUANTIZE_TYPES(bitloom_requantize_two_, int32_t, bitloom_requantize_two)
BITLOOM_REQUANTIZE_TYPES(bitloom_requantize_wide_, int64_t, bitloom_requantize_wide)
