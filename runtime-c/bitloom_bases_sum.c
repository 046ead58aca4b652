/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_bases_sum.h"

#include <string.h>

#include "bitloom_float.h"
#include "bitloom_threshold_code.h"

#define SIGNIFICANT 24U

/* Bits of a number that is not 0. */
static inline uint32_t length_of(uint32_t x) {
#if defined(__GNUC__) || defined(__clang__)
    return 32U - (uint32_t)__builtin_clz(x);
#else
    uint32_t length = 0U;
    for (; x != 0U; x >>= 1)
        length++;
    return length;
#endif
}

static inline uint32_t high_word(int64_t x) {
    return (uint32_t)((uint64_t)x >> 32);
}

/* All ones of negative numbers. */
static inline uint32_t sign_of(int64_t x) {
    return x < 0 ? 0xffffffffU : 0U;
}

/* A dot product of 16 bits by a coefficient. */
static inline int64_t product_of(int32_t dot, int32_t coefficient) {
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
    /* No long multiplication: two that stay within 32 bits. */
    const int32_t low = dot * (int32_t)((uint32_t)coefficient & 0xffffU);
    return (int64_t)(dot * (coefficient >> 16)) * 65536 + low;
#else
    return (int64_t)dot * coefficient;
#endif
}

/* The nearest number of 24 significant bits, the even one of two; |x| < 2^55. */
static inline int64_t significant_part(int64_t x) {
    const uint32_t sign = sign_of(x);
    const uint32_t high = high_word(x) ^ sign;
    const uint32_t low = (uint32_t)x ^ sign;
    uint32_t dropped, below;
    /* A negative power of two seems one bit shorter than it is, and needs no rounding either way. */
    if (high != 0U) {
        dropped = length_of(high) + (32U - SIGNIFICANT);
    } else if (low >> SIGNIFICANT != 0U) {
        dropped = length_of(low) - SIGNIFICANT;
    } else {
        return x;
    }
    below = (1U << dropped) - 1U;
    x += (below >> 1) + (((uint32_t)x >> dropped) & 1U);
    return (int64_t)((uint64_t)x & ~(uint64_t)below);
}

static int64_t rounded_sum(const bitloom_bases_sum *sum, uint32_t output, const int32_t *dots) {
    const int32_t *coefficient = sum->coefficients + output * sum->terms;
    const int32_t *end = coefficient + sum->terms;
    int64_t acc = significant_part(product_of(*dots++, *coefficient++));
    while (coefficient < end) {
        acc = significant_part(acc + significant_part(product_of(*dots++, *coefficient++)));
    }
    return acc;
}

/* The sum without any rounding. */
static int64_t exact_sum(const bitloom_bases_sum *sum, uint32_t output, const int32_t *dots) {
    const int32_t *coefficient = sum->coefficients + output * sum->terms;
    const int32_t *end = coefficient + sum->terms;
    int64_t acc = 0;
    while (coefficient < end) {
        acc += product_of(*dots++, *coefficient++);
    }
    return acc;
}

static float float_sum(const bitloom_bases_sum *sum, uint32_t output, const int32_t *dots) {
    const int32_t *bits = sum->coefficients + output * sum->terms;
    float acc = 0.0f;
    uint32_t i;
    for (i = 0U; i < sum->terms; i++) {
        float coefficient;
        memcpy(&coefficient, bits + i, sizeof coefficient);
        acc = bitloom_rounded(acc + bitloom_rounded(bitloom_rounded((float)dots[i]) * coefficient));
    }
    return acc;
}

/* A number of units without its sign. */
typedef struct {
    uint32_t sign; /* all ones of negative numbers */
    uint32_t bits; /* of float32, rounded towards 0 */
    uint32_t length;
} magnitude;

/* Of a number that is not 0. */
static inline magnitude magnitude_of(int64_t x, int32_t unit) {
    magnitude result;
    uint64_t size = (uint64_t)x;
    uint32_t significant;
    result.sign = sign_of(x);
    if (result.sign != 0U) {
        size = 0U - size;
    }
    if (size >> 32 != 0U) {
        const uint32_t high = (uint32_t)(size >> 32);
        const uint32_t length = length_of(high);
        significant = (high << (32U - length)) | (length < 32U ? (uint32_t)size >> length : 0U);
        result.length = 32U + length;
    } else {
        result.length = length_of((uint32_t)size);
        significant = (uint32_t)size << (32U - result.length);
    }
    /* The highest bit adds 1 to the exponent. */
    result.bits = ((uint32_t)(unit + (int32_t)result.length + 125) << 23) + (significant >> 8);
    return result;
}

float bitloom_bases_float(const bitloom_bases_sum *sum, uint32_t output, const int32_t *dots) {
    const int32_t unit = sum->exponents[2U * output];
    float result = 0.0f;
    int64_t acc;
    if (unit == BITLOOM_BASES_NO_UNIT) {
        return float_sum(sum, output, dots);
    }
    acc = rounded_sum(sum, output, dots);
    if (acc != 0) {
        const magnitude size = magnitude_of(acc, unit);
        const uint32_t bits = size.bits | (size.sign & 0x80000000U);
        memcpy(&result, &bits, sizeof result);
    }
    return result;
}

/* Thresholds reached, or more than there are where the bound does not tell. */
static uint32_t reached_by(const bitloom_bases_sum *sum, const int32_t *thresholds, uint32_t levels,
                           uint32_t output, const int32_t *dots) {
    const int8_t *exponents = sum->exponents + 2U * output;
    const int64_t exact = exact_sum(sum, output, dots);
    magnitude size;
    int32_t key, distance, places;
    uint32_t count;
    if (exact == 0) {
        return levels + 1U;
    }
    size = magnitude_of(exact, exponents[0]);
    places = exponents[1] + (int32_t)SIGNIFICANT - (int32_t)size.length;
    if (places > 20) {
        return levels + 1U;
    }
    /*
     * In steps from one float32 to the next: one for what magnitude_of cuts off, and the bound, of which
     * numbers below the next power of two have twice as many. More steps never hurt.
     */
    distance = places < 0 ? 4 : (2 << places) + 2;
    key = (int32_t)(size.bits ^ size.sign);
    count = bitloom_threshold_reached(thresholds, levels, key - distance);
    return count < levels && thresholds[count] <= key + distance ? levels + 1U : count;
}

uint32_t bitloom_bases_code(const bitloom_bases_sum *sum, const bitloom_threshold *layer, uint32_t output,
                            const int32_t *dots) {
    const uint32_t row = layer->per_channel != 0U ? output : 0U;
    const int32_t *thresholds = layer->thresholds + row * layer->levels;
    uint32_t count = layer->levels + 1U;
    if (sum->exponents[2U * output] != BITLOOM_BASES_NO_UNIT) {
        count = reached_by(sum, thresholds, layer->levels, output, dots);
    }
    if (count > layer->levels) {
        const float acc = bitloom_bases_float(sum, output, dots);
        count = bitloom_threshold_reached(thresholds, layer->levels, bitloom_threshold_key(&acc));
    }
    return layer->flipped == NULL ? count : bitloom_threshold_mapped(layer, row, count);
}
