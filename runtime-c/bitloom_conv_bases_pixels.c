/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bases_pixels.h"

#include <string.h>

#include "bitloom_popcount.h"

bitloom_bases_patch bitloom_bases_patch_in(const bitloom_conv_bases *layer, void *scratch) {
    bitloom_bases_patch taps;
    taps.planes = scratch;
    taps.outside = taps.planes + (uint32_t)layer->planes * layer->words;
    taps.shared = taps.outside + layer->words;
    taps.dots = (int32_t *)(taps.shared + layer->sum.terms);
    taps.work = taps.dots + layer->sum.terms;
    taps.left_out = 0U;
    return taps;
}

uint32_t bitloom_bases_common(const uint32_t *a, const uint32_t *b, uint32_t words) {
    return bitloom_count_common(a, b, words);
}

/* A tap as bits of a row: all planes have them at the same places. */
typedef struct {
    uint32_t first; /* channel */
    uint32_t bits;
    uint32_t words; /* from a plane's words of a pixel to the next one's, and from row to row */
    uint32_t row_words;
} bases_tap;

/* Sets the bits of all planes, from bit `at` of their rows on, whose bits are 0. The last row comes first. */
static inline void put_tap(const bases_tap *tap, const uint32_t *pixel, uint32_t at, uint32_t *last,
                           uint32_t planes) {
    uint32_t first = tap->first;
    uint32_t left = tap->bits;
    while (left > 0U) {
        const uint32_t bits = left < 32U ? left : 32U;
        const uint32_t shift = at & 31U;
        const uint32_t *from = pixel;
        uint32_t *to = last + (at >> 5);
        uint32_t plane;
        for (plane = planes; plane > 0U; plane--) {
            const uint32_t word = bitloom_read_bits(from, first, bits);
            to[0] |= word << shift;
            if (shift + bits > 32U) {
                to[1] |= word >> (32U - shift);
            }
            from += tap->words;
            to -= tap->row_words;
        }
        at += bits;
        first += bits;
        left -= bits;
    }
}

static BITLOOM_NOINLINE void put_taps(const bitloom_conv_bases *layer, const bitloom_row_taps *from,
                                      const bitloom_taps *columns, uint32_t group, uint32_t *rows) {
    const bitloom_window *window = &layer->window;
    const uint32_t planes = layer->planes;
    const bases_tap tap = {group * layer->group_inputs, layer->group_inputs, layer->input_words,
                           layer->words};
    const uint32_t pixel_words = planes * tap.words;
    uint32_t *last = rows + (planes - 1U) * tap.row_words;
    uint32_t kx, ky;
    for (ky = from->rows.first; ky < from->rows.end; ky++) {
        const uint32_t *pixel =
            bitloom_const_row(from->input, bitloom_tap_at(&from->rows, ky, window->dilation_y));
        uint32_t at = (ky * window->kernel_width + columns->first) * tap.bits;
        pixel += bitloom_tap_at(columns, columns->first, window->dilation_x) * pixel_words;
        for (kx = columns->first; kx < columns->end; kx++) {
            put_tap(&tap, pixel, at, last, planes);
            pixel += window->dilation_x * pixel_words;
            at += tap.bits;
        }
    }
}

/* Sets `bits` bits of a row from bit `at` on. */
static BITLOOM_NOINLINE void set_bits(uint32_t *row, uint32_t at, uint32_t bits) {
    while (bits > 0U) {
        const uint32_t shift = at & 31U;
        const uint32_t size = bits < 32U - shift ? bits : 32U - shift;
        row[at >> 5] |= bitloom_low_bits(size) << shift;
        at += size;
        bits -= size;
    }
}

/* Marks the taps outside the map: rows whole, of others both ends. */
static void mark_outside(const bitloom_conv_bases *layer, const bitloom_taps *rows,
                         const bitloom_taps *columns, uint32_t *marks) {
    const uint32_t bits = layer->group_inputs;
    const uint32_t row_bits = bits * layer->window.kernel_width;
    uint32_t ky, at = 0U;
    memset(marks, 0, sizeof *marks * layer->words);
    for (ky = 0U; ky < layer->window.kernel_height; ky++, at += row_bits) {
        if (ky < rows->first || ky >= rows->end) {
            set_bits(marks, at, row_bits);
        } else {
            set_bits(marks, at, bits * columns->first);
            set_bits(marks, at + bits * columns->end, row_bits - bits * columns->end);
        }
    }
}

/* Bits of the pad where taps lie outside the map. */
static void put_pad(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps) {
    uint32_t *to = taps->planes;
    uint32_t plane, i;
    for (plane = layer->planes; plane > 0U; plane--) {
        for (i = 0U; i < layer->words && ((layer->pad_code >> (plane - 1U)) & 1U) != 0U; i++) {
            to[i] |= taps->outside[i];
        }
        to += layer->words;
    }
}

void bitloom_bases_gather(const bitloom_conv_bases *layer, const bitloom_row_taps *from, uint32_t x,
                          uint32_t group, bitloom_bases_patch *taps) {
    const bitloom_taps columns = bitloom_columns_inside(&layer->window, x);
    const uint32_t outside = bitloom_count_outside(&layer->window, &from->rows, &columns);
    const uint32_t *row = taps->planes;
    uint32_t l, m;
    memset(taps->planes, 0, sizeof *taps->planes * layer->planes * layer->words);
    put_taps(layer, from, &columns, group, taps->planes);
    taps->left_out = 0U;
    if (outside > 0U && (layer->pad_code != 0U || (layer->leaves_out != 0U && layer->plane_offset != 0))) {
        mark_outside(layer, &from->rows, &columns, taps->outside);
        put_pad(layer, taps);
        taps->left_out = layer->leaves_out != 0U ? outside * layer->group_inputs : 0U;
    }
    for (l = 0U; l < layer->planes; l++, row += layer->words) {
        const uint32_t set = bitloom_bases_common(row, row, layer->words);
        const uint32_t sum = (uint32_t)layer->plane_step * set +
                             (uint32_t)layer->plane_offset * (bitloom_bases_inputs(layer) - taps->left_out);
        taps->set[l] = set;
        for (m = 0U; m < layer->bases; m++) {
            taps->shared[m * layer->planes + l] = (uint32_t)layer->offsets[m] * sum;
        }
    }
}

void bitloom_bases_put(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps, uint32_t output,
                       bitloom_bases_results *to) {
    const bitloom_threshold *thresholds = &layer->thresholds;
    if (to->codes == NULL) {
        to->floats[output] = bitloom_bases_float(&layer->sum, output, taps->dots);
        return;
    }
    bitloom_push_code(to->words, thresholds->planes,
                      bitloom_bases_code(&layer->sum, thresholds, output, taps->dots));
    if ((output & 31U) == 31U || output + 1U == thresholds->channels) {
        bitloom_store_codes(to->words, thresholds->planes, (output & 31U) + 1U, to->codes + output / 32U,
                            (thresholds->channels + 31U) / 32U);
    }
}

bitloom_bases_results bitloom_bases_results_of(const bitloom_ring *output, uint32_t y, uint32_t is_codes) {
    bitloom_bases_results to;
    to.floats = bitloom_row(output, y);
    to.codes = is_codes != 0U ? bitloom_row(output, y) : NULL;
    return to;
}

void bitloom_bases_next(const bitloom_conv_bases *layer, bitloom_bases_results *to) {
    if (to->codes != NULL) {
        to->codes += layer->thresholds.planes * ((layer->thresholds.channels + 31U) / 32U);
    } else {
        to->floats += layer->groups * layer->group_outputs;
    }
}
