/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_scale.h"

#include "bitloom_codes.h"

/* The operand of a step at a position. */
static float operand_at(const bitloom_scale *layer, const bitloom_scale_step *step, uint32_t y, uint32_t x,
                        uint32_t channel) {
    uint32_t at = step->per_row != 0U ? y : 0U;
    if (step->operand == NULL) {
        return 0.0f;
    }
    if (step->per_column != 0U) {
        at = at * layer->width + x;
    }
    if (step->per_channel != 0U) {
        at = at * layer->channels + channel;
    }
    return step->operand[at];
}

static float steps_at(const bitloom_scale *layer, float value, uint32_t y, uint32_t x, uint32_t channel) {
    uint32_t i;
    for (i = 0U; i < layer->count; i++) {
        const bitloom_scale_step *step = &layer->steps[i];
        value = bitloom_scale_step_of(step->operator_, value, operand_at(layer, step, y, x, channel));
    }
    return value;
}

/* One function per scalar type, alike but for the type that is read. */
#define BITLOOM_SCALE_POSITIONS(NAME, TYPE)                                                                  \
    void NAME(const bitloom_scale *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,      \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        uint32_t channel, x, y;                                                                              \
        (void)scratch;                                                                                       \
        for (y = y0; y < y1; y++) {                                                                          \
            const TYPE *from = bitloom_const_row(inputs, y);                                                 \
            float *to = bitloom_row(output, y);                                                              \
            for (x = 0U; x < layer->width; x++) {                                                            \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    *to++ = steps_at(layer, (float)*from++, y, x, channel);                                  \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_SCALE_POSITIONS(bitloom_scale_positions_u8, uint8_t)
BITLOOM_SCALE_POSITIONS(bitloom_scale_positions_i8, int8_t)
BITLOOM_SCALE_POSITIONS(bitloom_scale_positions_i16, int16_t)
BITLOOM_SCALE_POSITIONS(bitloom_scale_positions_i32, int32_t)
BITLOOM_SCALE_POSITIONS(bitloom_scale_positions_f32, float)

void bitloom_scale_positions_codes(const bitloom_scale *layer, const bitloom_const_ring *inputs,
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
                *to++ = steps_at(layer, (float)value, y, x, channel);
            }
            from += layer->planes * plane_words;
        }
    }
}
