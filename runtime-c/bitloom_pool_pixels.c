/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool_pixels.h"

#include "bitloom_bits.h"
#include "bitloom_units.h"

static uint32_t low_bits_at_most(uint32_t bits) {
    return bitloom_low_bits(bits < 32U ? bits : 32U);
}

/* The window's rows of one channel, joined; complemented for the least. */
static void join_rows(const bitloom_pool_pixels *layer, const bitloom_const_ring *input,
                      const bitloom_taps *rows, uint32_t channel, uint32_t *joined) {
    uint32_t index, ky;
    for (index = 0U; index * 32U < layer->window.width; index++) {
        const uint32_t pixels = low_bits_at_most(layer->window.width - index * 32U);
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

/* 32 bits from position `first` on, zero outside the row. */
static uint32_t bits_at(const uint32_t *row, uint32_t width, int32_t first) {
    const int32_t words = (int32_t)((width + 31U) / 32U);
    const uint32_t shift = (uint32_t)first & 31U;
    const int32_t index = (first - (int32_t)shift) / 32;
    uint32_t value = index >= 0 && index < words ? row[index] >> shift : 0U;
    if (shift > 0U && index + 1 >= 0 && index + 1 < words) {
        value |= row[index + 1] << (32U - shift);
    }
    return value;
}

/* Windows of stride 1 that start at the positions `first` and up, joined over their columns. */
static uint32_t join_columns(const bitloom_window *window, const uint32_t *row, int32_t first) {
    uint32_t word = 0U;
    uint32_t kx;
    for (kx = 0U; kx < window->kernel_width; kx++) {
        word |= bits_at(row, window->width, first + (int32_t)(kx * window->dilation_x));
    }
    return word;
}

/* The even bits of a word, in its lower half. */
static uint32_t even_bits(uint32_t x) {
    x &= 0x55555555U;
    x = (x | (x >> 1)) & 0x33333333U;
    x = (x | (x >> 2)) & 0x0f0f0f0fU;
    x = (x | (x >> 4)) & 0x00ff00ffU;
    return (x | (x >> 8)) & 0x0000ffffU;
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
        word = even_bits(join_columns(window, row, first));
        if (x + 16U < window->output_width) {
            word |= even_bits(join_columns(window, row, first + 32)) << 16;
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
                                      (word ^ flips) & low_bits_at_most(window->output_width - x));
            }
            to += layer->output_unit_bytes;
        }
    }
}
