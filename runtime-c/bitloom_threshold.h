/*
 * Turns scalars into codes: NUMERICS, instruction `threshold`. Used for model inputs and for sums that no
 * other kernel has thresholded itself. Copyright 2026 the bitloom authors. SPDX-License-Identifier:
 * Apache-2.0
 *
 * float32 needs no float instructions: thresholds are keys, the order-preserving map of float bits to int32.
 * The functions for it return BITLOOM_ERROR_INPUT, with the rest of the output unwritten, at a NaN or an
 * infinity.
 */
#ifndef BITLOOM_THRESHOLD_H
#define BITLOOM_THRESHOLD_H

#include <string.h>

#include "bitloom_finite.h"
#include "bitloom_runtime.h"

typedef struct {
    const int32_t *thresholds; /* [rows][levels], ascending; rows is 1 or channels */
    const uint8_t *flipped;    /* [rows], 1 = levels - code; null if no row is flipped */
    const uint8_t *table;      /* [levels + 1], what is stored for a code; null for the code itself */
    uint32_t channels;         /* channels per pixel */
    uint32_t width;            /* pixels per row of the map */
    uint8_t per_channel;       /* 0: one row of thresholds for all channels */
    uint8_t levels;            /* thresholds per row */
    uint8_t planes;            /* planes of an output pixel, 1 to 8; 0 for bytes */
    uint8_t mapped;            /* 0: no row is flipped and there is no table */
    uint16_t unit_bytes;       /* of the layout pixels; else 0 */
} bitloom_threshold;

/* Codes in the layout channels, of the rows [y0, y1) of a map of the named scalar type. */
void bitloom_threshold_u8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_i8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_i16(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_i32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
int bitloom_threshold_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Codes in the layout pixels. */
void bitloom_threshold_pixels_u8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_pixels_i8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_pixels_i16(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_pixels_i32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
int bitloom_threshold_pixels_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Codes as uint8. */
void bitloom_threshold_bytes_u8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_bytes_i8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_bytes_i16(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_bytes_i32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
int bitloom_threshold_bytes_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

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

static inline uint32_t bitloom_threshold_mapped(const bitloom_threshold *layer, uint32_t row, uint32_t code) {
    if (layer->flipped != NULL && layer->flipped[row] != 0U) {
        code = layer->levels - code;
    }
    return layer->table != NULL ? layer->table[code] : code;
}

static inline uint32_t bitloom_threshold_code(const bitloom_threshold *layer, uint32_t channel, int32_t key) {
    const uint32_t row = layer->per_channel != 0U ? channel : 0U;
    const uint32_t code =
        bitloom_threshold_reached(layer->thresholds + row * layer->levels, layer->levels, key);
    return layer->mapped != 0U ? bitloom_threshold_mapped(layer, row, code) : code;
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
