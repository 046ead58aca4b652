/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool_pixels.h"

#include "bitloom_pool_rows.h"

/* The window's rows of one channel, joined; complemented for the least. */
static void join_rows(const bitloom_pool_pixels *layer, const bitloom_const_ring *input,
                      const bitloom_taps *rows, uint32_t channel, uint32_t *joined) {
    uint32_t index, ky;
    for (index = 0U; index * 32U < layer->window.width; index++) {
        const uint32_t pixels = bitloom_low_bits_at_most(layer->window.width - index * 32U);
        const uint32_t flips = layer->minimum != 0U ? pixels : 0U;
        uint32_t word = 0U;
        for (ky = rows->first; ky < rows->end; ky++) {
            const uint8_t *row = bitloom_const_row(input, bitloom_tap_at(rows, ky, layer->window.dilation_y));
            const uint8_t *unit = row + channel * layer->unit_bytes;
            word |= bitloom_unit_word(unit, layer->unit_bytes, index) ^ flips;
        }
        joined[index] = word;
    }
}

/* Windows of stride 1 that start at the positions `first` and up, joined over their columns. */
static uint32_t join_columns(const bitloom_window *window, const uint32_t *row, int32_t first) {
    uint32_t word = 0U;
    uint32_t kx;
    for (kx = 0U; kx < window->kernel_width; kx++) {
        word |= bitloom_row_bits(row, window->width, first + (int32_t)(kx * window->dilation_x));
    }
    return word;
}

/* 32 output pixels from pixel `x` on. */
static uint32_t output_word(const bitloom_window *window, const uint32_t *row, uint32_t x) {
    const int32_t first = (int32_t)(x * window->stride_x) - (int32_t)window->pad_left;
    uint32_t word = 0U;
    uint32_t i;
    if (window->stride_x == 1U) {
        return join_columns(window, row, first);
    }
    if (window->stride_x == 2U) {
        word = bitloom_even_bits(join_columns(window, row, first));
        if (x + 16U < window->output_width) {
            word |= bitloom_even_bits(join_columns(window, row, first + 32)) << 16;
        }
        return word;
    }
    for (i = 0U; i < 32U && x + i < window->output_width; i++) {
        word |= (join_columns(window, row, first + (int32_t)(i * window->stride_x)) & 1U) << i;
    }
    return word;
}

void bitloom_pool_pixels_extreme(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_window *window = &layer->window;
    uint32_t *joined = scratch;
    uint32_t channel, x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_taps rows = bitloom_rows_inside(window, y);
        uint8_t *to = bitloom_row(output, y);
        for (channel = 0U; channel < layer->channels; channel++) {
            join_rows(layer, inputs, &rows, channel, joined);
            for (x = 0U; x < window->output_width; x += 32U) {
                const uint32_t word = output_word(window, joined, x);
                const uint32_t flips = layer->minimum != 0U ? 0xffffffffU : 0U;
                bitloom_set_unit_word(to, layer->output_unit_bytes, x / 32U,
                                      (word ^ flips) & bitloom_low_bits_at_most(window->output_width - x));
            }
            to += layer->output_unit_bytes;
        }
        bitloom_clear_row_tail(bitloom_row(output, y), layer->channels * layer->output_unit_bytes);
    }
}
