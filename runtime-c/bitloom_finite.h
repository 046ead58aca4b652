/*
 * Refuses what comparisons and codes cannot stand for.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_FINITE_H
#define BITLOOM_FINITE_H

#include <stdint.h>
#include <string.h>

/* Whether there is neither a NaN nor an infinity among the values: by their bits, whatever -ffast-math
 * assumes. */
static inline int bitloom_are_finite(const float *values, uint32_t count) {
    uint32_t i;
    for (i = 0U; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        if ((bits & 0x7f800000U) == 0x7f800000U) {
            return 0;
        }
    }
    return 1;
}

#endif
