/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_dense_b1.h"

#include "bitloom_codes.h"
#include "bitloom_popcount.h"

static void threshold_pixel(const bitloom_dense_b1 *layer, const uint32_t *input, uint32_t *output) {
    const uint32_t *weights = layer->weights;
    const int16_t *limits = layer->limits;
    uint32_t first;
    for (first = 0U; first < layer->outputs; first += 32U) {
        const uint32_t bits = bitloom_bits_from(first, layer->outputs);
        uint32_t word = 0U;
        uint32_t i;
        for (i = 0U; i < bits; i++) {
            const int32_t differing = (int32_t)bitloom_count_different(input, weights, layer->words);
            /* The sign of (differing - limit - 1) is the output bit: it enters at the top and moves down. */
            word = (word >> 1) | ((uint32_t)(differing - limits[i] - 1) & 0x80000000U);
            weights += layer->words;
        }
        *output++ = word >> (32U - bits);
        limits += bits;
    }
}

static void score_pixel(const bitloom_dense_b1 *layer, const uint32_t *input, int32_t *output) {
    const uint32_t *weights = layer->weights;
    uint32_t n;
    for (n = 0U; n < layer->outputs; n++) {
        const int32_t differing = (int32_t)bitloom_count_different(input, weights, layer->words);
        output[n] = (int32_t)layer->inputs - 2 * differing;
        weights += layer->words;
    }
}

void bitloom_dense_b1_threshold(const bitloom_dense_b1 *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    const uint32_t output_words = ((uint32_t)layer->outputs + 31U) / 32U;
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            threshold_pixel(layer, from, to);
            from += layer->words;
            to += output_words;
        }
    }
}

void bitloom_dense_b1_scores(const bitloom_dense_b1 *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        int32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            score_pixel(layer, from, to);
            from += layer->words;
            to += layer->outputs;
        }
    }
}
