/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_signs.h"

#include <string.h>

#include "bitloom_float.h"

/* The taps of a pixel and group in rows of the kernel that lie inside the map. */
typedef struct {
    float *values;
    uint32_t first;
    uint32_t end;
} tap_range;

/* Copies them; those left and right of the map become 0, which changes no sum. */
static void gather(const bitloom_conv_signs *layer, const bitloom_const_ring *input, const bitloom_taps *rows,
                   const bitloom_taps *columns, uint32_t channel, const tap_range *taps) {
    const bitloom_window *window = &layer->window;
    const uint32_t channels = layer->groups * layer->group_inputs;
    const size_t bytes = layer->group_inputs * sizeof *taps->values;
    float *to = taps->values + taps->first;
    uint32_t kx, ky;
    for (ky = rows->first; ky < rows->end; ky++) {
        const float *row = bitloom_const_row(input, bitloom_tap_at(rows, ky, window->dilation_y));
        for (kx = 0U; kx < window->kernel_width; kx++) {
            if (kx >= columns->first && kx < columns->end) {
                const uint32_t x = bitloom_tap_at(columns, kx, window->dilation_x);
                memcpy(to, row + x * channels + channel, bytes);
            } else {
                memset(to, 0, bytes);
            }
            to += layer->group_inputs;
        }
    }
}

/* The magnitude with a bit's sign, as the weight that it stands for: two operations on integers. */
static inline float weight_of(uint32_t magnitude, uint32_t negative) {
    const uint32_t bits = magnitude ^ (negative << 31);
    float weight;
    memcpy(&weight, &bits, sizeof weight);
    return weight;
}

/* One output's sum of up to 32 taps; those that are not used are left out: their products are 0. */
static float add_taps(float sum, const float *taps, uint32_t count, uint32_t negative, uint32_t used,
                      uint32_t magnitude) {
    uint32_t i;
    if (used == 0xffffffffU) {
        for (i = 0U; i < count; i++) {
            sum = bitloom_rounded(sum + bitloom_rounded(taps[i] * weight_of(magnitude, negative)));
            negative >>= 1;
        }
        return sum;
    }
    for (i = 0U; i < count; i++) {
        if ((used & 1U) != 0U) {
            sum = bitloom_rounded(sum + bitloom_rounded(taps[i] * weight_of(magnitude, negative)));
        }
        negative >>= 1;
        used >>= 1;
    }
    return sum;
}

/* The same of taps that are products already. */
static float add_products(float sum, const float *products, uint32_t count, uint32_t negative,
                          uint32_t used) {
    uint32_t i;
    for (i = 0U; i < count; i++) {
        if ((used & 1U) != 0U) {
            sum = bitloom_rounded((negative & 1U) != 0U ? sum - products[i] : sum + products[i]);
        }
        negative >>= 1;
        used >>= 1;
    }
    return sum;
}

static float sum_of(const bitloom_conv_signs *layer, const tap_range *taps, uint32_t output) {
    const uint32_t *negatives = layer->negative + output * layer->words;
    const uint32_t *useds = layer->used == NULL ? NULL : layer->used + output * layer->words;
    uint32_t k = taps->first;
    uint32_t magnitude;
    float sum = 0.0f;
    memcpy(&magnitude, layer->magnitudes + (layer->per_output == 0U ? 0U : output), sizeof magnitude);
    while (k < taps->end) {
        const uint32_t shift = k & 31U;
        const uint32_t left = taps->end - k;
        const uint32_t count = left < 32U - shift ? left : 32U - shift;
        const uint32_t negative = negatives[k >> 5] >> shift;
        const uint32_t used = useds == NULL ? 0xffffffffU : useds[k >> 5] >> shift;
        if (layer->per_output != 0U) {
            sum = add_taps(sum, taps->values + k, count, negative, used, magnitude);
        } else {
            sum = add_products(sum, taps->values + k, count, negative, used);
        }
        k += count;
    }
    return sum;
}

void bitloom_conv_signs_f32(const bitloom_conv_signs *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t row_taps = layer->window.kernel_width * layer->group_inputs;
    tap_range taps;
    uint32_t group, k, n, x, y;
    taps.values = scratch;
    for (y = y0; y < y1; y++) {
        const bitloom_taps rows = bitloom_rows_inside(&layer->window, y);
        float *to = bitloom_row(output, y);
        taps.first = rows.first * row_taps;
        taps.end = rows.end * row_taps;
        for (x = 0U; x < layer->window.output_width; x++) {
            const bitloom_taps columns = bitloom_columns_inside(&layer->window, x);
            uint32_t of = 0U;
            for (group = 0U; group < layer->groups; group++) {
                gather(layer, inputs, &rows, &columns, group * layer->group_inputs, &taps);
                if (layer->per_output == 0U) {
                    /* Products are the same for all outputs. */
                    for (k = taps.first; k < taps.end; k++) {
                        taps.values[k] = bitloom_rounded(taps.values[k] * layer->magnitudes[0]);
                    }
                }
                for (n = 0U; n < layer->group_outputs; n++) {
                    *to++ = sum_of(layer, &taps, of++);
                }
            }
        }
    }
}
