/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_general.h"

#include "bitloom_codes.h"
#include "bitloom_gather_bits.h"
#include "bitloom_popcount.h"

/* The taps of one output pixel for one group, and what all outputs of the group share. */
typedef struct {
    const uint32_t *planes;  /* [input_planes][words] */
    const uint32_t *outside; /* [words], 1 = outside the map; null if nothing there needs a product */
    uint32_t shared;         /* sum_scale * A + pad_offset * O, modulo 2^32 like all sums here */
} patch;

/* For what happens once per pixel or seldom: inlined only where every output needs it, to save flash. */
static BITLOOM_NOINLINE uint32_t count_common(const uint32_t *a, const uint32_t *b, uint32_t words) {
    return bitloom_count_common(a, b, words);
}

static uint32_t sum_of_codes(const bitloom_conv_general *layer, const uint32_t *planes) {
    uint32_t sum = 0U;
    uint32_t plane;
    for (plane = 0U; plane < layer->input_planes; plane++) {
        sum += count_common(planes, planes, layer->words) << plane;
        planes += layer->words;
    }
    return sum;
}

static patch gather(const bitloom_conv_general *layer, const bitloom_row_taps *from, uint32_t x,
                    uint32_t group, uint32_t *scratch) {
    const bitloom_taps columns = bitloom_columns_inside(&layer->window, x);
    const uint32_t outside = bitloom_count_outside(&layer->window, &from->rows, &columns);
    bitloom_plane_taps pixel;
    patch taps;
    uint32_t plane;
    pixel.pixel_words = (uint32_t)layer->input_planes * layer->input_words;
    pixel.first_channel = group * layer->group_inputs;
    pixel.bits = layer->group_inputs;
    for (plane = 0U; plane < layer->input_planes; plane++) {
        pixel.first_word = plane * layer->input_words;
        bitloom_gather_bits(&layer->window, from, &columns, &pixel, 0U, scratch + plane * layer->words);
    }
    taps.planes = scratch;
    taps.outside = NULL;
    taps.shared = 0U;
    if (layer->sum_scale != 0) {
        taps.shared = (uint32_t)layer->sum_scale * sum_of_codes(layer, taps.planes);
    }
    if (outside > 0U && (layer->pad_scale != 0 || layer->pad_offset != 0)) {
        uint32_t *marks = scratch + (uint32_t)layer->input_planes * layer->words;
        bitloom_mark_outside(&layer->window, &from->rows, &columns, layer->group_inputs, marks);
        taps.outside = marks;
        taps.shared += (uint32_t)layer->pad_offset * outside * layer->group_inputs;
    }
    return taps;
}

static patch take_pixel(const bitloom_conv_general *layer, const bitloom_row_taps *from, uint32_t x) {
    const uint32_t *row = bitloom_const_row(from->input, bitloom_tap_at(&from->rows, 0U, 1U));
    patch taps;
    taps.planes = row + x * layer->window.stride_x * layer->input_planes * layer->input_words;
    taps.outside = NULL;
    taps.shared = layer->sum_scale == 0 ? 0U : (uint32_t)layer->sum_scale * sum_of_codes(layer, taps.planes);
    return taps;
}

/* The part of an output's sum that its weights decide. */
static uint32_t weighted_part(const bitloom_conv_general *layer, const patch *taps, const uint32_t *weights) {
    uint32_t products = 0U;
    uint32_t border = 0U;
    uint32_t i, j;
    for (j = 0U; j < layer->weight_planes; j++) {
        const uint32_t *plane = taps->planes;
        for (i = 0U; i < layer->input_planes; i++) {
            products += count_common(plane, weights, layer->words) << (i + j);
            plane += layer->words;
        }
        if (taps->outside != NULL) {
            border += count_common(taps->outside, weights, layer->words) << j;
        }
        weights += layer->words;
    }
    return (uint32_t)layer->product_scale * products + (uint32_t)layer->pad_scale * border;
}

/* The same for one plane of inputs and one of weights. */
static inline uint32_t weighted_bits(const bitloom_conv_general *layer, const patch *taps,
                                     const uint32_t *weights) {
    uint32_t sum = (uint32_t)layer->product_scale * bitloom_count_common(taps->planes, weights, layer->words);
    if (taps->outside != NULL) {
        sum += (uint32_t)layer->pad_scale * count_common(taps->outside, weights, layer->words);
    }
    return sum;
}

static uint32_t levels_reached(const int32_t *thresholds, uint32_t levels, int32_t sum) {
    uint32_t code = 0U;
    uint32_t level;
    for (level = 0U; level < levels; level++) {
        code += sum >= thresholds[level] ? 1U : 0U;
    }
    return code;
}

/* Codes of a pixel's output channels, which run on from one group to the next. */
typedef struct {
    uint32_t words[BITLOOM_MAX_PLANES];
    uint32_t *output;
    uint32_t plane_words;
    uint32_t bits;
} code_packer;

static void store_codes(const bitloom_conv_general *layer, code_packer *to) {
    bitloom_store_codes(to->words, layer->output_planes, to->bits, to->output, to->plane_words);
    to->output++;
    to->bits = 0U;
}

static void threshold_group(const bitloom_conv_general *layer, const patch *taps, uint32_t group,
                            code_packer *to) {
    const uint32_t first = group * layer->group_outputs;
    const uint32_t weight_words = (uint32_t)layer->weight_planes * layer->words;
    const uint32_t *weights = layer->weights + first * weight_words;
    const int32_t *thresholds = layer->thresholds + first * layer->levels;
    uint32_t n;
    for (n = 0U; n < layer->group_outputs; n++) {
        const int32_t sum = (int32_t)(taps->shared + weighted_part(layer, taps, weights));
        bitloom_push_code(to->words, layer->output_planes, levels_reached(thresholds, layer->levels, sum));
        if (++to->bits == 32U) {
            store_codes(layer, to);
        }
        weights += weight_words;
        thresholds += layer->levels;
    }
}

/* One bit of everything: no loops over planes and levels. */
static void threshold_bits(const bitloom_conv_general *layer, const patch *taps, uint32_t group,
                           code_packer *to) {
    const uint32_t first = group * layer->group_outputs;
    const uint32_t *weights = layer->weights + first * layer->words;
    const int32_t *thresholds = layer->thresholds + first;
    uint32_t n;
    for (n = 0U; n < layer->group_outputs; n++) {
        const int32_t sum = (int32_t)(taps->shared + weighted_bits(layer, taps, weights));
        to->words[0] = (to->words[0] >> 1) | (sum >= *thresholds++ ? 0x80000000U : 0U);
        if (++to->bits == 32U) {
            store_codes(layer, to);
        }
        weights += layer->words;
    }
}

static void sum_group(const bitloom_conv_general *layer, const patch *taps, uint32_t group, int32_t *output) {
    const uint32_t first = group * layer->group_outputs;
    const uint32_t weight_words = (uint32_t)layer->weight_planes * layer->words;
    const uint32_t *weights = layer->weights + first * weight_words;
    const int32_t *bias = layer->bias + first;
    const int is_binary = layer->input_planes == 1U && layer->weight_planes == 1U;
    uint32_t n;
    for (n = 0U; n < layer->group_outputs; n++) {
        const uint32_t part =
            is_binary ? weighted_bits(layer, taps, weights) : weighted_part(layer, taps, weights);
        output[n] = (int32_t)(taps->shared + part + (uint32_t)bias[n]);
        weights += weight_words;
    }
}

static patch patch_of(const bitloom_conv_general *layer, const bitloom_row_taps *from, uint32_t x,
                      uint32_t group, uint32_t *scratch) {
    return layer->gathers != 0U ? gather(layer, from, x, group, scratch) : take_pixel(layer, from, x);
}

void bitloom_conv_general_threshold(const bitloom_conv_general *layer, const bitloom_const_ring *inputs,
                                    const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t outputs = (uint32_t)layer->groups * layer->group_outputs;
    const uint32_t plane_words = (outputs + 31U) / 32U;
    const int is_binary = layer->input_planes == 1U && layer->weight_planes == 1U && layer->levels == 1U &&
                          layer->output_planes == 1U;
    uint32_t group, x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_row_taps from = {inputs, bitloom_rows_inside(&layer->window, y)};
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            code_packer packer = {{0U}, NULL, 0U, 0U};
            packer.output = to;
            packer.plane_words = plane_words;
            for (group = 0U; group < layer->groups; group++) {
                const patch taps = patch_of(layer, &from, x, group, scratch);
                if (is_binary) {
                    threshold_bits(layer, &taps, group, &packer);
                } else {
                    threshold_group(layer, &taps, group, &packer);
                }
            }
            if (packer.bits > 0U) {
                store_codes(layer, &packer);
            }
            to += layer->output_planes * plane_words;
        }
    }
}

void bitloom_conv_general_sums(const bitloom_conv_general *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t group, x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_row_taps from = {inputs, bitloom_rows_inside(&layer->window, y)};
        int32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            for (group = 0U; group < layer->groups; group++) {
                const patch taps = patch_of(layer, &from, x, group, scratch);
                sum_group(layer, &taps, group, to);
                to += layer->group_outputs;
            }
        }
    }
}
