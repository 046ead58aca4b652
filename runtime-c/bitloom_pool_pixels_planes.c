/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool_pixels.h"

#include "bitloom_codes.h"
#include "bitloom_pool_rows.h"

/* best = the greater of best and next, for 32 pixels. */
static void take_greater(uint32_t *best, const uint32_t *next, uint32_t planes) {
    uint32_t undecided = 0xffffffffU;
    uint32_t greater = 0U;
    uint32_t plane;
    for (plane = planes; plane-- > 0U;) {
        const uint32_t differs = (best[plane] ^ next[plane]) & undecided;
        greater |= differs & next[plane];
        undecided &= ~differs;
    }
    for (plane = 0U; plane < planes; plane++) {
        best[plane] ^= (best[plane] ^ next[plane]) & greater;
    }
}

/* The window's rows of one channel, joined: [plane][word]; complemented for the least. */
static void join_rows(const bitloom_pool_pixels *layer, const bitloom_const_ring *input,
                      const bitloom_taps *rows, uint32_t channel, uint32_t *joined) {
    const uint32_t words = (layer->window.width + 31U) / 32U;
    const uint32_t plane_bytes = layer->channels * layer->unit_bytes;
    uint32_t index, ky, plane;
    for (index = 0U; index < words; index++) {
        const uint32_t pixels = bitloom_low_bits_at_most(layer->window.width - index * 32U);
        const uint32_t flips = layer->minimum != 0U ? pixels : 0U;
        uint32_t best[BITLOOM_MAX_PLANES] = {0U};
        uint32_t next[BITLOOM_MAX_PLANES];
        for (ky = rows->first; ky < rows->end; ky++) {
            const uint8_t *row = bitloom_const_row(input, bitloom_tap_at(rows, ky, layer->window.dilation_y));
            const uint8_t *unit = row + channel * layer->unit_bytes;
            for (plane = 0U; plane < layer->planes; plane++) {
                next[plane] = bitloom_unit_word(unit, layer->unit_bytes, index) ^ flips;
                unit += plane_bytes;
            }
            take_greater(best, next, layer->planes);
        }
        for (plane = 0U; plane < layer->planes; plane++) {
            joined[plane * words + index] = best[plane];
        }
    }
}

/* Windows of stride 1 that start at the positions `first` and up, joined over their columns, to each plane.
 */
static void join_columns(const bitloom_pool_pixels *layer, const uint32_t *row, int32_t first,
                         uint32_t *best) {
    const bitloom_window *window = &layer->window;
    const uint32_t words = (window->width + 31U) / 32U;
    uint32_t next[BITLOOM_MAX_PLANES];
    uint32_t kx, plane;
    for (plane = 0U; plane < layer->planes; plane++) {
        best[plane] = 0U;
    }
    for (kx = 0U; kx < window->kernel_width; kx++) {
        for (plane = 0U; plane < layer->planes; plane++) {
            next[plane] = bitloom_row_bits(row + plane * words, window->width,
                                           first + (int32_t)(kx * window->dilation_x));
        }
        take_greater(best, next, layer->planes);
    }
}

/* 32 output pixels from pixel `x` on, of every plane. */
static void output_words(const bitloom_pool_pixels *layer, const uint32_t *row, uint32_t x, uint32_t *words) {
    const bitloom_window *window = &layer->window;
    const int32_t first = (int32_t)(x * window->stride_x) - (int32_t)window->pad_left;
    uint32_t other[BITLOOM_MAX_PLANES];
    uint32_t i, plane;
    join_columns(layer, row, first, words);
    if (window->stride_x == 1U) {
        return;
    }
    if (window->stride_x == 2U) {
        for (plane = 0U; plane < layer->planes; plane++) {
            words[plane] = bitloom_even_bits(words[plane]);
        }
        if (x + 16U < window->output_width) {
            join_columns(layer, row, first + 32, other);
            for (plane = 0U; plane < layer->planes; plane++) {
                words[plane] |= bitloom_even_bits(other[plane]) << 16;
            }
        }
        return;
    }
    for (plane = 0U; plane < layer->planes; plane++) {
        words[plane] &= 1U;
    }
    for (i = 1U; i < 32U && x + i < window->output_width; i++) {
        join_columns(layer, row, first + (int32_t)(i * window->stride_x), other);
        for (plane = 0U; plane < layer->planes; plane++) {
            words[plane] |= (other[plane] & 1U) << i;
        }
    }
}

void bitloom_pool_pixels_planes(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_window *window = &layer->window;
    const uint32_t flips = layer->minimum != 0U ? 0xffffffffU : 0U;
    const uint32_t plane_bytes = layer->channels * layer->output_unit_bytes;
    uint32_t *joined = scratch;
    uint32_t channel, plane, x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_taps rows = bitloom_rows_inside(window, y);
        uint8_t *to = bitloom_row(output, y);
        for (channel = 0U; channel < layer->channels; channel++) {
            join_rows(layer, inputs, &rows, channel, joined);
            for (x = 0U; x < window->output_width; x += 32U) {
                const uint32_t inside = bitloom_low_bits_at_most(window->output_width - x);
                uint8_t *unit = to + channel * layer->output_unit_bytes;
                uint32_t words[BITLOOM_MAX_PLANES];
                output_words(layer, joined, x, words);
                for (plane = 0U; plane < layer->planes; plane++, unit += plane_bytes) {
                    bitloom_set_unit_word(unit, layer->output_unit_bytes, x / 32U,
                                          (words[plane] ^ flips) & inside);
                }
            }
        }
        bitloom_clear_row_tail(to, layer->planes * plane_bytes);
    }
}
