/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_signs.h"

#include <string.h>

#include "bitloom_float.h"

/* Copies the taps of a pixel and group; those outside the map become 0, which changes no sum. */
static void gather(const bitloom_conv_signs *layer, const bitloom_const_ring *input, const bitloom_taps *rows,
                   const bitloom_taps *columns, uint32_t first, float *taps) {
    const bitloom_window *window = &layer->window;
    const uint32_t channels = layer->groups * layer->group_inputs;
    const size_t bytes = layer->group_inputs * sizeof *taps;
    uint32_t kx, ky;
    for (ky = 0U; ky < window->kernel_height; ky++) {
        const float *row = NULL;
        if (ky >= rows->first && ky < rows->end) {
            row = bitloom_const_row(input, bitloom_tap_at(rows, ky, window->dilation_y));
        }
        for (kx = 0U; kx < window->kernel_width; kx++) {
            if (row != NULL && kx >= columns->first && kx < columns->end) {
                const uint32_t x = bitloom_tap_at(columns, kx, window->dilation_x);
                memcpy(taps, row + x * channels + first, bytes);
            } else {
                memset(taps, 0, bytes);
            }
            taps += layer->group_inputs;
        }
    }
}

/* One output's sum of up to 32 taps; those that are not used are left out: their products are 0. */
static float add_taps(float sum, const float *taps, uint32_t count, uint32_t negative, uint32_t used,
                        float magnitude) {
    uint32_t i;
    for (i = 0U; i < count; i++) {
        if ((used & 1U) != 0U) {
            const float product = bitloom_rounded(taps[i] * magnitude);
            sum = bitloom_rounded((negative & 1U) != 0U ? sum - product : sum + product);
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

static float sum_of(const bitloom_conv_signs *layer, const float *taps, uint32_t count, uint32_t output) {
    const uint32_t first = output * layer->words;
    float sum = 0.0f;
    uint32_t word;
    for (word = first; count > 0U; word++) {
        const uint32_t some = count < 32U ? count : 32U;
        const uint32_t negative = layer->negative[word];
        const uint32_t used = layer->used == NULL ? 0xffffffffU : layer->used[word];
        if (layer->per_output != 0U) {
            sum = add_taps(sum, taps, some, negative, used, layer->magnitudes[output]);
        } else {
            sum = add_products(sum, taps, some, negative, used);
        }
        taps += some;
        count -= some;
    }
    return sum;
}

void bitloom_conv_signs_f32(const bitloom_conv_signs *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t count =
        (uint32_t)layer->window.kernel_height * layer->window.kernel_width * layer->group_inputs;
    float *taps = scratch;
    uint32_t group, k, n, x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_taps rows = bitloom_rows_inside(&layer->window, y);
        float *to = bitloom_row(output, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            const bitloom_taps columns = bitloom_columns_inside(&layer->window, x);
            uint32_t of = 0U;
            for (group = 0U; group < layer->groups; group++) {
                gather(layer, inputs, &rows, &columns, group * layer->group_inputs, taps);
                if (layer->per_output == 0U) {
                    /* Products are the same for all outputs. */
                    for (k = 0U; k < count; k++) {
                        taps[k] = bitloom_rounded(taps[k] * layer->magnitudes[0]);
                    }
                }
                for (n = 0U; n < layer->group_outputs; n++) {
                    *to++ = sum_of(layer, taps, count, of++);
                }
            }
        }
    }
}
