/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bases_rows.h"

#include "bitloom_conv_bases_pixels.h"
#include "bitloom_conv_rows_core.h"

/* Words of counts are read in parts. */
#if defined(__GNUC__) || defined(__clang__)
typedef uint16_t half __attribute__((may_alias));
#else
typedef uint16_t half;
#endif

/* Scratch of a pixel and group, and the block at work. */
typedef struct {
    uint32_t *list;
    uint32_t *pairs;
    uint32_t *counters;   /* [words][counters] */
    uint32_t *counts;     /* [planes + 1][plane_words]: the last one of what lies inside the map */
    const uint32_t *ones; /* [plane_words] */
    uint32_t plane_words;
    uint32_t planes; /* that are counted */
    uint32_t flips;  /* a bit per plane: the inputs that are not set select rows */
    uint32_t first;  /* offset of the first row */
    uint32_t words;
} rows_work;

static uint32_t lesser(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t words_of(uint32_t bits) {
    return (bits + 31U) / 32U;
}

/* The inputs that are not set take the place of those that are. */
static void flip_row(uint32_t *row, uint32_t bits) {
    for (; bits >= 32U; bits -= 32U, row++) {
        *row = ~*row;
    }
    if (bits > 0U) {
        *row ^= bitloom_low_bits(bits);
    }
}

/* Decides which inputs of each plane select rows. */
static void flip_planes(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps, rows_work *w) {
    const uint32_t inputs = bitloom_bases_inputs(layer);
    uint32_t *row = taps->planes;
    uint32_t l;
    w->planes = layer->planes + (taps->left_out > 0U ? 1U : 0U);
    w->flips = 0U;
    for (l = 0U; l < w->planes; l++, row += layer->words) {
        const uint32_t set = l < layer->planes ? taps->set[l] : taps->left_out;
        if (2U * set > inputs) {
            w->flips |= 1U << l;
            flip_row(row, inputs);
        }
    }
}

/* Lists the rows of a plane's set inputs; returns the end. */
static uint32_t *list_rows(const bitloom_conv_bases_rows *layer, const rows_work *w, const uint32_t *plane) {
    const uint32_t step = w->words * BITLOOM_CONV_ROWS_UNIT;
#if BITLOOM_CONV_ROWS_ASSEMBLY
    return bitloom_conv_rows_select_inputs(plane, layer->base.words, w->first, step, 0U, w->list);
#else
    /* Where bits are tested one by one, those above the last one that is set need not be. */
    uint32_t *list = w->list;
    uint32_t first = w->first;
    uint32_t left;
    for (left = layer->base.words; left > 0U; left--) {
        uint32_t word = *plane++;
        uint32_t offset = first;
        for (; word != 0U; word >>= 1) {
            if ((word & 1U) != 0U) {
                *list++ = offset;
            }
            offset += step;
        }
        first += 32U * step;
    }
    return list;
#endif
}

/* Adds the rows that a plane selects. */
static void add_rows(const bitloom_conv_bases_rows *layer, const rows_work *w, const uint32_t *plane) {
    bitloom_conv_rows_sum sum;
    uint32_t *end = list_rows(layer, w, plane);
    const uint32_t count = (uint32_t)(end - w->list);
    bitloom_conv_rows_clear(w->counters, w->words * layer->counters);
    if (count == 0U) {
        return;
    }
    bitloom_conv_rows_clear(end, (0U - count) & 15U);
    sum.list = w->list;
    sum.rows = layer->rows;
    sum.counters = w->counters;
    sum.pairs = w->pairs;
    sum.sixteens = (count + 15U) / 16U;
    sum.planes = layer->counters;
    sum.words = w->words;
    bitloom_conv_rows_add(&sum);
}

#define PART(i) ((plane >> (i)) & mask)

/* Counts at every eighth or sixteenth bit of counter planes, from the first or the ninth bit on. */
static void store_counts(const uint32_t *counters, uint32_t planes, uint32_t first, uint32_t mask,
                         const uint32_t *ones, uint32_t *to) {
    uint32_t a = 0U, b = 0U, c = 0U, d = 0U, e = 0U, f = 0U, g = 0U, h = 0U;
    counters += planes;
    while (planes-- > 0U) {
        const uint32_t plane = *--counters >> first;
        a = PART(0) + 2U * a;
        b = PART(1) + 2U * b;
        c = PART(2) + 2U * c;
        d = PART(3) + 2U * d;
        e = PART(4) + 2U * e;
        f = PART(5) + 2U * f;
        g = PART(6) + 2U * g;
        h = PART(7) + 2U * h;
    }
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
    to[4] = e;
    to[5] = f;
    to[6] = g;
    to[7] = h;
    if (ones != NULL) {
        uint32_t i;
        for (i = 0U; i < 8U; i++) {
            to[i] = ones[i] - to[i];
        }
    }
}

/* Counts what each plane has in common with the weights of a block. */
static void count_block(const bitloom_conv_bases_rows *layer, const bitloom_bases_patch *taps,
                        const rows_work *w) {
    const uint32_t planes = layer->counters - 1U;
    const uint32_t mask = layer->wide != 0U ? 0x00010001U : 0x01010101U;
    const uint32_t *row = taps->planes;
    uint32_t *to = w->counts;
    uint32_t l, at;
    for (l = 0U; l < w->planes; l++, row += layer->base.words) {
        /* What lies outside the map is taken away from all. */
        const int is_rest = (((w->flips >> l) & 1U) != 0U) != (l == layer->base.planes);
        const uint32_t *counters = w->counters + 1;
        add_rows(layer, w, row);
        for (at = 0U; at < w->plane_words; at += 8U, to += 8) {
            const uint32_t first = at & 8U & (0U - layer->wide);
            store_counts(counters, planes, first, mask, is_rest ? w->ones + at : NULL, to);
            if (layer->wide == 0U || first != 0U) {
                counters += layer->counters;
            }
        }
    }
}

/*
 * The dot products of one output, of which the block's first is q; `inside` has the counts of weights that
 * are set inside the map.
 */
#define MULTIPLY(PART)                                                                                       \
    do {                                                                                                     \
        const PART *counts = (const PART *)w->counts + q;                                                    \
        const PART *weights = (const PART *)inside + q;                                                      \
        for (m = 0U; m < bases; m++) {                                                                       \
            const uint32_t scale = plane_step * (uint32_t)steps[m];                                          \
            const uint32_t base = plane_offset * (uint32_t)steps[m] * *weights++;                            \
            const PART *count = counts++;                                                                    \
            for (l = planes; l > 0U; l--) {                                                                  \
                *dots++ = (int32_t)(scale * *count + (base + *shared++));                                    \
                count += stride / sizeof *count;                                                             \
            }                                                                                                \
        }                                                                                                    \
    } while (0)

static BITLOOM_NOINLINE void multiply(const bitloom_conv_bases_rows *rows, const bitloom_bases_patch *taps,
                                      const rows_work *w, uint32_t q) {
    const uint32_t bases = rows->base.bases, planes = rows->base.planes;
    const uint32_t plane_step = (uint32_t)rows->base.plane_step;
    const uint32_t plane_offset = (uint32_t)rows->base.plane_offset;
    const uint32_t *inside = taps->left_out > 0U ? w->counts + planes * w->plane_words : w->ones;
    const uint32_t stride = 4U * w->plane_words;
    const int32_t *steps = rows->base.steps;
    const uint32_t *shared = taps->shared;
    int32_t *dots = taps->dots;
    uint32_t l, m;
    if (rows->wide != 0U) {
        MULTIPLY(half);
    } else {
        MULTIPLY(uint8_t);
    }
}

static rows_work work_in(const bitloom_conv_bases_rows *layer, const bitloom_bases_patch *taps) {
    const uint32_t words = words_of((uint32_t)layer->block_outputs * layer->base.bases);
    rows_work w;
    w.list = taps->work;
    w.pairs = w.list + layer->list;
    w.counters = w.pairs + 2U * (layer->list / 16U + 8U);
    w.counts = w.counters + words * layer->counters;
    w.ones = layer->ones;
    w.plane_words = 0U;
    w.planes = 0U;
    w.flips = 0U;
    w.first = BITLOOM_CONV_ROWS_UNIT * BITLOOM_CONV_BASES_ROWS_BLOCK;
    w.words = 0U;
    return w;
}

/* The block that begins with an output of the group, and has these words. */
static void take_block(const bitloom_conv_bases_rows *layer, uint32_t words, rows_work *w) {
    w->words = words;
    w->plane_words = (layer->wide != 0U ? 16U : 8U) * words;
}

/* All outputs of a group of the pixel that has been gathered. */
static void sum_group(const bitloom_conv_bases_rows *layer, const bitloom_bases_patch *taps, uint32_t group,
                      bitloom_bases_results *to) {
    const bitloom_conv_bases *base = &layer->base;
    const uint32_t end = (group + 1U) * base->group_outputs;
    const uint32_t inputs = bitloom_bases_inputs(base);
    const uint32_t blocks = base->group_outputs / layer->block_outputs;
    const uint32_t rest = base->group_outputs - blocks * layer->block_outputs;
    const uint32_t before = group * (blocks * words_of((uint32_t)layer->block_outputs * base->bases) +
                                     words_of(rest * base->bases));
    rows_work w = work_in(layer, taps);
    uint32_t n = group * base->group_outputs;
    flip_planes(base, taps, &w);
    take_block(layer, before, &w);
    while (n < end) {
        const uint32_t outputs = lesser(layer->block_outputs, end - n);
        uint32_t q;
        /* Behind the block before. */
        w.first += BITLOOM_CONV_ROWS_UNIT * inputs * w.words;
        w.ones += w.plane_words;
        take_block(layer, words_of(outputs * base->bases), &w);
        count_block(layer, taps, &w);
        for (q = 0U; q < outputs * base->bases; q += base->bases, n++) {
            multiply(layer, taps, &w, q);
            bitloom_bases_put(base, taps, n, to);
        }
    }
}

#define BASE(LAYER) (&(LAYER)->base)

BITLOOM_BASES_FORM(bitloom_conv_bases_rows, bitloom_conv_bases_rows, BASE, sum_group)
