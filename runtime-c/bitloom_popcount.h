/*
 * Counting bits on cores without a popcount instruction.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Words go through carry-save adders (Harley-Seal): three words of weight 2^i become one of weight 2^i and
 * one of weight 2^(i+1), 32 full adders in five operations, so that only one word in eight is counted.
 */
#ifndef BITLOOM_POPCOUNT_H
#define BITLOOM_POPCOUNT_H

#include <stdint.h>

#if defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

/* Sum of the four bytes of x, each at most 8. */
static inline uint32_t bitloom_byte_sum(uint32_t x) {
#if defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_DSP)
    return __usad8(x, 0U); /* v7E-M and v8-M with DSP: one instruction, no constant */
#elif defined(__ARM_ARCH) && __ARM_ARCH == 6
    x += x >> 16;                  /* v6-M: the multiplier may take 32 cycles, and its constant a load */
    return (x + (x >> 8)) & 0x3fU; /* 0 to 32 */
#else
    return (x * 0x01010101U) >> 24;
#endif
}

/* Ones per byte of x. */
static inline uint32_t bitloom_byte_counts(uint32_t x) {
    x -= (x >> 1) & 0x55555555U;
    x = (x & 0x33333333U) + ((x >> 2) & 0x33333333U);
    return (x + (x >> 4)) & 0x0f0f0f0fU;
}

static inline uint32_t bitloom_count(uint32_t x) {
    return bitloom_byte_sum(bitloom_byte_counts(x));
}

/* *low + 2 * *high = a + b + *low, for each of 32 bit positions. */
static inline void bitloom_add(uint32_t *high, uint32_t *low, uint32_t a, uint32_t b) {
    const uint32_t half = *low ^ a;
    *high = (*low & a) | (half & b);
    *low = half ^ b;
}

#define BITLOOM_COUNT_BODY(OPERATION)                                                                        \
    uint32_t total = 0U;                                                                                     \
    if (words >= 8U) {                                                                                       \
        uint32_t ones = 0U, twos = 0U, fours = 0U, eights = 0U;                                              \
        do {                                                                                                 \
            uint32_t twos_a, twos_b, fours_a, fours_b, eights_a;                                             \
            bitloom_add(&twos_a, &ones, a[0] OPERATION b[0], a[1] OPERATION b[1]);                           \
            bitloom_add(&twos_b, &ones, a[2] OPERATION b[2], a[3] OPERATION b[3]);                           \
            bitloom_add(&fours_a, &twos, twos_a, twos_b);                                                    \
            bitloom_add(&twos_a, &ones, a[4] OPERATION b[4], a[5] OPERATION b[5]);                           \
            bitloom_add(&twos_b, &ones, a[6] OPERATION b[6], a[7] OPERATION b[7]);                           \
            bitloom_add(&fours_b, &twos, twos_a, twos_b);                                                    \
            bitloom_add(&eights_a, &fours, fours_a, fours_b);                                                \
            eights += bitloom_count(eights_a);                                                               \
            a += 8;                                                                                          \
            b += 8;                                                                                          \
            words -= 8U;                                                                                     \
        } while (words >= 8U);                                                                               \
        total = 8U * eights + 4U * bitloom_count(fours) + 2U * bitloom_count(twos) + bitloom_count(ones);    \
    }                                                                                                        \
    while (words > 0U) {                                                                                     \
        total += bitloom_count(*a++ OPERATION * b++);                                                        \
        words--;                                                                                             \
    }                                                                                                        \
    return total

/* Positions in which two rows of bits differ. */
static inline uint32_t bitloom_count_different(const uint32_t *a, const uint32_t *b, uint32_t words) {
    BITLOOM_COUNT_BODY(^);
}

/* Positions that are set in both rows of bits. */
static inline uint32_t bitloom_count_common(const uint32_t *a, const uint32_t *b, uint32_t words) {
    BITLOOM_COUNT_BODY(&);
}

#undef BITLOOM_COUNT_BODY

#endif
