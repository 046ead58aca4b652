/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes.h"

#include <string.h>

#include "bitloom_codes.h"

#if defined(__ARM_FEATURE_SIMD32) && !defined(BITLOOM_PORTABLE_C)
#include <arm_acle.h>
#define BITLOOM_CONV_BYTES_SIMD 1
#else
#define BITLOOM_CONV_BYTES_SIMD 0
#endif

/* Output codes of a pixel on their way into words. */
typedef struct {
    uint32_t words[BITLOOM_MAX_PLANES];
    uint32_t *output;
    uint32_t plane_words;
    uint32_t planes;
    uint32_t bits; /* codes since the last store */
} packer;

/* Where the sums of a pixel go: scores, or codes. */
typedef struct {
    int32_t *scores;
    packer codes;
    int32_t shared; /* what all outputs of the group have in common */
} sink;

static uint32_t words_of(uint32_t channels) {
    return (channels + 31U) / 32U;
}

/* Inputs of an output, in fours. */
static uint32_t fours_of(const bitloom_conv_bytes *layer) {
    return ((uint32_t)layer->kernel_height * layer->kernel_width * layer->channels + 3U) / 4U;
}

static void copy_codes(const bitloom_conv_bytes *layer, const uint32_t *pixel, uint32_t first, int16_t *to) {
    const uint32_t plane_words = words_of((uint32_t)layer->channels * layer->groups);
    uint32_t c;
    for (c = first; c < first + layer->channels; c++) {
        const uint32_t *word = pixel + c / 32U;
        uint32_t code = 0U;
        uint32_t plane;
        for (plane = 0U; plane < layer->input_planes; plane++, word += plane_words) {
            code |= ((*word >> (c & 31U)) & 1U) << plane;
        }
        *to++ = (int16_t)(layer->input_scale * (int32_t)code + layer->input_offset);
    }
}

/* The values of one tap: the channels of a group of the pixel in column x. */
static void copy_tap(const bitloom_conv_bytes *layer, const void *row, uint32_t x, uint32_t group,
                     int16_t *to) {
    const uint32_t all_channels = (uint32_t)layer->channels * layer->groups;
    const uint32_t first = group * layer->channels;
    const uint32_t at = x * all_channels + first;
    const int32_t offset = layer->input_offset;
    uint32_t c;
    if (layer->input_type == BITLOOM_CONV_BYTES_U8) {
        const uint8_t *from = (const uint8_t *)row + at;
        for (c = 0U; c < layer->channels; c++) {
            to[c] = (int16_t)((int32_t)from[c] + offset);
        }
    } else if (layer->input_type == BITLOOM_CONV_BYTES_I8) {
        const int8_t *from = (const int8_t *)row + at;
        for (c = 0U; c < layer->channels; c++) {
            to[c] = (int16_t)((int32_t)from[c] + offset);
        }
    } else if (layer->input_type == BITLOOM_CONV_BYTES_I16) {
        const int16_t *from = (const int16_t *)row + at;
        for (c = 0U; c < layer->channels; c++) {
            to[c] = (int16_t)((int32_t)from[c] + offset);
        }
    } else {
        const uint32_t *from = (const uint32_t *)row + x * layer->input_planes * words_of(all_channels);
        copy_codes(layer, from, first, to);
    }
}

/* All values that an output pixel of a group reads, in the order of the weights. */
static void gather(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y, uint32_t x,
                   uint32_t group, int16_t *window) {
    int16_t *to = window;
    uint32_t ky, kx, c;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        /* Unsigned: what lies before the map is beyond its end too. */
        const uint32_t row = y * layer->stride_y + ky * layer->dilation_y - layer->pad_top;
        const void *pixels = row < layer->height ? bitloom_const_row(input, row) : NULL;
        uint32_t column = x * layer->stride_x - layer->pad_left;
        for (kx = 0U; kx < layer->kernel_width; kx++, column += layer->dilation_x) {
            if (pixels != NULL && column < layer->width) {
                copy_tap(layer, pixels, column, group, to);
            } else {
                for (c = 0U; c < layer->channels; c++) {
                    to[c] = layer->pad_value;
                }
            }
            to += layer->channels;
        }
    }
    while (to < window + 4U * fours_of(layer)) {
        *to++ = 0;
    }
}

static int32_t sum_of(const int16_t *values, uint32_t fours) {
    int32_t sum = 0;
    while (fours-- > 0U) {
        sum += (int32_t)values[0] + values[1] + values[2] + values[3];
        values += 4;
    }
    return sum;
}

/* Sums of products: two pixels by two outputs, sums[pixel][output]. */
#if BITLOOM_CONV_BYTES_SIMD
static inline uint32_t load_word(const void *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline uint32_t rotate_byte(uint32_t word) {
    return (word >> 8) | (word << 24);
}

static void multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0, const int8_t *w1, uint32_t fours,
                     int32_t sums[2][2]) {
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    while (fours-- > 0U) {
        const uint32_t v0 = load_word(w0), v1 = load_word(w1);
        const int16x2_t a0 = __sxtb16((int8x4_t)v0), b0 = __sxtb16((int8x4_t)rotate_byte(v0));
        const int16x2_t a1 = __sxtb16((int8x4_t)v1), b1 = __sxtb16((int8x4_t)rotate_byte(v1));
        const int16x2_t p = (int16x2_t)load_word(x0), q = (int16x2_t)load_word(x0 + 2);
        const int16x2_t r = (int16x2_t)load_word(x1), s = (int16x2_t)load_word(x1 + 2);
        s00 = __smlad(b0, q, __smlad(a0, p, s00));
        s01 = __smlad(b1, q, __smlad(a1, p, s01));
        s10 = __smlad(b0, s, __smlad(a0, r, s10));
        s11 = __smlad(b1, s, __smlad(a1, r, s11));
        x0 += 4;
        x1 += 4;
        w0 += 4;
        w1 += 4;
    }
    sums[0][0] = s00;
    sums[0][1] = s01;
    sums[1][0] = s10;
    sums[1][1] = s11;
}
#else
static inline int32_t multiply_four(const int16_t *x, const int8_t *w, int32_t sum) {
    return sum + x[0] * w[0] + x[1] * w[2] + x[2] * w[1] + x[3] * w[3];
}

static void multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0, const int8_t *w1, uint32_t fours,
                     int32_t sums[2][2]) {
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
    sums[0][0] = s00;
    sums[0][1] = s01;
    sums[1][0] = s10;
    sums[1][1] = s11;
}
#endif

static void store_codes(packer *p) {
    bitloom_store_codes(p->words, p->planes, p->bits, p->output, p->plane_words);
    p->output++;
    p->bits = 0U;
}

static void put(const bitloom_conv_bytes *layer, sink *to, uint32_t output, int32_t sum) {
    const int32_t score = layer->weight_scale * sum + to->shared;
    if (to->scores != NULL) {
        *to->scores++ = score;
    } else {
        const int32_t *thresholds = layer->thresholds + output * layer->levels;
        uint32_t code = 0U;
        uint32_t level;
        for (level = 0U; level < layer->levels; level++) {
            code += score >= thresholds[level] ? 1U : 0U;
        }
        bitloom_push_code(to->codes.words, to->codes.planes, code);
        to->codes.bits++;
        if (to->codes.bits == 32U) {
            store_codes(&to->codes);
        }
    }
}

static void finish(sink *to) {
    if (to->scores == NULL && to->codes.bits > 0U) {
        store_codes(&to->codes);
    }
}

/* One or two neighbouring output pixels. */
static void run_pixels(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                       uint32_t x, uint32_t pixels, int16_t *windows, sink sinks[2]) {
    const uint32_t fours = fours_of(layer);
    int16_t *second = pixels > 1U ? windows + 4U * fours : windows;
    uint32_t group, n, i;
    uint32_t output = 0U;
    for (group = 0U; group < layer->groups; group++) {
        for (i = 0U; i < pixels; i++) {
            int16_t *window = windows + i * 4U * fours;
            gather(layer, input, y, x + i, group, window);
            sinks[i].shared = layer->weight_offset != 0 ? layer->weight_offset * sum_of(window, fours) : 0;
        }
        for (n = 0U; n < layer->outputs; n += 2U) {
            const uint32_t outputs = layer->outputs - n > 1U ? 2U : 1U;
            const int8_t *weights = layer->weights + 4U * fours * output;
            int32_t sums[2][2];
            multiply(windows, second, weights, outputs > 1U ? weights + 4U * fours : weights, fours, sums);
            for (i = 0U; i < pixels; i++) {
                put(layer, &sinks[i], output, sums[i][0]);
                if (outputs > 1U) {
                    put(layer, &sinks[i], output + 1U, sums[i][1]);
                }
            }
            output += outputs;
        }
    }
    for (i = 0U; i < pixels; i++) {
        finish(&sinks[i]);
    }
}

void bitloom_conv_bytes_threshold(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = words_of((uint32_t)layer->outputs * layer->groups);
    uint32_t x, y, i;
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x += 2U) {
            const uint32_t pixels = layer->output_width - x > 1U ? 2U : 1U;
            sink sinks[2];
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
            sink sinks[2];
            memset(sinks, 0, sizeof sinks);
            sinks[0].scores = to;
            sinks[1].scores = to + outputs;
            run_pixels(layer, inputs, y, x, pixels, (int16_t *)scratch, sinks);
            to += 2U * outputs;
        }
    }
}
