/*
 * Products of windows and packed weights, as bitloom_conv_bytes_packed.h describes them. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_BYTES_WORDS_H
#define BITLOOM_CONV_BYTES_WORDS_H

#include "bitloom_runtime.h"

/* Outputs' inputs are filled up to a multiple of as many fours: whole words of the narrowest part. */
static inline uint32_t bitloom_conv_bytes_unit(uint32_t bits) {
    return (bits & 1U) != 0U ? 4U : (bits & 2U) != 0U ? 2U : 1U;
}

/* Sums of products of two pixels, or of one, and the two outputs of one part of `bits` bits: sums[2 * pixel +
 * output]. */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)
void bitloom_conv_bytes_packed_multiply(const int16_t *x0, const int16_t *x1, const uint32_t *words,
                                        uint32_t fours, uint32_t bits, int32_t *sums);
void bitloom_conv_bytes_packed_multiply_once(const int16_t *x, const uint32_t *words, uint32_t fours,
                                             uint32_t bits, int32_t *sums);
#else
static inline void bitloom_conv_bytes_packed_multiply(const int16_t *x0, const int16_t *x1,
                                                      const uint32_t *words, uint32_t fours, uint32_t bits,
                                                      int32_t *sums) {
    const uint32_t mask = (1U << bits) - 1U;
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    while (fours > 0U) {
        uint32_t word = *words++;
        uint32_t used = 0U;
        for (; used < 4U; used += bits, fours--, word >>= bits) {
            uint32_t fields = word;
            uint32_t k;
            for (k = 0U; k < 4U; k += 2U, fields >>= 4) {
                int32_t w = (int32_t)(fields & mask);
                s00 += x0[0] * w;
                s10 += x1[0] * w;
                w = (int32_t)((fields >> 8) & mask);
                s01 += x0[0] * w;
                s11 += x1[0] * w;
                w = (int32_t)((fields >> 16) & mask);
                s00 += x0[1] * w;
                s10 += x1[1] * w;
                w = (int32_t)((fields >> 24) & mask);
                s01 += x0[1] * w;
                s11 += x1[1] * w;
                x0 += 2;
                x1 += 2;
            }
        }
    }
    sums[0] = s00;
    sums[1] = s01;
    sums[2] = s10;
    sums[3] = s11;
}

static inline void bitloom_conv_bytes_packed_multiply_once(const int16_t *x, const uint32_t *words,
                                                           uint32_t fours, uint32_t bits, int32_t *sums) {
    const uint32_t mask = (1U << bits) - 1U;
    int32_t s0 = 0, s1 = 0;
    while (fours > 0U) {
        uint32_t word = *words++;
        uint32_t used = 0U;
        for (; used < 4U; used += bits, fours--, word >>= bits) {
            uint32_t fields = word;
            uint32_t k;
            for (k = 0U; k < 4U; k += 2U, fields >>= 4) {
                s0 += x[0] * (int32_t)(fields & mask);
                s1 += x[0] * (int32_t)((fields >> 8) & mask);
                s0 += x[1] * (int32_t)((fields >> 16) & mask);
                s1 += x[1] * (int32_t)((fields >> 24) & mask);
                x += 2;
            }
        }
    }
    sums[0] = s0;
    sums[1] = s1;
}
#endif

/* The same for all parts of a code; returns the words of the next outputs. */
static inline const uint32_t *bitloom_conv_bytes_multiply_words(const int16_t *windows, uint32_t pixels,
                                                                const uint32_t *words, uint32_t fours,
                                                                uint32_t bits, int32_t *sums) {
    uint32_t shift = 0U;
    uint32_t part, i;
    for (part = 4U; part > 0U; part >>= 1) {
        if ((bits & part) != 0U) {
            int32_t more[4] = {0, 0, 0, 0};
            int32_t *to = shift == 0U ? sums : more;
            if (pixels > 1U) {
                bitloom_conv_bytes_packed_multiply(windows, windows + 4U * fours, words, fours, part, to);
            } else {
                bitloom_conv_bytes_packed_multiply_once(windows, words, fours, part, to);
            }
            for (i = 0U; i < 2U * pixels && shift != 0U; i++) {
                sums[i] += more[i] * (1 << shift);
            }
            shift += part;
            words += (fours * part) >> 2;
        }
    }
    return words;
}

#endif
