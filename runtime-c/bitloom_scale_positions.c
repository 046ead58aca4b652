/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_scale_rows.h"

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

BITLOOM_SCALE_KERNELS(bitloom_scale_positions_, steps_at)
