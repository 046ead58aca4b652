/*
 * Gathers the taps of an output pixel's window as a row of bits, one plane at a time, in the order of the
 * weights. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_GATHER_BITS_H
#define BITLOOM_GATHER_BITS_H

#include "bitloom_bits.h"
#include "bitloom_runtime.h"
#include "bitloom_window.h"

/* The input rows that a window reaches. */
typedef struct {
    const bitloom_const_ring *input;
    bitloom_taps rows;
} bitloom_row_taps;

/* What of a pixel is gathered: `bits` channels from `first_channel` on of the plane that starts at
 * `first_word`. */
typedef struct {
    uint32_t pixel_words;
    uint32_t first_word;
    uint32_t first_channel;
    uint32_t bits;
} bitloom_plane_taps;

/* Taps inside the map are copied, the others are `outside` (0 or 1). */
static inline void bitloom_gather_bits(const bitloom_window *window, const bitloom_row_taps *from,
                                       const bitloom_taps *columns, const bitloom_plane_taps *plane,
                                       uint32_t outside, uint32_t *words) {
    const uint32_t bits = plane->bits;
    bitloom_bit_writer to = bitloom_write_to(words);
    uint32_t kx, ky;
    for (ky = 0U; ky < window->kernel_height; ky++) {
        if (ky < from->rows.first || ky >= from->rows.end) {
            bitloom_fill_bits(&to, outside, bits * window->kernel_width);
        } else {
            const uint32_t *row =
                bitloom_const_row(from->input, bitloom_tap_at(&from->rows, ky, window->dilation_y));
            row += plane->first_word;
            bitloom_fill_bits(&to, outside, bits * columns->first);
            for (kx = columns->first; kx < columns->end; kx++) {
                const uint32_t x = bitloom_tap_at(columns, kx, window->dilation_x);
                bitloom_copy_bits(&to, row + x * plane->pixel_words, plane->first_channel, bits);
            }
            bitloom_fill_bits(&to, outside, bits * (window->kernel_width - columns->end));
        }
    }
    bitloom_finish_bits(&to);
}

/* Marks the taps outside the map, `bits` channels each. */
static inline void bitloom_mark_outside(const bitloom_window *window, const bitloom_taps *rows,
                                        const bitloom_taps *columns, uint32_t bits, uint32_t *words) {
    bitloom_bit_writer to = bitloom_write_to(words);
    uint32_t ky;
    for (ky = 0U; ky < window->kernel_height; ky++) {
        if (ky < rows->first || ky >= rows->end) {
            bitloom_fill_bits(&to, 1U, bits * window->kernel_width);
        } else {
            bitloom_fill_bits(&to, 1U, bits * columns->first);
            bitloom_fill_bits(&to, 0U, bits * (columns->end - columns->first));
            bitloom_fill_bits(&to, 1U, bits * (window->kernel_width - columns->end));
        }
    }
    bitloom_finish_bits(&to);
}

static inline uint32_t bitloom_count_outside(const bitloom_window *window, const bitloom_taps *rows,
                                             const bitloom_taps *columns) {
    return (uint32_t)window->kernel_height * window->kernel_width -
           (rows->end - rows->first) * (columns->end - columns->first);
}

#endif
