/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool_pixels.h"
#include "bitloom_pool_rows.h"

/* What a row is made of. */
typedef struct {
    const bitloom_pool_pixels *layer;
    const bitloom_const_ring *input;
    bitloom_taps taps;
    uint32_t words;   /* of an input row */
    uint32_t flips;   /* bits of a word to complement first */
    uint32_t outputs; /* bits of a word at which windows start */
    uint32_t unflips; /* bits of an output word to complement at the end */
    /* Columns of a window: how far they lie on the right, and the bits that do not come from another unit. */
    int32_t shifts[BITLOOM_POOL_PIXELS_COLUMNS];
    uint32_t masks[BITLOOM_POOL_PIXELS_COLUMNS];
} pool_row;

static void list_columns(pool_row *row) {
    const bitloom_window *window = &row->layer->window;
    const uint32_t unit_bits = 8U * row->layer->unit_bytes;
    const uint32_t all = bitloom_in_units(unit_bits, row->layer->unit_bytes);
    uint32_t kx;
    for (kx = 0U; kx < window->kernel_width; kx++) {
        const int32_t shift = (int32_t)(kx * window->dilation_x) - (int32_t)window->pad_left;
        const uint32_t distance = (uint32_t)(shift < 0 ? -shift : shift);
        row->shifts[kx] = shift;
        if (distance >= unit_bits) {
            row->shifts[kx] = 0;
            row->masks[kx] = 0U;
        } else if (shift < 0) {
            row->masks[kx] = distance == 0U ? all : ~bitloom_in_units(distance, row->layer->unit_bytes);
        } else {
            row->masks[kx] = bitloom_in_units(unit_bits - distance, row->layer->unit_bytes);
        }
    }
}

/* Windows of stride 1 of word i, at the bit of their first pixel less the padding. */
static uint32_t windows_of(const pool_row *row, uint32_t i) {
    const bitloom_window *window = &row->layer->window;
    uint32_t joined = 0U;
    uint32_t windows = 0U;
    uint32_t kx, ky;
    for (ky = row->taps.first; ky < row->taps.end; ky++) {
        const uint32_t *from =
            bitloom_const_row(row->input, bitloom_tap_at(&row->taps, ky, window->dilation_y));
        joined |= from[i] ^ row->flips;
    }
    for (kx = 0U; kx < window->kernel_width; kx++) {
        const int32_t shift = row->shifts[kx];
        windows |= (shift < 0 ? joined << -shift : joined >> shift) & row->masks[kx];
    }
    return windows & row->outputs;
}

static void run_row(const pool_row *row, uint32_t *to) {
    uint32_t i;
    for (i = 0U; i < row->words; i++) {
        uint32_t word = windows_of(row, i);
        if (row->layer->window.stride_x == 1U) {
            *to++ = word ^ row->unflips;
        } else if (row->layer->unit_bytes == 1U) {
            *to++ = bitloom_even_bits_of_bytes(word) ^ row->unflips;
        } else {
            /* Two words of input are one of output. */
            word = bitloom_even_bits(word);
            if (++i < row->words) {
                word |= bitloom_even_bits(windows_of(row, i)) << 16;
            }
            *to++ = word ^ row->unflips;
        }
    }
}

void bitloom_pool_pixels_words(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_window *window = &layer->window;
    pool_row row;
    uint32_t y;
    (void)scratch;
    row.layer = layer;
    row.input = inputs;
    row.words = (layer->channels * layer->unit_bytes + 3U) / 4U;
    row.flips = layer->minimum != 0U ? bitloom_in_units(window->width, layer->unit_bytes) : 0U;
    row.unflips =
        layer->minimum != 0U ? bitloom_in_units(window->output_width, layer->output_unit_bytes) : 0U;
    row.outputs = bitloom_in_units(window->stride_x * window->output_width, layer->unit_bytes);
    row.outputs &= window->stride_x == 2U ? 0x55555555U : 0xffffffffU;
    list_columns(&row);
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        row.taps = bitloom_rows_inside(window, y);
        run_row(&row, to);
        bitloom_clear_row_tail((uint8_t *)to, layer->channels * layer->output_unit_bytes);
    }
}
