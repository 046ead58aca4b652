/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bases_pixels.h"
#include "bitloom_popcount.h"

/* The part of a dot product that all planes share: o * step * sum of the codes inside the map. */
static uint32_t base_of(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps,
                        const uint32_t *weights, uint32_t output, uint32_t m) {
    uint32_t base = 0U;
    if (layer->bias != NULL) {
        base = (uint32_t)layer->bias[output * layer->bases + m];
    }
    if (taps->left_out > 0U) {
        const uint32_t scale = (uint32_t)layer->plane_offset * (uint32_t)layer->steps[m];
        uint32_t j;
        for (j = 0U; j < layer->weight_planes; j++) {
            base -=
                scale * (bitloom_bases_common(taps->outside, weights + j * layer->words, layer->words) << j);
        }
    }
    return base;
}

/* Dot products of all planes and bases. */
static void multiply(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps, uint32_t output) {
    const uint32_t basis_words = (uint32_t)layer->weight_planes * layer->words;
    const uint32_t *weights = layer->weights + output * layer->bases * basis_words;
    const uint32_t *shared = taps->shared;
    int32_t *dots = taps->dots;
    uint32_t j, l, m;
    for (m = 0U; m < layer->bases; m++) {
        const uint32_t base = base_of(layer, taps, weights, output, m);
        const uint32_t scale = (uint32_t)layer->plane_step * (uint32_t)layer->steps[m];
        const uint32_t *plane = taps->planes;
        for (l = 0U; l < layer->planes; l++) {
            const uint32_t *row = weights;
            uint32_t sum = 0U;
            for (j = 0U; j < layer->weight_planes; j++) {
                sum += bitloom_count_common(plane, row, layer->words) << j;
                row += layer->words;
            }
            plane += layer->words;
            *dots++ = (int32_t)(scale * sum + base + *shared++);
        }
        weights += basis_words;
    }
}

/* All outputs of a group of the pixel that has been gathered. */
static void sum_group(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps, uint32_t group,
                      bitloom_bases_results *to) {
    const uint32_t first = group * layer->group_outputs;
    uint32_t n;
    for (n = first; n < first + layer->group_outputs; n++) {
        multiply(layer, taps, n);
        bitloom_bases_put(layer, taps, n, to);
    }
}

#define ITSELF(LAYER) (LAYER)

BITLOOM_BASES_FORM(bitloom_conv_bases, bitloom_conv_bases, ITSELF, sum_group)
