/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bases.h"

#include "bitloom_codes.h"
#include "bitloom_float.h"
#include "bitloom_gather_bits.h"
#include "bitloom_popcount.h"

/* Rows of bits of one pixel and group, and what all its outputs share. */
typedef struct {
    uint32_t *planes;  /* [planes][words] */
    uint32_t *outside; /* [words] */
    uint32_t *shared;  /* [bases][planes], the most significant plane first; sums are modulo 2^32 */
    uint32_t left_out; /* taps, channels counted; 0 where `outside` is not needed */
} patch;

static BITLOOM_NOINLINE uint32_t count_common(const uint32_t *a, const uint32_t *b, uint32_t words) {
    return bitloom_count_common(a, b, words);
}

static inline uint32_t count_three(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t high;
    bitloom_add(&high, &a, b, c);
    return bitloom_count(a) + 2U * bitloom_count(high);
}

/*
 * Counts two rows of bits against one row of weights, each word of which is loaded once: groups of three
 * words are added by bit position, so that two words of three are counted.
 */
static void count_two(const uint32_t *a, const uint32_t *b, const uint32_t *weights, uint32_t words,
                      uint32_t *counts) {
    uint32_t first = 0U, second = 0U;
    while (words >= 3U) {
        const uint32_t w0 = weights[0], w1 = weights[1], w2 = weights[2];
        first += count_three(a[0] & w0, a[1] & w1, a[2] & w2);
        second += count_three(b[0] & w0, b[1] & w1, b[2] & w2);
        a += 3;
        b += 3;
        weights += 3;
        words -= 3U;
    }
    for (; words > 0U; words--) {
        const uint32_t w = *weights++;
        first += bitloom_count(*a++ & w);
        second += bitloom_count(*b++ & w);
    }
    counts[0] = first;
    counts[1] = second;
}

/* Sums of what only the weights of one output and basis decide: D of every plane, the most significant first.
 */
static void count_planes(const bitloom_conv_bases *layer, const uint32_t *planes, const uint32_t *weights,
                         uint32_t *sums) {
    const uint32_t words = layer->words;
    uint32_t j, l;
    for (l = 0U; l < layer->planes; l++) {
        sums[l] = 0U;
    }
    for (j = 0U; j < layer->weight_planes; j++) {
        const uint32_t *row = planes;
        uint32_t left = layer->planes;
        for (; left >= 2U; left -= 2U) {
            uint32_t counts[2];
            count_two(row, row + words, weights, words, counts);
            sums[left - 1U] += counts[0] << j;
            sums[left - 2U] += counts[1] << j;
            row += 2U * words;
        }
        if (left == 1U) {
            sums[0] += count_common(row, weights, words) << j;
        }
        weights += words;
    }
}

static void gather(const bitloom_conv_bases *layer, const bitloom_row_taps *from, uint32_t x, uint32_t group,
                   patch *taps) {
    const bitloom_taps columns = bitloom_columns_inside(&layer->window, x);
    const uint32_t outside = bitloom_count_outside(&layer->window, &from->rows, &columns);
    bitloom_plane_taps pixel;
    uint32_t l, m, plane;
    pixel.pixel_words = (uint32_t)layer->planes * layer->input_words;
    pixel.first_channel = group * layer->group_inputs;
    pixel.bits = layer->group_inputs;
    for (plane = 0U; plane < layer->planes; plane++) {
        pixel.first_word = plane * layer->input_words;
        bitloom_gather_bits(&layer->window, from, &columns, &pixel, ((uint32_t)layer->pad_code >> plane) & 1U,
                            taps->planes + plane * layer->words);
    }
    taps->left_out = 0U;
    if (outside > 0U && layer->leaves_out != 0U && layer->plane_offset != 0) {
        taps->left_out = outside * layer->group_inputs;
        bitloom_mark_outside(&layer->window, &from->rows, &columns, layer->group_inputs, taps->outside);
    }
    for (l = 0U; l < layer->planes; l++) {
        const uint32_t *row = taps->planes + (layer->planes - 1U - l) * layer->words;
        const uint32_t set = count_common(row, row, layer->words);
        for (m = 0U; m < layer->bases; m++) {
            taps->shared[m * layer->planes + l] =
                (uint32_t)layer->offsets[m] *
                ((uint32_t)layer->plane_step * set - (uint32_t)layer->plane_offset * taps->left_out);
        }
    }
}

/* The part of a dot product that all planes share: offset * sum of the weights inside the map. */
static uint32_t base_of(const bitloom_conv_bases *layer, const patch *taps, const uint32_t *weights,
                        uint32_t output, uint32_t m) {
    uint32_t base = 0U;
    if (layer->bias != NULL) {
        base = (uint32_t)layer->bias[output * layer->bases + m];
    }
    if (taps->left_out > 0U) {
        const uint32_t scale = (uint32_t)layer->plane_offset * (uint32_t)layer->steps[m];
        uint32_t j;
        for (j = 0U; j < layer->weight_planes; j++) {
            base -= scale * (count_common(taps->outside, weights + j * layer->words, layer->words) << j);
        }
    }
    return base;
}

static float sum_of(const bitloom_conv_bases *layer, const patch *taps, uint32_t output) {
    const uint32_t basis_words = (uint32_t)layer->weight_planes * layer->words;
    const uint32_t *weights = layer->weights + output * layer->bases * basis_words;
    const float *coefficients = layer->coefficients + output * layer->bases * layer->planes;
    const uint32_t *shared = taps->shared;
    float acc = 0.0f;
    uint32_t l, m;
    for (m = 0U; m < layer->bases; m++) {
        const uint32_t base = base_of(layer, taps, weights, output, m);
        const uint32_t scale = (uint32_t)layer->plane_step * (uint32_t)layer->steps[m];
        uint32_t sums[BITLOOM_MAX_PLANES];
        count_planes(layer, taps->planes, weights, sums);
        for (l = 0U; l < layer->planes; l++) {
            const int32_t dot = (int32_t)(scale * sums[l] + base + *shared++);
            acc = bitloom_rounded(acc + bitloom_rounded(bitloom_rounded((float)dot) * *coefficients++));
        }
        weights += basis_words;
    }
    return acc;
}

/* All outputs of one pixel. */
static void sum_pixel(const bitloom_conv_bases *layer, const bitloom_row_taps *from, uint32_t x,
                      void *scratch, float *to) {
    uint32_t group, n, output = 0U;
    patch taps;
    taps.planes = scratch;
    taps.outside = taps.planes + (uint32_t)layer->planes * layer->words;
    taps.shared = taps.outside + layer->words;
    for (group = 0U; group < layer->groups; group++) {
        gather(layer, from, x, group, &taps);
        for (n = 0U; n < layer->group_outputs; n++) {
            *to++ = sum_of(layer, &taps, output++);
        }
    }
}

void bitloom_conv_bases_sums(const bitloom_conv_bases *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_row_taps from = {inputs, bitloom_rows_inside(&layer->window, y)};
        float *to = bitloom_row(output, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            sum_pixel(layer, &from, x, scratch, to);
            to += layer->groups * layer->group_outputs;
        }
    }
}

void bitloom_conv_bases_threshold(const bitloom_conv_bases *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->thresholds.channels + 31U) / 32U;
    float *sums = scratch;
    void *rows = (uint8_t *)scratch + 4U * layer->thresholds.channels;
    const bitloom_const_ring from_sums = {sums, 0U, 1U};
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_row_taps from = {inputs, bitloom_rows_inside(&layer->window, y)};
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            const bitloom_ring pixel = {to, 0U, 1U};
            sum_pixel(layer, &from, x, rows, sums);
            (void)bitloom_threshold_f32(&layer->thresholds, &from_sums, &pixel, NULL, 0U, 1U);
            to += layer->thresholds.planes * plane_words;
        }
    }
}
