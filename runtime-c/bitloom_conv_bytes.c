/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes.h"

#include <string.h>

#include "bitloom_codes.h"

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

static void store_codes(packer *p) {
    bitloom_store_codes(p->words, p->planes, p->bits, p->output, p->plane_words);
    p->output++;
    p->bits = 0U;
}

static uint32_t levels_reached(const int32_t *thresholds, uint32_t levels, int32_t score) {
    uint32_t code = 0U;
    uint32_t level;
    for (level = 0U; level < levels; level++) {
        code += score >= thresholds[level] ? 1U : 0U;
    }
    return code;
}

static void put_code(packer *p, uint32_t code) {
    if (p->planes == 1U) {
        p->words[0] = (p->words[0] >> 1) | code << 31;
    } else {
        bitloom_push_code(p->words, p->planes, code);
    }
    p->bits++;
    if (p->bits == 32U) {
        store_codes(p);
    }
}

static inline void put(const bitloom_conv_bytes *layer, sink *to, uint32_t output, int32_t sum) {
    const int32_t score = layer->weight_scale * sum + to->shared;
    if (to->scores != NULL) {
        *to->scores++ = score;
    } else if (layer->levels == 1U) {
        put_code(&to->codes, score >= layer->thresholds[output] ? 1U : 0U);
    } else {
        put_code(&to->codes,
                 levels_reached(layer->thresholds + output * layer->levels, layer->levels, score));
    }
}

static void finish(sink *to) {
    if (to->scores == NULL && to->codes.bits > 0U) {
        store_codes(&to->codes);
    }
}

/* A tap of a depthwise window: where its pixel is, from the base of the ring, and its place among the
 * weights. */
typedef struct {
    uint32_t offset;
    uint32_t weight;
} depthwise_tap;

/* Lists the taps inside the map, then those outside; returns the number of the former. */
static uint32_t list_taps(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                          uint32_t x, depthwise_tap *taps) {
    const uint32_t element = layer->input_type == BITLOOM_CONV_BYTES_I16 ? 2U : 1U;
    depthwise_tap *outside = taps + (uint32_t)layer->kernel_height * layer->kernel_width;
    uint32_t count = 0U;
    uint32_t tap = 0U;
    uint32_t ky, kx;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        const uint32_t row = y * layer->stride_y + ky * layer->dilation_y - layer->pad_top;
        const uint32_t start =
            row < layer->height ? bitloom_ring_offset(row, input->row_bytes, input->rows) : 0U;
        uint32_t column = x * layer->stride_x - layer->pad_left;
        for (kx = 0U; kx < layer->kernel_width; kx++, tap++, column += layer->dilation_x) {
            /* Of every four weights the second and third have changed places. */
            const uint32_t swap = (tap ^ (tap >> 1)) & 1U;
            const uint32_t weight = tap ^ (swap * 3U);
            if (row < layer->height && column < layer->width) {
                taps[count].offset = start + column * layer->groups * element;
                taps[count++].weight = weight;
            } else {
                (--outside)->weight = weight;
            }
        }
    }
    return count;
}

/* Products of the taps inside the map, whose elements lie from `channel` on. */
#define SUM_TAPS(TYPE)                                                                                       \
    do {                                                                                                     \
        sum += *(const TYPE *)(const void *)(channel + tap->offset) * weights[tap->weight];                  \
        tap++;                                                                                               \
    } while (tap != end)

static int32_t sum_taps(uint32_t type, const uint8_t *channel, const int8_t *weights,
                        const depthwise_tap *tap, const depthwise_tap *end) {
    int32_t sum = 0;
    if (tap == end) {
        return 0;
    }
    if (type == BITLOOM_CONV_BYTES_U8) {
        SUM_TAPS(uint8_t);
    } else if (type == BITLOOM_CONV_BYTES_I8) {
        SUM_TAPS(int8_t);
    } else {
        SUM_TAPS(int16_t);
    }
    return sum;
}

static int32_t sum_weights(const int8_t *weights, const depthwise_tap *tap, const depthwise_tap *end) {
    int32_t sum = 0;
    for (; tap != end; tap++) {
        sum += weights[tap->weight];
    }
    return sum;
}

/* The sum of the values, for weights with an offset: products with 1. */
static int32_t sum_values(const bitloom_conv_bytes *layer, const uint8_t *channel, const depthwise_tap *taps,
                          uint32_t inside, uint32_t all) {
    static const int8_t one = 1;
    int32_t sum = layer->input_offset * (int32_t)inside + layer->pad_value * (int32_t)(all - inside);
    uint32_t i;
    for (i = 0U; i < inside; i++) {
        depthwise_tap tap = taps[i];
        tap.weight = 0U;
        sum += sum_taps(layer->input_type, channel, &one, &tap, &tap + 1);
    }
    return sum;
}

/*
 * One input channel per group: an output has too few inputs to gather them. Sum w * (x + o) is sum w * x + o
 * * (sum w), with the padding in the place of x + o outside the map.
 */
static void run_depthwise(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                          uint32_t x, depthwise_tap *taps, sink *to) {
    const uint32_t all = (uint32_t)layer->kernel_height * layer->kernel_width;
    const uint32_t inside = list_taps(layer, input, y, x, taps);
    const uint32_t element = layer->input_type == BITLOOM_CONV_BYTES_I16 ? 2U : 1U;
    const uint32_t row = 4U * fours_of(layer);
    const int8_t *weights = layer->weights;
    const uint8_t *channel = (const uint8_t *)input->base;
    uint32_t output = 0U;
    uint32_t group, n;
    for (group = 0U; group < layer->groups; group++, channel += element) {
        to->shared = layer->weight_offset == 0
                         ? 0
                         : layer->weight_offset * sum_values(layer, channel, taps, inside, all);
        for (n = 0U; n < layer->outputs; n++, weights += row) {
            int32_t sum = sum_taps(layer->input_type, channel, weights, taps, taps + inside);
            if (layer->input_offset != 0) {
                sum += layer->input_offset * sum_weights(weights, taps, taps + inside);
            }
            if (layer->pad_value != 0) {
                sum += layer->pad_value * sum_weights(weights, taps + inside, taps + all);
            }
            put(layer, to, output++, sum);
        }
    }
    finish(to);
}

static int is_depthwise(const bitloom_conv_bytes *layer) {
    return layer->channels == 1U && layer->groups > 1U && layer->input_type != BITLOOM_CONV_BYTES_CODES;
}

/* One or two neighbouring output pixels. */
static void run_pixels(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                       uint32_t x, uint32_t pixels, int16_t *windows, sink sinks[2]) {
    const uint32_t fours = fours_of(layer);
    uint32_t group, n, i;
    uint32_t output = 0U;
    if (is_depthwise(layer)) {
        for (i = 0U; i < pixels; i++) {
            run_depthwise(layer, input, y, x + i, (depthwise_tap *)(void *)windows, &sinks[i]);
        }
        return;
    }
    for (group = 0U; group < layer->groups; group++) {
        for (i = 0U; i < pixels; i++) {
            int16_t *window = windows + i * 4U * fours;
            gather(layer, input, y, x + i, group, window);
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
                put(layer, &sinks[i], output, sums[2U * i]);
                if (outputs > 1U) {
                    put(layer, &sinks[i], output + 1U, sums[2U * i + 1U]);
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
