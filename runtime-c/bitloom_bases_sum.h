/*
 * Sums of planes by bases: what follows the exact dot products of one output (NUMERICS, instruction
 * `conv-bases`). Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Each float32 operation rounds to 24 significant bits. Coefficients of an output that are whole numbers of
 * one unit, a power of two, make this integer arithmetic: a product is exact in 64 bits, and rounding clears
 * bits below the 24 highest. Codes need less: the exact sum is known to within a bound, and only where a
 * threshold lies that near does the sum have to be rounded step by step. Outputs whose coefficients differ
 * too much in size have float32 operations.
 */
#ifndef BITLOOM_BASES_SUM_H
#define BITLOOM_BASES_SUM_H

#include "bitloom_runtime.h"
#include "bitloom_threshold.h"

#define BITLOOM_BASES_NO_UNIT (-128)

typedef struct {
    const int32_t *coefficients; /* [outputs][terms]: numbers of units, or bits of float32 */
    /*
     * [outputs][2]: the exponent of the unit, BITLOOM_BASES_NO_UNIT where there is none, and that of the
     * bound, in units, on what all roundings of a sum add up to. With a unit dot products have 16 bits.
     */
    const int8_t *exponents;
    uint32_t terms; /* bases * planes */
} bitloom_bases_sum;

/* acc = 0; for each term in turn acc = rounded(acc + rounded(dot * coefficient)). */
float bitloom_bases_float(const bitloom_bases_sum *sum, uint32_t output, const int32_t *dots);

/* The code of this sum. */
uint32_t bitloom_bases_code(const bitloom_bases_sum *sum, const bitloom_threshold *thresholds,
                            uint32_t output, const int32_t *dots);

#endif
