/**
 * @file
 * From integers, codes or floats to floats by single-rounded operations: NUMERICS, instruction `scale`. From
 * integer scores to the model's float outputs.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_SCALE_H
#define BITLOOM_SCALE_H

#include "bitloom_float.h"
#include "bitloom_runtime.h"

/* Operators of a step, with operand c: */
#define BITLOOM_SCALE_ADD 0           /**< x + c */
#define BITLOOM_SCALE_SUBTRACT 1      /**< x - c */
#define BITLOOM_SCALE_MULTIPLY 2      /**< x * c */
#define BITLOOM_SCALE_DIVIDE 3        /**< x / c */
#define BITLOOM_SCALE_SUBTRACT_FROM 4 /**< c - x */
#define BITLOOM_SCALE_DIVIDE_INTO 5   /**< c / x */
#define BITLOOM_SCALE_RELU 6          /**< x > 0 ? x : 0 */
#define BITLOOM_SCALE_PRELU 7         /**< x >= 0 ? x : c * x */
#define BITLOOM_SCALE_MINIMUM 8       /**< x > c ? c : x */
#define BITLOOM_SCALE_MAXIMUM 9       /**< x < c ? c : x */
#define BITLOOM_SCALE_ABS 10          /**< x > 0 ? x : 0 - x */

/** One operation. */
typedef struct {
    const float *operand; /**< [rows][columns][channels], each 1 unless told below; null for relu and abs */
    uint8_t operator_;    /**< BITLOOM_SCALE_... */
    uint8_t per_channel;  /**< 1: one operand per channel */
    uint8_t per_column;   /**< 1: one per column; bitloom_scale_positions_... only */
    uint8_t per_row;      /**< 1: one per row; likewise */
} bitloom_scale_step;

/** Operations in order. */
typedef struct {
    const bitloom_scale_step *steps; /**< applied in order, each result rounded to float32 */
    uint32_t channels;               /**< of a pixel */
    uint16_t width;                  /**< pixels per row */
    uint8_t count;                   /**< steps */
    uint8_t planes;                  /**< of codes; else 0 */
    int32_t code_step;               /**< value = code_step * code + code_offset */
    int32_t code_offset;             /**< see code_step */
} bitloom_scale;

/** One step with its operand c. Inline, so that a build that never asks for floats has no float code. */
static inline float bitloom_scale_step_of(uint8_t operator_, float x, float c) {
    switch (operator_) {
    case BITLOOM_SCALE_ADD:
        return bitloom_rounded(x + c);
    case BITLOOM_SCALE_SUBTRACT:
        return bitloom_rounded(x - c);
    case BITLOOM_SCALE_MULTIPLY:
        return bitloom_rounded(x * c);
    case BITLOOM_SCALE_DIVIDE:
        return bitloom_rounded(x / c);
    case BITLOOM_SCALE_SUBTRACT_FROM:
        return bitloom_rounded(c - x);
    case BITLOOM_SCALE_DIVIDE_INTO:
        return bitloom_rounded(c / x);
    case BITLOOM_SCALE_PRELU:
        return x >= 0.0f ? x : bitloom_rounded(c * x);
    case BITLOOM_SCALE_MINIMUM:
        return x > c ? c : x;
    case BITLOOM_SCALE_MAXIMUM:
        return x < c ? c : x;
    case BITLOOM_SCALE_ABS:
        return x > 0.0f ? x : 0.0f - x;
    default:
        return x > 0.0f ? x : 0.0f;
    }
}

/** All steps of one channel. */
static inline float bitloom_scale_steps(const bitloom_scale *layer, float x, uint32_t channel) {
    uint32_t i;
    for (i = 0U; i < layer->count; i++) {
        const bitloom_scale_step *step = &layer->steps[i];
        const float c = step->operand == NULL ? 0.0f : step->operand[step->per_channel != 0U ? channel : 0U];
        x = bitloom_scale_step_of(step->operator_, x, c);
    }
    return x;
}

/** One score as float. */
static inline float bitloom_scale_value(const bitloom_scale *layer, int32_t score, uint32_t channel) {
    return bitloom_scale_steps(layer, (float)score, channel);
}

/** @cond kernels */
/* Write float32 for the rows [y0, y1) of a map of the named scalar type, or of codes in the layout channels.
 */
void bitloom_scale_u8(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                      const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_i8(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                      const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_i16(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_i32(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_f32(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_codes(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
/* The same with steps whose operands differ between rows or columns. */
void bitloom_scale_positions_u8(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_positions_i8(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_positions_i16(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_positions_i32(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_positions_f32(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_scale_positions_codes(const bitloom_scale *layer, const bitloom_const_ring *inputs,
                                   const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
/** @endcond */

#endif
