/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_dense_planes.h"

#include "bitloom_codes.h"
#include "bitloom_popcount.h"

/* sum_scale * (sum of the input codes): the part of a score that all outputs share. */
static int32_t shared_part(const bitloom_dense_planes *layer, const uint32_t *input) {
    uint32_t sum = 0U;
    uint32_t plane;
    if (layer->sum_scale == 0) {
        return 0;
    }
    for (plane = 0U; plane < layer->input_planes; plane++) {
        sum += bitloom_count_common(input, input, layer->words) << plane;
        input += layer->words;
    }
    return layer->sum_scale * (int32_t)sum;
}

/* product_scale * (sum of products of codes) for one output. */
static int32_t product_part(const bitloom_dense_planes *layer, const uint32_t *input,
                            const uint32_t *weights) {
    uint32_t sum = 0U;
    uint32_t i, j;
    for (j = 0U; j < layer->weight_planes; j++) {
        const uint32_t *plane = input;
        for (i = 0U; i < layer->input_planes; i++) {
            sum += bitloom_count_common(plane, weights, layer->words) << (i + j);
            plane += layer->words;
        }
        weights += layer->words;
    }
    return layer->product_scale * (int32_t)sum;
}

static uint32_t levels_reached(const int32_t *thresholds, uint32_t levels, int32_t score) {
    uint32_t code = 0U;
    uint32_t level;
    for (level = 0U; level < levels; level++) {
        code += score >= thresholds[level] ? 1U : 0U;
    }
    return code;
}

static void threshold_pixel(const bitloom_dense_planes *layer, const uint32_t *input, uint32_t *output) {
    const uint32_t weight_words = (uint32_t)layer->weight_planes * layer->words;
    const uint32_t output_words = ((uint32_t)layer->outputs + 31U) / 32U;
    const uint32_t *weights = layer->weights;
    const int32_t *thresholds = layer->thresholds;
    const int32_t shared = shared_part(layer, input);
    uint32_t first;
    for (first = 0U; first < layer->outputs; first += 32U) {
        const uint32_t bits = bitloom_bits_from(first, layer->outputs);
        uint32_t words[BITLOOM_MAX_PLANES] = {0U};
        uint32_t i;
        for (i = 0U; i < bits; i++) {
            const int32_t score = shared + product_part(layer, input, weights);
            bitloom_push_code(words, layer->output_planes, levels_reached(thresholds, layer->levels, score));
            weights += weight_words;
            thresholds += layer->levels;
        }
        bitloom_store_codes(words, layer->output_planes, bits, output, output_words);
        output++;
    }
}

static void score_pixel(const bitloom_dense_planes *layer, const uint32_t *input, int32_t *output) {
    const uint32_t weight_words = (uint32_t)layer->weight_planes * layer->words;
    const uint32_t *weights = layer->weights;
    const int32_t shared = shared_part(layer, input);
    uint32_t n;
    for (n = 0U; n < layer->outputs; n++) {
        output[n] = shared + product_part(layer, input, weights) + layer->bias[n];
        weights += weight_words;
    }
}

void bitloom_dense_planes_threshold(const bitloom_dense_planes *layer, const bitloom_const_ring *inputs,
                                    const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    const uint32_t input_words = (uint32_t)layer->input_planes * layer->words;
    const uint32_t output_words = (uint32_t)layer->output_planes * (((uint32_t)layer->outputs + 31U) / 32U);
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            threshold_pixel(layer, from, to);
            from += input_words;
            to += output_words;
        }
    }
}

void bitloom_dense_planes_scores(const bitloom_dense_planes *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    const uint32_t input_words = (uint32_t)layer->input_planes * layer->words;
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        int32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            score_pixel(layer, from, to);
            from += input_words;
            to += layer->outputs;
        }
    }
}
