/*
 * The work of bitloom_conv_bytes on rows of output pixels. Internal: two files include it, which define
 * BITLOOM_CONV_BYTES_PACKED before, as 1 where weights may be words (bitloom_conv_bytes_words.h), otherwise
 * as 0. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_BYTES_RUN_H
#define BITLOOM_CONV_BYTES_RUN_H

#ifdef BITLOOM_CONV_BYTES_PACKED

#include "bitloom_conv_bytes_sink.h"

/* Sums of products of two pixels, or of one, and two outputs: sums[2 * pixel + output]. The sum of `fours`
 * fours of values. */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)
void bitloom_conv_bytes_multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0, const int8_t *w1,
                                 uint32_t fours, int32_t *sums);
void bitloom_conv_bytes_multiply_once(const int16_t *x, const int8_t *w0, const int8_t *w1, uint32_t fours,
                                      int32_t *sums);
int32_t bitloom_conv_bytes_sum(const int16_t *values, uint32_t fours);
#else
static inline int32_t bitloom_conv_bytes_four(const int16_t *x, const int8_t *w, int32_t sum) {
    return sum + x[0] * w[0] + x[1] * w[2] + x[2] * w[1] + x[3] * w[3];
}

static inline void bitloom_conv_bytes_multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0,
                                               const int8_t *w1, uint32_t fours, int32_t *sums) {
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    while (fours-- > 0U) {
        s00 = bitloom_conv_bytes_four(x0, w0, s00);
        s01 = bitloom_conv_bytes_four(x0, w1, s01);
        s10 = bitloom_conv_bytes_four(x1, w0, s10);
        s11 = bitloom_conv_bytes_four(x1, w1, s11);
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

static inline void bitloom_conv_bytes_multiply_once(const int16_t *x, const int8_t *w0, const int8_t *w1,
                                                    uint32_t fours, int32_t *sums) {
    int32_t s0 = 0, s1 = 0;
    while (fours-- > 0U) {
        s0 = bitloom_conv_bytes_four(x, w0, s0);
        s1 = bitloom_conv_bytes_four(x, w1, s1);
        x += 4;
        w0 += 4;
        w1 += 4;
    }
    sums[0] = s0;
    sums[1] = s1;
}

/* The sum of a window's values. */
static inline int32_t bitloom_conv_bytes_sum(const int16_t *values, uint32_t fours) {
    int32_t sum = 0;
    while (fours-- > 0U) {
        sum += (int32_t)values[0] + values[1] + values[2] + values[3];
        values += 4;
    }
    return sum;
}
#endif

static inline int bitloom_conv_bytes_is_depthwise(const bitloom_conv_bytes *layer) {
    return layer->channels == 1U && layer->groups > 1U && layer->input_type != BITLOOM_CONV_BYTES_CODES;
}

/* Weights of pairs of outputs: rows of bytes, or words. */
typedef struct {
    const int8_t *rows;
    const uint32_t *words; /* null where there are rows */
    uint32_t bits;         /* of a code in words */
    uint32_t fours;        /* inputs of an output, filled up, in fours */
} bitloom_conv_bytes_weights;

/* Sums of products of one or two pixels and the next one or two outputs: sums[2 * pixel + output]. */
static inline void bitloom_conv_bytes_pair(bitloom_conv_bytes_weights *from, const int16_t *windows,
                                           uint32_t pixels, uint32_t outputs, int32_t *sums) {
    const uint32_t row = 4U * from->fours;
    const int8_t *weights = from->rows;
    const int8_t *next = outputs > 1U ? weights + row : weights;
#if BITLOOM_CONV_BYTES_PACKED
    if (from->words != NULL) {
        from->words =
            bitloom_conv_bytes_multiply_words(windows, pixels, from->words, from->fours, from->bits, sums);
        return;
    }
#endif
    if (pixels > 1U) {
        bitloom_conv_bytes_multiply(windows, windows + row, weights, next, from->fours, sums);
    } else {
        bitloom_conv_bytes_multiply_once(windows, weights, next, from->fours, sums);
    }
    from->rows = next + row;
}

/* The sums of a pixel's next one or two outputs. */
static inline void bitloom_conv_bytes_put_sums(const bitloom_conv_bytes *layer, bitloom_conv_bytes_sink *to,
                                               uint32_t output, uint32_t outputs, const int32_t *sums) {
    int32_t *scores = to->scores;
    if (scores != NULL) {
        scores[0] = layer->weight_scale * sums[0] + to->shared;
        if (outputs > 1U) {
            scores[1] = layer->weight_scale * sums[1] + to->shared;
        }
        to->scores = scores + outputs;
        return;
    }
    bitloom_conv_bytes_put_code(layer, to, output, layer->weight_scale * sums[0] + to->shared);
    if (outputs > 1U) {
        bitloom_conv_bytes_put_code(layer, to, output + 1U, layer->weight_scale * sums[1] + to->shared);
    }
}

/* One or two neighbouring output pixels. */
static BITLOOM_NOINLINE void bitloom_conv_bytes_pixels(const bitloom_conv_bytes *layer,
                                                       bitloom_conv_bytes_weights from,
                                                       const bitloom_const_ring *input, uint32_t y,
                                                       uint32_t x, uint32_t pixels, int16_t *windows,
                                                       bitloom_conv_bytes_sink sinks[2]) {
    uint32_t group, n, i;
    uint32_t output = 0U;
    for (group = 0U; group < layer->groups; group++) {
        for (i = 0U; i < pixels; i++) {
            int16_t *window = windows + i * 4U * from.fours;
            bitloom_conv_bytes_gather(layer, input, y, x + i, group, from.fours, window);
            sinks[i].shared = layer->weight_offset != 0
                                  ? layer->weight_offset * bitloom_conv_bytes_sum(window, from.fours)
                                  : 0;
        }
        for (n = 0U; n < layer->outputs; n += 2U) {
            const uint32_t outputs = layer->outputs - n > 1U ? 2U : 1U;
            int32_t sums[4];
            bitloom_conv_bytes_pair(&from, windows, pixels, outputs, sums);
            for (i = 0U; i < pixels; i++) {
                bitloom_conv_bytes_put_sums(layer, &sinks[i], output, outputs, sums + 2U * i);
            }
            output += outputs;
        }
    }
}

/* The output rows [y0, y1): codes where the layer has thresholds, scores otherwise. */
static inline void bitloom_conv_bytes_run(const bitloom_conv_bytes *layer,
                                          const bitloom_conv_bytes_weights *weights,
                                          const bitloom_const_ring *inputs, const bitloom_ring *output,
                                          int16_t *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t outputs = (uint32_t)layer->outputs * layer->groups;
    const uint32_t plane_words = bitloom_conv_bytes_words(outputs);
    const int is_codes = layer->thresholds != NULL;
    const uint32_t pixel_words = is_codes ? layer->output_planes * plane_words : outputs;
    uint32_t x, y, i;
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x += 2U) {
            const uint32_t pixels = layer->output_width - x > 1U ? 2U : 1U;
            bitloom_conv_bytes_sink sinks[2];
            for (i = 0U; i < pixels; i++, to += pixel_words) {
                sinks[i].scores = is_codes ? NULL : (int32_t *)(void *)to;
                sinks[i].codes.output = to;
                sinks[i].codes.plane_words = plane_words;
                sinks[i].codes.planes = layer->output_planes;
                sinks[i].codes.bits = 0U;
            }
            if (bitloom_conv_bytes_is_depthwise(layer)) {
                for (i = 0U; i < pixels; i++) {
                    bitloom_conv_bytes_depthwise(layer, inputs, y, x + i, scratch, &sinks[i]);
                }
            } else {
                bitloom_conv_bytes_pixels(layer, *weights, inputs, y, x, pixels, scratch, sinks);
            }
            for (i = 0U; i < pixels; i++) {
                bitloom_conv_bytes_finish(&sinks[i]);
            }
        }
    }
}

#endif

#endif
