/*
 * Words of 128 bits: MVE registers where the core has them, four words of 32 bits elsewhere. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_V128_H
#define BITLOOM_V128_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_MVE) && !defined(BITLOOM_PORTABLE_C)
#define BITLOOM_V128_MVE 1
#include <arm_mve.h>

typedef uint32x4_t bitloom_v128;

/* From any address. */
static inline bitloom_v128 bitloom_v128_load(const void *from) {
    return vreinterpretq_u32_u8(vldrbq_u8((const uint8_t *)from));
}

static inline void bitloom_v128_store(void *to, bitloom_v128 a) {
    vstrbq_u8((uint8_t *)to, vreinterpretq_u8_u32(a));
}

static inline bitloom_v128 bitloom_v128_all(uint32_t word) {
    return vdupq_n_u32(word);
}

static inline bitloom_v128 bitloom_v128_xor(bitloom_v128 a, bitloom_v128 b) {
    return veorq_u32(a, b);
}

static inline bitloom_v128 bitloom_v128_and(bitloom_v128 a, bitloom_v128 b) {
    return vandq_u32(a, b);
}

static inline bitloom_v128 bitloom_v128_or(bitloom_v128 a, bitloom_v128 b) {
    return vorrq_u32(a, b);
}

static inline bitloom_v128 bitloom_v128_and_not(bitloom_v128 a, bitloom_v128 b) {
    return vbicq_u32(a, b);
}

static inline bitloom_v128 bitloom_v128_or_not(bitloom_v128 a, bitloom_v128 b) {
    return vornq_u32(a, b);
}

/* Each 32 bits turned into higher places, or lower ones where `shift` is negative. */
static inline bitloom_v128 bitloom_v128_shift(bitloom_v128 a, int32_t shift) {
    return vshlq_r_u32(a, shift);
}

#else

typedef struct {
    uint32_t w[4];
} bitloom_v128;

static inline bitloom_v128 bitloom_v128_load(const void *from) {
    bitloom_v128 a;
    memcpy(&a, from, sizeof a);
    return a;
}

static inline void bitloom_v128_store(void *to, bitloom_v128 a) {
    memcpy(to, &a, sizeof a);
}

static inline bitloom_v128 bitloom_v128_all(uint32_t word) {
    const bitloom_v128 a = {{word, word, word, word}};
    return a;
}

static inline bitloom_v128 bitloom_v128_shift(bitloom_v128 a, int32_t shift) {
    uint32_t i;
    for (i = 0U; i < 4U; i++)
        a.w[i] = shift >= 0 ? a.w[i] << shift : a.w[i] >> -shift;
    return a;
}

#define BITLOOM_V128_OPERATION(name, expression)                                                             \
    static inline bitloom_v128 bitloom_v128_##name(bitloom_v128 a, bitloom_v128 b) {                         \
        uint32_t i;                                                                                          \
        for (i = 0U; i < 4U; i++)                                                                            \
            a.w[i] = (expression);                                                                           \
        return a;                                                                                            \
    }

BITLOOM_V128_OPERATION(xor, a.w[i] ^ b.w[i])
BITLOOM_V128_OPERATION(and, a.w[i] & b.w[i])
BITLOOM_V128_OPERATION(or, a.w[i] | b.w[i])
BITLOOM_V128_OPERATION(and_not, a.w[i] & ~b.w[i])
BITLOOM_V128_OPERATION(or_not, a.w[i] | ~b.w[i])

#endif

/* *low + a + b -> *low, carry. */
static inline bitloom_v128 bitloom_v128_full_add(bitloom_v128 *low, bitloom_v128 a, bitloom_v128 b) {
    const bitloom_v128 different = bitloom_v128_xor(a, b);
    const bitloom_v128 both = bitloom_v128_and(a, b);
    const bitloom_v128 carry = bitloom_v128_or(both, bitloom_v128_and(different, *low));
    *low = bitloom_v128_xor(*low, different);
    return carry;
}

/* The bit that at least two of three have. */
static inline bitloom_v128 bitloom_v128_majority(bitloom_v128 a, bitloom_v128 b, bitloom_v128 c) {
    const bitloom_v128 different = bitloom_v128_xor(a, b);
    return bitloom_v128_xor(a, bitloom_v128_and(different, bitloom_v128_xor(a, c)));
}

#endif
