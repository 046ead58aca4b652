/*
 * Portable inner loop of bitloom_conv_pairs_mve.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_mve_core.h"

#ifndef BITLOOM_V128_MVE

/* Bits that a shift by one pixel brings in. */
typedef struct {
    uint32_t lowest, highest;
} lane_ends;

static inline bitloom_v128 plane_at(const bitloom_conv_pairs_mve_step *step, uint32_t plane) {
    return bitloom_v128_load(step->planes + 16U * plane);
}

static inline void set_plane(const bitloom_conv_pairs_mve_step *step, uint32_t plane, bitloom_v128 value) {
    bitloom_v128_store(step->planes + 16U * plane, value);
}

/* Adds a carry of weight 2^plane. */
static void add_carry(const bitloom_conv_pairs_mve_step *step, uint32_t plane, bitloom_v128 carry) {
    for (; plane < step->plane_count; plane++) {
        const bitloom_v128 sum = bitloom_v128_xor(plane_at(step, plane), carry);
        set_plane(step, plane, sum);
        carry = bitloom_v128_and_not(carry, sum);
    }
}

/* Adds the (u, v) that 4 bits of weights select. */
static void add_group(const bitloom_conv_pairs_mve_step *step, uint32_t table, uint32_t weights) {
    const uint8_t *entry = step->base + table + weights * step->entry_bytes;
    add_carry(step, 0U, bitloom_v128_load(entry));
    add_carry(step, 1U, bitloom_v128_load(entry + step->entry_bytes / 2U));
}

static const uint32_t *add_words(const bitloom_conv_pairs_mve_step *step, const uint32_t *weights) {
    const uint32_t *table = step->tables;
    uint32_t word, i;
    for (word = 0U; word < step->words; word++) {
        for (i = 0U; i < 8U; i++)
            add_group(step, *table++, (*weights >> ((i & 3U) * 8U + (i & 4U))) & 15U);
        weights++;
    }
    if (step->half != 0U) {
        for (i = 0U; i < 4U; i++)
            add_group(step, *table++, (*weights >> (8U * i)) & 15U);
        weights++;
    }
    return weights;
}

static void shift_planes(const bitloom_conv_pairs_mve_step *step, uint32_t fill, lane_ends ends) {
    const uint32_t in = step->shifts > 0 ? ends.lowest : ends.highest;
    uint32_t plane, i;
    for (plane = 0U; plane < step->plane_count; plane++) {
        bitloom_v128 bits = plane_at(step, plane);
        for (i = 0U; i < 4U; i++) {
            const uint32_t shifted = step->shifts > 0 ? bits.w[i] << 1 : bits.w[i] >> 1;
            bits.w[i] = (shifted & ~in) | (((fill >> plane) & 1U) != 0U ? in : 0U);
        }
        set_plane(step, plane, bits);
    }
}

static void sum_steps(const uint32_t *weights, const uint16_t *fills, const bitloom_conv_pairs_mve_step *step,
                      const bitloom_conv_pairs_mve_step *end, lane_ends ends) {
    for (; step != end; step++) {
        int32_t shifts = step->shifts > 0 ? step->shifts : -step->shifts;
        uint32_t plane;
        for (plane = 0U; plane < step->clear_count; plane++)
            set_plane(step, plane, bitloom_v128_all(0U));
        weights = add_words(step, weights);
        if (shifts != 0) {
            for (; shifts != 0; shifts--)
                shift_planes(step, *fills, ends);
            fills++;
        }
    }
}

void bitloom_conv_pairs_mve_sum8(const uint32_t *weights, const uint16_t *fills,
                                 const bitloom_conv_pairs_mve_step *steps,
                                 const bitloom_conv_pairs_mve_step *end) {
    const lane_ends ends = {0x01010101U, 0x80808080U};
    sum_steps(weights, fills, steps, end, ends);
}

void bitloom_conv_pairs_mve_sum16(const uint32_t *weights, const uint16_t *fills,
                                  const bitloom_conv_pairs_mve_step *steps,
                                  const bitloom_conv_pairs_mve_step *end) {
    const lane_ends ends = {0x00010001U, 0x80008000U};
    sum_steps(weights, fills, steps, end, ends);
}

void bitloom_conv_pairs_mve_sum32(const uint32_t *weights, const uint16_t *fills,
                                  const bitloom_conv_pairs_mve_step *steps,
                                  const bitloom_conv_pairs_mve_step *end) {
    const lane_ends ends = {0x00000001U, 0x80000000U};
    sum_steps(weights, fills, steps, end, ends);
}

#endif
