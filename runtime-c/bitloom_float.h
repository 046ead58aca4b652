/*
 * Float32 operations that are rounded one by one, whatever the compiler's flags.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_FLOAT_H
#define BITLOOM_FLOAT_H

#include <float.h>

#include "bitloom_runtime.h"

/*
 * Rounds to float32 here and now. Without it a compiler may contract a product and a sum into one fused
 * multiply-add (GCC does by default and ignores the standard pragma), whose single rounding changes bits.
 */
static inline float bitloom_rounded(float x) {
    volatile float rounded = x;
    return rounded;
}

/*
 * The same of a sum of two float32 numbers that are no products. It cannot be contracted, so that it is
 * rounded already where float expressions have no excess precision, unless the compiler may reorder sums.
 */
static inline float bitloom_rounded_sum(float x) {
#if FLT_EVAL_METHOD == 0 && !defined(__FAST_MATH__) && !defined(__ASSOCIATIVE_MATH__)
    return x;
#else
    return bitloom_rounded(x);
#endif
}

#endif
