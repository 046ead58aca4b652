/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_scale.h"

#include "bitloom_codes.h"

/* One function per scalar type, alike but for the type that is read. */
#define BITLOOM_SCALE_ROWS(NAME, TYPE)                                                                       \
    void NAME(const bitloom_scale *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,      \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t channel, x, y;                                                                              \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const TYPE *from = bitloom_const_row(inputs, y);                                                 \
            float *to = bitloom_row(output, y);                                                              \
            for (x = 0U; x < layer->width; x++) {                                                            \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    *to++ = bitloom_scale_steps(layer, (float)*from++, channel);                             \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_SCALE_ROWS(bitloom_scale_u8, uint8_t)
BITLOOM_SCALE_ROWS(bitloom_scale_i8, int8_t)
BITLOOM_SCALE_ROWS(bitloom_scale_i16, int16_t)
BITLOOM_SCALE_ROWS(bitloom_scale_i32, int32_t)
BITLOOM_SCALE_ROWS(bitloom_scale_f32, float)

void bitloom_scale_codes(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->channels + 31U) / 32U;
    uint32_t channel, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        float *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            for (channel = 0U; channel < layer->channels; channel++) {
                const uint32_t code = bitloom_code_at(from, plane_words, layer->planes, channel);
                const int32_t value = layer->code_step * (int32_t)code + layer->code_offset;
                *to++ = bitloom_scale_value(layer, value, channel);
            }
            from += layer->planes * plane_words;
        }
    }
}
