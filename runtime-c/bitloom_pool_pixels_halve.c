/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool_pixels.h"
#include "bitloom_pool_rows.h"

/* What a row is made of. */
typedef struct {
    const uint32_t *upper; /* the window's rows, perhaps the same */
    const uint32_t *lower;
    uint32_t words;   /* of an input row */
    uint32_t flips;   /* bits of a word to complement first */
    uint32_t evens;   /* first columns of windows in a word */
    uint32_t unflips; /* bits of an output word to complement at the end */
} row_pair;

/* Windows of word i, at the even bits. */
static inline uint32_t windows_of(const row_pair *rows, uint32_t i) {
    const uint32_t word = (rows->upper[i] ^ rows->flips) | (rows->lower[i] ^ rows->flips);
    return (word | word >> 1) & rows->evens;
}

static void run_bytes(const row_pair *rows, uint32_t *to) {
    uint32_t i;
    for (i = 0U; i < rows->words; i++) {
        to[i] = bitloom_even_bits_of_bytes(windows_of(rows, i)) ^ rows->unflips;
    }
}

/* Two words of input are one of output; an odd number ends with half a word. */
static void run_halves(const row_pair *rows, uint32_t *to) {
    const uint32_t pairs = rows->words & ~1U;
    uint32_t i;
    for (i = 0U; i < pairs; i += 2U) {
        const uint32_t low = bitloom_even_bits(windows_of(rows, i));
        *to++ = (low | bitloom_even_bits(windows_of(rows, i + 1U)) << 16) ^ rows->unflips;
    }
    if (i < rows->words) {
        *to = bitloom_even_bits(windows_of(rows, i)) ^ (rows->unflips & 0x0000ffffU);
    }
}

void bitloom_pool_pixels_halve(const bitloom_pool_pixels *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_window *window = &layer->window;
    const uint32_t bytes = layer->channels * layer->unit_bytes;
    /* Units of several words are complemented, and back, to their ends. */
    const uint32_t outputs = window->width > 32U ? 32U : window->output_width;
    row_pair rows;
    uint32_t y;
    (void)scratch;
    rows.words = (bytes + 3U) / 4U;
    rows.flips = layer->minimum != 0U ? bitloom_in_units(window->width, layer->unit_bytes) : 0U;
    rows.evens = 0x55555555U & bitloom_in_units(2U * window->output_width, layer->unit_bytes);
    rows.unflips = layer->minimum != 0U ? bitloom_in_units(outputs, layer->output_unit_bytes) : 0U;
    for (y = y0; y < y1; y++) {
        const bitloom_taps taps = bitloom_rows_inside(window, y);
        uint32_t *to = bitloom_row(output, y);
        rows.upper = bitloom_const_row(inputs, bitloom_tap_at(&taps, taps.first, window->dilation_y));
        rows.lower = bitloom_const_row(inputs, bitloom_tap_at(&taps, taps.end - 1U, window->dilation_y));
        if (layer->unit_bytes == 1U) {
            run_bytes(&rows, to);
        } else {
            run_halves(&rows, to);
        }
        bitloom_clear_row_tail((uint8_t *)to, layer->channels * layer->output_unit_bytes);
    }
}
