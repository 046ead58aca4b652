/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool.h"

#include <string.h>

#include "bitloom_float.h"

/* The order-preserving map of float32 to int32; floats need no float instructions to be compared. */
static int32_t key_of(const float *x) {
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

/* Combines pixels tap by tap, all channels of one before the next: one function per operator and type. */
#define BITLOOM_POOL_STEPS(NAME, FROM, TO, START, COMBINE)                                                   \
    void NAME(const bitloom_pool *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,       \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        const bitloom_window *window = &layer->window;                                                       \
        uint32_t c, kx, ky, x, y;                                                                            \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const bitloom_taps rows = bitloom_rows_inside(window, y);                                        \
            TO *to = bitloom_row(output, y);                                                                 \
            for (x = 0U; x < window->output_width; x++) {                                                    \
                const bitloom_taps columns = bitloom_columns_inside(window, x);                              \
                int is_first = 1;                                                                            \
                for (ky = rows.first; ky < rows.end; ky++) {                                                 \
                    const FROM *row =                                                                        \
                        bitloom_const_row(inputs, bitloom_tap_at(&rows, ky, window->dilation_y));            \
                    for (kx = columns.first; kx < columns.end; kx++) {                                       \
                        const FROM *from =                                                                   \
                            row + bitloom_tap_at(&columns, kx, window->dilation_x) * layer->channels;        \
                        for (c = 0U; c < layer->channels; c++) {                                             \
                            if (is_first) {                                                                  \
                                START(to[c], from[c]);                                                       \
                            } else {                                                                         \
                                COMBINE(to[c], from[c]);                                                     \
                            }                                                                                \
                        }                                                                                    \
                        is_first = 0;                                                                        \
                    }                                                                                        \
                }                                                                                            \
                to += layer->channels;                                                                       \
            }                                                                                                \
        }                                                                                                    \
    }

#define TAKE(TO, FROM) ((TO) = (FROM))
#define GREATER(TO, FROM) ((TO) = (FROM) > (TO) ? (FROM) : (TO))
#define LESS(TO, FROM) ((TO) = (FROM) < (TO) ? (FROM) : (TO))
#define GREATER_KEY(TO, FROM) ((TO) = key_of(&(FROM)) > key_of(&(TO)) ? (FROM) : (TO))
#define LESS_KEY(TO, FROM) ((TO) = key_of(&(FROM)) < key_of(&(TO)) ? (FROM) : (TO))
#define ADD(TO, FROM) ((TO) += (FROM))
#define START_ROUNDED(TO, FROM) ((TO) = bitloom_rounded(0.0f + (FROM)))
#define ADD_ROUNDED(TO, FROM) ((TO) = bitloom_rounded((TO) + (FROM)))

BITLOOM_POOL_STEPS(bitloom_pool_maximum_u8, uint8_t, uint8_t, TAKE, GREATER)
BITLOOM_POOL_STEPS(bitloom_pool_maximum_i8, int8_t, int8_t, TAKE, GREATER)
BITLOOM_POOL_STEPS(bitloom_pool_maximum_i16, int16_t, int16_t, TAKE, GREATER)
BITLOOM_POOL_STEPS(bitloom_pool_maximum_i32, int32_t, int32_t, TAKE, GREATER)
BITLOOM_POOL_STEPS(bitloom_pool_maximum_f32, float, float, TAKE, GREATER_KEY)
BITLOOM_POOL_STEPS(bitloom_pool_minimum_u8, uint8_t, uint8_t, TAKE, LESS)
BITLOOM_POOL_STEPS(bitloom_pool_minimum_i8, int8_t, int8_t, TAKE, LESS)
BITLOOM_POOL_STEPS(bitloom_pool_minimum_i16, int16_t, int16_t, TAKE, LESS)
BITLOOM_POOL_STEPS(bitloom_pool_minimum_i32, int32_t, int32_t, TAKE, LESS)
BITLOOM_POOL_STEPS(bitloom_pool_minimum_f32, float, float, TAKE, LESS_KEY)
BITLOOM_POOL_STEPS(bitloom_pool_sum_u8, uint8_t, int32_t, TAKE, ADD)
BITLOOM_POOL_STEPS(bitloom_pool_sum_i8, int8_t, int32_t, TAKE, ADD)
BITLOOM_POOL_STEPS(bitloom_pool_sum_i16, int16_t, int32_t, TAKE, ADD)
BITLOOM_POOL_STEPS(bitloom_pool_sum_i32, int32_t, int32_t, TAKE, ADD)
BITLOOM_POOL_STEPS(bitloom_pool_sum_f32, float, float, START_ROUNDED, ADD_ROUNDED)
