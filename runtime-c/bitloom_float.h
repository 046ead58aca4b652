/*
 * Float32 operations that are rounded one by one: NUMERICS, instructions `scale` and `softmax`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_FLOAT_H
#define BITLOOM_FLOAT_H

#include "bitloom_runtime.h"

/*
 * Rounds to float32 here and now. Without it a compiler may contract a product and a sum into one fused
 * multiply-add (GCC does by default and ignores the standard pragma), whose single rounding changes bits.
 */
static inline float bitloom_rounded(float x) {
    volatile float rounded = x;
    return rounded;
}

/* Softmax over `count` scores; `output` may be `scores`. */
void bitloom_softmax(const float *scores, float *output, uint32_t count);

#endif
