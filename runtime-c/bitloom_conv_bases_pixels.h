/*
 * What all forms of bitloom_conv_bases share: the taps of a pixel, and where results go. Its C files define
 * sum_group. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_BASES_PIXELS_H
#define BITLOOM_CONV_BASES_PIXELS_H

#include <string.h>

#include "bitloom_codes.h"
#include "bitloom_conv_bases.h"
#include "bitloom_gather_bits.h"
#include "bitloom_popcount.h"

/* Rows of bits of one pixel and group, and what all its outputs share; the most significant plane first. */
typedef struct {
    uint32_t *planes;  /* [planes][words] */
    uint32_t *outside; /* [words], behind the planes */
    uint32_t *shared;  /* [bases][planes]: the basis' offset times the sum of the plane's inputs, modulo 2^32 */
    int32_t *dots;     /* the same of one output */
    void *work;        /* scratch behind these */
    uint32_t left_out; /* taps, channels counted; 0 where `outside` is not needed */
    uint32_t set[BITLOOM_MAX_PLANES];
} bases_patch;

/* Results of a pixel: float32, or codes where there are thresholds. */
typedef struct {
    float *floats;
    uint32_t *codes;
    uint32_t words[BITLOOM_MAX_PLANES];
} bases_results;

/* All outputs of a group of the pixel that has been gathered. */
static void sum_group(const bitloom_conv_bases *layer, const bases_patch *taps, uint32_t group,
                      bases_results *to);

static BITLOOM_NOINLINE uint32_t count_common(const uint32_t *a, const uint32_t *b, uint32_t words) {
    return bitloom_count_common(a, b, words);
}

/* Bits of a gathered row: taps, channels counted. */
static inline uint32_t inputs_of(const bitloom_conv_bases *layer) {
    return (uint32_t)layer->window.kernel_height * layer->window.kernel_width * layer->group_inputs;
}

static bases_patch patch_in(const bitloom_conv_bases *layer, void *scratch) {
    bases_patch taps;
    taps.planes = scratch;
    taps.outside = taps.planes + (uint32_t)layer->planes * layer->words;
    taps.shared = taps.outside + layer->words;
    taps.dots = (int32_t *)(taps.shared + layer->sum.terms);
    taps.work = taps.dots + layer->sum.terms;
    taps.left_out = 0U;
    return taps;
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

/* Bits of the pad where taps lie outside the map. */
static void put_pad(const bitloom_conv_bases *layer, const bases_patch *taps) {
    uint32_t *to = taps->planes;
    uint32_t plane, i;
    for (plane = layer->planes; plane > 0U; plane--) {
        for (i = 0U; i < layer->words && ((layer->pad_code >> (plane - 1U)) & 1U) != 0U; i++) {
            to[i] |= taps->outside[i];
        }
        to += layer->words;
    }
}

static BITLOOM_NOINLINE void gather(const bitloom_conv_bases *layer, const bitloom_row_taps *from, uint32_t x, uint32_t group,
                   bases_patch *taps) {
    const bitloom_taps columns = bitloom_columns_inside(&layer->window, x);
    const uint32_t outside = bitloom_count_outside(&layer->window, &from->rows, &columns);
    const uint32_t *row = taps->planes;
    uint32_t l, m;
    memset(taps->planes, 0, sizeof *taps->planes * layer->planes * layer->words);
    put_taps(layer, from, &columns, group, taps->planes);
    taps->left_out = 0U;
    if (outside > 0U && (layer->pad_code != 0U || (layer->leaves_out != 0U && layer->plane_offset != 0))) {
        bitloom_mark_outside(&layer->window, &from->rows, &columns, layer->group_inputs, taps->outside);
        put_pad(layer, taps);
        taps->left_out = layer->leaves_out != 0U ? outside * layer->group_inputs : 0U;
    }
    for (l = 0U; l < layer->planes; l++, row += layer->words) {
        const uint32_t set = count_common(row, row, layer->words);
        const uint32_t sum = (uint32_t)layer->plane_step * set +
                             (uint32_t)layer->plane_offset * (inputs_of(layer) - taps->left_out);
        taps->set[l] = set;
        for (m = 0U; m < layer->bases; m++) {
            taps->shared[m * layer->planes + l] = (uint32_t)layer->offsets[m] * sum;
        }
    }
}

/* The output whose dot products are there. */
static void put_result(const bitloom_conv_bases *layer, const bases_patch *taps, uint32_t output,
                       bases_results *to) {
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

/* Rows [y0, y1): codes where `code_words`, the words of an output pixel, is not 0. */
static void run_rows(const bitloom_conv_bases *layer, const bitloom_const_ring *inputs,
                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1,
                     uint32_t code_words) {
    bases_patch taps = patch_in(layer, scratch);
    bases_results to;
    uint32_t group, x, y;
    for (y = y0; y < y1; y++) {
        const bitloom_row_taps from = {inputs, bitloom_rows_inside(&layer->window, y)};
        to.floats = bitloom_row(output, y);
        to.codes = code_words > 0U ? bitloom_row(output, y) : NULL;
        for (x = 0U; x < layer->window.output_width; x++) {
            for (group = 0U; group < layer->groups; group++) {
                gather(layer, &from, x, group, &taps);
                sum_group(layer, &taps, group, &to);
            }
            if (code_words > 0U) {
                to.codes += code_words;
            } else {
                to.floats += layer->groups * layer->group_outputs;
            }
        }
    }
}

static uint32_t code_words_of(const bitloom_conv_bases *layer) {
    return layer->thresholds.planes * ((layer->thresholds.channels + 31U) / 32U);
}

#endif
