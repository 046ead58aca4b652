/*
 * How a scalar becomes a code, and the kernels made of it: for the C files that compute thresholds. Copyright
 * 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_THRESHOLD_CODE_H
#define BITLOOM_THRESHOLD_CODE_H

#include <string.h>

#include "bitloom_finite.h"
#include "bitloom_threshold.h"

/* Levels beyond which halving the interval beats comparing with every threshold. */
#define BITLOOM_THRESHOLD_MOST_COMPARED 8U

static inline uint32_t bitloom_threshold_reached(const int32_t *thresholds, uint32_t levels, int32_t key) {
    uint32_t low = 0U;
    if (levels <= BITLOOM_THRESHOLD_MOST_COMPARED) {
        uint32_t level;
        for (level = 0U; level < levels; level++) {
            low += key >= thresholds[level] ? 1U : 0U;
        }
        return low;
    }
    /* Thresholds below `low` are reached, those from `levels` on are not. */
    while (low < levels) {
        const uint32_t middle = (low + levels) / 2U;
        if (key >= thresholds[middle]) {
            low = middle + 1U;
        } else {
            levels = middle;
        }
    }
    return low;
}

/*
 * What a count of reached thresholds becomes on flipped rows and by a table. Few layers have either: apart,
 * the loops of the others keep their registers.
 */
static BITLOOM_NOINLINE uint32_t bitloom_threshold_mapped(const bitloom_threshold *layer, uint32_t row,
                                                          uint32_t code) {
    if (layer->flipped[row] != 0U) {
        code = layer->levels - code;
    }
    return layer->table != NULL ? layer->table[code] : code;
}

static inline uint32_t bitloom_threshold_code(const bitloom_threshold *layer, uint32_t channel, int32_t key) {
    const uint32_t row = layer->per_channel != 0U ? channel : 0U;
    const uint32_t code =
        bitloom_threshold_reached(layer->thresholds + row * layer->levels, layer->levels, key);
    return layer->flipped == NULL ? code : bitloom_threshold_mapped(layer, row, code);
}

/* The key of a float32. */
static inline int32_t bitloom_threshold_key(const float *x) {
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

/*
 * Defines a kernel for each scalar type from a macro that handles one row: ROW(layer, from, to, KEY), where
 * KEY(from[i]) is the int32 to compare.
 */
#define BITLOOM_THRESHOLD_INTEGER_KEY(x) ((int32_t)(x))
#define BITLOOM_THRESHOLD_FLOAT_KEY(x) bitloom_threshold_key(&(x))

#define BITLOOM_THRESHOLD_KERNEL(NAME, TYPE, TO, ROW)                                                        \
    void NAME(const bitloom_threshold *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,  \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t y;                                                                                          \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const TYPE *from = bitloom_const_row(inputs, y);                                                 \
            TO *to = bitloom_row(output, y);                                                                 \
            ROW(layer, from, to, BITLOOM_THRESHOLD_INTEGER_KEY);                                             \
        }                                                                                                    \
    }

#define BITLOOM_THRESHOLD_FLOAT_KERNEL(NAME, TO, ROW)                                                        \
    int NAME(const bitloom_threshold *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,   \
             void *scratch, uint32_t y0, uint32_t y1) {                                                      \
        uint32_t y;                                                                                          \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const float *from = bitloom_const_row(inputs, y);                                                \
            TO *to = bitloom_row(output, y);                                                                 \
            if (!bitloom_are_finite(from, layer->width * layer->channels)) {                                 \
                return BITLOOM_ERROR_INPUT;                                                                  \
            }                                                                                                \
            ROW(layer, from, to, BITLOOM_THRESHOLD_FLOAT_KEY);                                               \
        }                                                                                                    \
        return BITLOOM_OK;                                                                                   \
    }

#define BITLOOM_THRESHOLD_KERNELS(PREFIX, TO, ROW)                                                           \
    BITLOOM_THRESHOLD_KERNEL(PREFIX##u8, uint8_t, TO, ROW)                                                   \
    BITLOOM_THRESHOLD_KERNEL(PREFIX##i8, int8_t, TO, ROW)                                                    \
    BITLOOM_THRESHOLD_KERNEL(PREFIX##i16, int16_t, TO, ROW)                                                  \
    BITLOOM_THRESHOLD_KERNEL(PREFIX##i32, int32_t, TO, ROW)                                                  \
    BITLOOM_THRESHOLD_FLOAT_KERNEL(PREFIX##f32, TO, ROW)

#endif
