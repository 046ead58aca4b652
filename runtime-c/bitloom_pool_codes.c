/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pool_codes.h"

#include "bitloom_codes.h"

/* The pixels that one window reaches. */
typedef struct {
    const bitloom_pool_codes *layer;
    const bitloom_const_ring *input;
    bitloom_taps rows;
    bitloom_taps columns;
    uint32_t plane_words;
} window_taps;

static const uint32_t *pixel_at(const window_taps *taps, uint32_t ky, uint32_t kx) {
    const bitloom_window *window = &taps->layer->window;
    const uint32_t y = bitloom_tap_at(&taps->rows, ky, window->dilation_y);
    const uint32_t x = bitloom_tap_at(&taps->columns, kx, window->dilation_x);
    return (const uint32_t *)bitloom_const_row(taps->input, y) + x * taps->layer->planes * taps->plane_words;
}

/* best = the greater (least) of best and next, for 32 channels: planes lie plane_words apart in `next`. */
static void take_better(const window_taps *taps, uint32_t *best, const uint32_t *next) {
    const uint32_t planes = taps->layer->planes;
    uint32_t undecided = 0xffffffffU;
    uint32_t greater = 0U;
    uint32_t plane, taken;
    for (plane = planes; plane-- > 0U;) {
        const uint32_t other = next[plane * taps->plane_words];
        const uint32_t differs = (best[plane] ^ other) & undecided;
        greater |= differs & other;
        undecided &= ~differs;
    }
    /* Where no plane differs both are equal, and either may be taken. */
    taken = taps->layer->minimum != 0U ? ~greater : greater;
    for (plane = 0U; plane < planes; plane++) {
        best[plane] ^= (best[plane] ^ next[plane * taps->plane_words]) & taken;
    }
}

/* Word `word` of every plane of an output pixel. */
static void extreme_of_word(const window_taps *taps, uint32_t word, uint32_t *output) {
    const uint32_t planes = taps->layer->planes;
    uint32_t best[BITLOOM_MAX_PLANES] = {0U};
    const uint32_t *first = pixel_at(taps, taps->rows.first, taps->columns.first) + word;
    uint32_t kx, ky, plane;
    for (plane = 0U; plane < planes; plane++) {
        best[plane] = first[plane * taps->plane_words];
    }
    for (ky = taps->rows.first; ky < taps->rows.end; ky++) {
        for (kx = taps->columns.first; kx < taps->columns.end; kx++) {
            take_better(taps, best, pixel_at(taps, ky, kx) + word);
        }
    }
    for (plane = 0U; plane < planes; plane++) {
        output[plane * taps->plane_words + word] = best[plane];
    }
}

/* One-bit codes: all words of a tap before the next tap. The output may be the first tap. */
static void extreme_of_bits(const window_taps *taps, uint32_t *output) {
    int is_first = 1;
    uint32_t kx, ky, word;
    for (ky = taps->rows.first; ky < taps->rows.end; ky++) {
        for (kx = taps->columns.first; kx < taps->columns.end; kx++) {
            const uint32_t *from = pixel_at(taps, ky, kx);
            for (word = 0U; word < taps->plane_words; word++) {
                if (is_first) {
                    output[word] = from[word];
                } else {
                    output[word] =
                        taps->layer->minimum != 0U ? output[word] & from[word] : output[word] | from[word];
                }
            }
            is_first = 0;
        }
    }
}

void bitloom_pool_codes_extreme(const bitloom_pool_codes *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    window_taps taps = {layer, inputs, {0, 0U, 0U}, {0, 0U, 0U}, (layer->channels + 31U) / 32U};
    uint32_t word, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        taps.rows = bitloom_rows_inside(&layer->window, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            taps.columns = bitloom_columns_inside(&layer->window, x);
            if (layer->planes == 1U) {
                extreme_of_bits(&taps, to);
            } else {
                for (word = 0U; word < taps.plane_words; word++) {
                    extreme_of_word(&taps, word, to);
                }
            }
            to += layer->planes * taps.plane_words;
        }
    }
}

/* Counters of 32 channels, bit-sliced: plane i has weight 2^i. */
static void count_word(uint32_t *counters, uint32_t plane, uint32_t bits) {
    while (bits != 0U) {
        const uint32_t carry = counters[plane] & bits;
        counters[plane] ^= bits;
        bits = carry;
        plane++;
    }
}

static void sum_of_word(const window_taps *taps, uint32_t word, int32_t *output) {
    const bitloom_pool_codes *layer = taps->layer;
    const uint32_t count = (taps->rows.end - taps->rows.first) * (taps->columns.end - taps->columns.first);
    const uint32_t bits = bitloom_bits_from(word * 32U, layer->channels);
    uint32_t counters[32] = {0U};
    uint32_t planes = 32U;
    uint32_t c, kx, ky, plane;
    for (ky = taps->rows.first; ky < taps->rows.end; ky++) {
        for (kx = taps->columns.first; kx < taps->columns.end; kx++) {
            const uint32_t *from = pixel_at(taps, ky, kx) + word;
            for (plane = 0U; plane < layer->planes; plane++) {
                count_word(counters, plane, from[plane * taps->plane_words]);
            }
        }
    }
    while (planes > 0U && counters[planes - 1U] == 0U) {
        planes--;
    }
    for (c = 0U; c < bits; c++) {
        uint32_t sum = 0U;
        for (plane = 0U; plane < planes; plane++) {
            sum |= ((counters[plane] >> c) & 1U) << plane;
        }
        output[c] = layer->step * (int32_t)sum + layer->offset * (int32_t)count;
    }
}

void bitloom_pool_codes_sum(const bitloom_pool_codes *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    window_taps taps = {layer, inputs, {0, 0U, 0U}, {0, 0U, 0U}, (layer->channels + 31U) / 32U};
    uint32_t word, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        int32_t *to = bitloom_row(output, y);
        taps.rows = bitloom_rows_inside(&layer->window, y);
        for (x = 0U; x < layer->window.output_width; x++) {
            taps.columns = bitloom_columns_inside(&layer->window, x);
            for (word = 0U; word < taps.plane_words; word++) {
                sum_of_word(&taps, word, to + word * 32U);
            }
            to += layer->channels;
        }
    }
}
