/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes.h"

#include <string.h>

#include "bitloom_conv_bytes_sink.h"

static int32_t sum_of(const int16_t *values, uint32_t fours) {
    int32_t sum = 0;
    while (fours-- > 0U) {
        sum += (int32_t)values[0] + values[1] + values[2] + values[3];
        values += 4;
    }
    return sum;
}

/* Sums of products of two pixels and two outputs: sums[2 * pixel + output]. */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)
void bitloom_conv_bytes_multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0, const int8_t *w1,
                                 uint32_t fours, int32_t *sums);
void bitloom_conv_bytes_multiply_once(const int16_t *x, const int8_t *w0, const int8_t *w1, uint32_t fours,
                                      int32_t *sums);
#else
static inline int32_t multiply_four(const int16_t *x, const int8_t *w, int32_t sum) {
    return sum + x[0] * w[0] + x[1] * w[2] + x[2] * w[1] + x[3] * w[3];
}

static void bitloom_conv_bytes_multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0,
                                        const int8_t *w1, uint32_t fours, int32_t *sums) {
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    while (fours-- > 0U) {
        s00 = multiply_four(x0, w0, s00);
        s01 = multiply_four(x0, w1, s01);
        s10 = multiply_four(x1, w0, s10);
        s11 = multiply_four(x1, w1, s11);
        x0 += 4;
        x1 += 4;
        w0 += 4;
        w1 += 4;
    }
    sums[0] = s00;
    sums[1] = s01;
    sums[2] = s10;
    sums[3] = s11;
}

static void bitloom_conv_bytes_multiply_once(const int16_t *x, const int8_t *w0, const int8_t *w1,
                                             uint32_t fours, int32_t *sums) {
    int32_t s0 = 0, s1 = 0;
    while (fours-- > 0U) {
        s0 = multiply_four(x, w0, s0);
        s1 = multiply_four(x, w1, s1);
        x += 4;
        w0 += 4;
        w1 += 4;
    }
    sums[0] = s0;
    sums[1] = s1;
}
#endif

static int is_depthwise(const bitloom_conv_bytes *layer) {
    return layer->channels == 1U && layer->groups > 1U && layer->input_type != BITLOOM_CONV_BYTES_CODES;
}

/* One or two neighbouring output pixels. */
static void run_pixels(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                       uint32_t x, uint32_t pixels, int16_t *windows, bitloom_conv_bytes_sink sinks[2]) {
    const uint32_t fours = bitloom_conv_bytes_fours(layer);
    uint32_t group, n, i;
    uint32_t output = 0U;
    if (is_depthwise(layer)) {
        for (i = 0U; i < pixels; i++) {
            bitloom_conv_bytes_depthwise(layer, input, y, x + i, windows, &sinks[i]);
        }
        return;
    }
    for (group = 0U; group < layer->groups; group++) {
        for (i = 0U; i < pixels; i++) {
            int16_t *window = windows + i * 4U * fours;
            bitloom_conv_bytes_gather(layer, input, y, x + i, group, window);
            sinks[i].shared = layer->weight_offset != 0 ? layer->weight_offset * sum_of(window, fours) : 0;
        }
        for (n = 0U; n < layer->outputs; n += 2U) {
            const uint32_t outputs = layer->outputs - n > 1U ? 2U : 1U;
            const int8_t *weights = layer->weights + 4U * fours * output;
            const int8_t *next = outputs > 1U ? weights + 4U * fours : weights;
            int32_t sums[4];
            if (pixels > 1U) {
                bitloom_conv_bytes_multiply(windows, windows + 4U * fours, weights, next, fours, sums);
            } else {
                bitloom_conv_bytes_multiply_once(windows, weights, next, fours, sums);
            }
            for (i = 0U; i < pixels; i++) {
                bitloom_conv_bytes_put(layer, &sinks[i], output, sums[2U * i]);
                if (outputs > 1U) {
                    bitloom_conv_bytes_put(layer, &sinks[i], output + 1U, sums[2U * i + 1U]);
                }
            }
            output += outputs;
        }
    }
    for (i = 0U; i < pixels; i++) {
        bitloom_conv_bytes_finish(&sinks[i]);
    }
}

void bitloom_conv_bytes_threshold(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = bitloom_conv_bytes_words((uint32_t)layer->outputs * layer->groups);
    uint32_t x, y, i;
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x += 2U) {
            const uint32_t pixels = layer->output_width - x > 1U ? 2U : 1U;
            bitloom_conv_bytes_sink sinks[2];
            memset(sinks, 0, sizeof sinks);
            for (i = 0U; i < 2U; i++) {
                sinks[i].codes.output = to + i * layer->output_planes * plane_words;
                sinks[i].codes.plane_words = plane_words;
                sinks[i].codes.planes = layer->output_planes;
            }
            run_pixels(layer, inputs, y, x, pixels, (int16_t *)scratch, sinks);
            to += 2U * layer->output_planes * plane_words;
        }
    }
}

void bitloom_conv_bytes_scores(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t outputs = (uint32_t)layer->outputs * layer->groups;
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        int32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x += 2U) {
            const uint32_t pixels = layer->output_width - x > 1U ? 2U : 1U;
            bitloom_conv_bytes_sink sinks[2];
            memset(sinks, 0, sizeof sinks);
            sinks[0].scores = to;
            sinks[1].scores = to + outputs;
            run_pixels(layer, inputs, y, x, pixels, (int16_t *)scratch, sinks);
            to += 2U * outputs;
        }
    }
}
