/*
 * Division of signed numbers by powers of two, rounded down: C99 leaves `>>` of negative ones to the
 * compiler. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_FIXED_H
#define BITLOOM_FIXED_H

#include <stdint.h>

/* floor(x / 2^right) for -2^30 <= x < 2^30 and right < 31: a number that is not negative is shifted. */
static inline int32_t bitloom_floor_30(int32_t x, uint32_t right) {
    return (int32_t)((uint32_t)(x + (INT32_C(1) << 30)) >> right) - (int32_t)(UINT32_C(0x40000000) >> right);
}

/* floor(x / 2^right) for any x and 0 < right < 64. */
static inline int64_t bitloom_floor_64(int64_t x, uint32_t right) {
    const uint64_t raised = (uint64_t)x + (UINT64_C(1) << 63);
    return (int64_t)(raised >> right) - (int64_t)((UINT64_C(1) << 63) >> right);
}

#endif
