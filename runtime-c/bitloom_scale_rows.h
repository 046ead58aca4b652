/*
 * Rows of floats made of scalars and codes, for the C files of `scale`. Copyright 2026 the bitloom authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_SCALE_ROWS_H
#define BITLOOM_SCALE_ROWS_H

#include "bitloom_codes.h"
#include "bitloom_scale.h"

/* A kernel for one scalar type: STEPS(layer, value, y, x, channel) is the float of an element. */
#define BITLOOM_SCALE_ROWS(NAME, TYPE, STEPS)                                                                \
    void NAME(const bitloom_scale *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,      \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t channel, x, y;                                                                              \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const TYPE *from = bitloom_const_row(inputs, y);                                                 \
            float *to = bitloom_row(output, y);                                                              \
            for (x = 0U; x < layer->width; x++) {                                                            \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    *to++ = STEPS(layer, (float)*from++, y, x, channel);                                     \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

/* The same for codes in the layout channels. */
#define BITLOOM_SCALE_CODES(NAME, STEPS)                                                                     \
    void NAME(const bitloom_scale *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,      \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        const uint32_t plane_words = (layer->channels + 31U) / 32U;                                          \
        uint32_t channel, x, y;                                                                              \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const uint32_t *from = bitloom_const_row(inputs, y);                                             \
            float *to = bitloom_row(output, y);                                                              \
            for (x = 0U; x < layer->width; x++) {                                                            \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    const uint32_t code = bitloom_code_at(from, plane_words, layer->planes, channel);        \
                    const int32_t value = layer->code_step * (int32_t)code + layer->code_offset;             \
                    *to++ = STEPS(layer, (float)value, y, x, channel);                                       \
                }                                                                                            \
                from += layer->planes * plane_words;                                                         \
            }                                                                                                \
        }                                                                                                    \
    }

/* One function per type, alike but for the type that is read. */
#define BITLOOM_SCALE_KERNELS(PREFIX, STEPS)                                                                 \
    BITLOOM_SCALE_ROWS(PREFIX##u8, uint8_t, STEPS)                                                           \
    BITLOOM_SCALE_ROWS(PREFIX##i8, int8_t, STEPS)                                                            \
    BITLOOM_SCALE_ROWS(PREFIX##i16, int16_t, STEPS)                                                          \
    BITLOOM_SCALE_ROWS(PREFIX##i32, int32_t, STEPS)                                                          \
    BITLOOM_SCALE_ROWS(PREFIX##f32, float, STEPS)                                                            \
    BITLOOM_SCALE_CODES(PREFIX##codes, STEPS)

#endif
