/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_softmax.h"

#include <string.h>

float bitloom_exp_f32(float x) {
    static const float coefficients[] = {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f,
                                         0.5f,          1.0f,          1.0f};
    int32_t n;
    uint32_t exponent_bits, i;
    float r, p, power;
    if (!(x >= -87.0f)) { /* a NaN too */
        return 0.0f;
    }
    x = x > 80.0f ? 80.0f : x;
    n = (int32_t)bitloom_rounded(bitloom_rounded(x * 1.44269502f) + (x < 0.0f ? -0.5f : 0.5f));
    r = bitloom_rounded(x - bitloom_rounded((float)n * 0.693359375f));
    r = bitloom_rounded(r - bitloom_rounded((float)n * -2.12194442e-4f));
    p = coefficients[0];
    for (i = 1U; i < sizeof coefficients / sizeof coefficients[0]; i++) {
        p = bitloom_rounded(bitloom_rounded(p * r) + coefficients[i]);
    }
    exponent_bits = (uint32_t)(n + 127) << 23; /* 2^n: n is -126 to 115 */
    memcpy(&power, &exponent_bits, sizeof power);
    return bitloom_rounded(p * power);
}

void bitloom_softmax_row(const float *scores, float *output, uint32_t count) {
    float greatest = scores[0];
    float sum = 0.0f;
    uint32_t i;
    for (i = 1U; i < count; i++) {
        greatest = scores[i] > greatest ? scores[i] : greatest;
    }
    for (i = 0U; i < count; i++) {
        output[i] = bitloom_exp_f32(bitloom_rounded(scores[i] - greatest));
        sum = bitloom_rounded(sum + output[i]);
    }
    for (i = 0U; i < count; i++) {
        output[i] = bitloom_rounded(output[i] / sum);
    }
}

void bitloom_softmax_f32(const bitloom_softmax *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    for (; y0 < y1; y0++) {
        bitloom_softmax_row(bitloom_const_row(inputs, y0), bitloom_row(output, y0), layer->count);
    }
}
