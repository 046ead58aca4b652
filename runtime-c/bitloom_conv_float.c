/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_float.h"

#include "bitloom_float.h"

/* sum + a[0] * b[0] + a[1] * b[1] + ..., rounded after every operation. */
static float add_products(float sum, const float *a, const float *b, uint32_t count) {
    uint32_t i;
    for (i = 0U; i < count; i++) {
        sum = bitloom_rounded(sum + bitloom_rounded(a[i] * b[i]));
    }
    return sum;
}

/* One output: `first` is the first input channel of its group. */
static float sum_of_taps(const bitloom_conv_float *layer, const bitloom_const_ring *input,
                         const bitloom_taps *rows, const bitloom_taps *columns, uint32_t first,
                         const float *weights) {
    const bitloom_window *window = &layer->window;
    const uint32_t channels = layer->groups * layer->group_inputs;
    float sum = 0.0f;
    uint32_t kx, ky;
    for (ky = rows->first; ky < rows->end; ky++) {
        const float *row = bitloom_const_row(input, bitloom_tap_at(rows, ky, window->dilation_y));
        for (kx = columns->first; kx < columns->end; kx++) {
            const uint32_t x = bitloom_tap_at(columns, kx, window->dilation_x);
            const uint32_t tap = ky * window->kernel_width + kx;
            sum = add_products(sum, row + x * channels + first, weights + tap * layer->group_inputs,
                               layer->group_inputs);
        }
    }
    return sum;
}

void bitloom_conv_float_f32(const bitloom_conv_float *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_window *window = &layer->window;
    const uint32_t taps = (uint32_t)window->kernel_height * window->kernel_width * layer->group_inputs;
    uint32_t group, n, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const bitloom_taps rows = bitloom_rows_inside(window, y);
        float *to = bitloom_row(output, y);
        for (x = 0U; x < window->output_width; x++) {
            const bitloom_taps columns = bitloom_columns_inside(window, x);
            const float *weights = layer->weights;
            for (group = 0U; group < layer->groups; group++) {
                for (n = 0U; n < layer->group_outputs; n++) {
                    *to++ = sum_of_taps(layer, inputs, &rows, &columns, group * layer->group_inputs, weights);
                    weights += taps;
                }
            }
        }
    }
}
