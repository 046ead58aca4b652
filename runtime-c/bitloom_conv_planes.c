/*
 * Schedule of bitloom_conv_planes: which tables are built when, and what is added to which counters.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_planes.h"

#include "bitloom_conv_pairs_work.h"
#include "bitloom_conv_planes_core.h"

#define NOTHING 0xffffffffU

typedef struct {
    const bitloom_conv_planes *layer;
    bitloom_conv_pairs_work base;
    bitloom_conv_planes_run run;
    uint32_t words_per_piece; /* of weights */
    uint32_t group_inputs;    /* 6 or 3 */
    uint32_t *row; /* one plane of a kernel row's inputs, each kernel column by itself, then zeros */
    uint32_t row_inputs;
    uint32_t *parts;    /* [span][planes + 1]: what each line adds to P, modulo 2^(planes + 1) */
    uint32_t *part_ids; /* [span] */
    uint32_t *lowest;   /* [slots]: plane 0 of P */
    uint32_t *sum;      /* P */
    uint32_t *results;  /* [output_planes][block], with classes twice: what one class has, and all */
    uint32_t *tables;
    uint32_t *states; /* [slots][block][planes] */
} work;

static inline uint32_t *take(uint32_t **scratch, uint32_t words) {
    uint32_t *taken = *scratch;
    *scratch += words;
    return taken;
}

/* Where everything is in the scratch: src/kernels/conv-planes-sizes.ts counts the same. */
static void lay_out(work *w, const bitloom_conv_planes *layer, uint32_t *scratch) {
    const bitloom_conv_pairs *base = &layer->base;
    const uint32_t span = (base->kernel_height - 1U) * (uint32_t)base->dilation_y + 1U;
    const uint32_t is_six = layer->kind == BITLOOM_CONV_PLANES_SIXES ? 1U : 0U;
    w->layer = layer;
    w->base.span = span;
    w->group_inputs = is_six != 0U ? 6U : 3U;
    w->words_per_piece = base->piece;
    w->row_inputs = 4U * w->group_inputs * layer->words;
    w->base.lines.slots = take(&scratch, base->line_words);
    w->base.lines.ids = take(&scratch, 1U);
    w->row = take(&scratch, w->row_inputs);
    w->part_ids = take(&scratch, span);
    w->parts = take(&scratch, is_six != 0U ? span * (layer->planes + 1U) : 0U);
    w->lowest = take(&scratch, base->slots);
    w->sum = take(&scratch, BITLOOM_CONV_PLANES_MAX_PLANES + 1U);
    w->results = take(&scratch, layer->output_planes * (uint32_t)base->block *
                                    (base->pad == BITLOOM_CONV_PAIRS_PAD_ZERO ? 2U : 1U));
    w->tables =
        take(&scratch, 4U * w->words_per_piece *
                           (is_six != 0U ? BITLOOM_CONV_PLANES_SIX_WORDS : BITLOOM_CONV_PLANES_THREE_WORDS));
    w->states = scratch;
}

/* Plane `plane` of line r as a kernel row's inputs. */
static void load_row(work *w, uint32_t r, uint32_t plane) {
    const bitloom_conv_pairs *base = &w->layer->base;
    bitloom_conv_pairs_lines *lines = &w->base.lines;
    const uint32_t group_channel = lines->first_channel;
    const uint32_t *line;
    uint32_t *to = w->row;
    uint32_t kx;
    lines->first_channel += plane * base->channels;
    lines->ids[0] = NOTHING;
    line = bitloom_conv_pairs_line(lines, r);
    lines->first_channel = group_channel;
    for (kx = 0U; kx < base->kernel_width; kx++) {
        const uint32_t *column = base->columns + 3U * kx;
        bitloom_conv_planes_turn(line + column[0], lines->channels, column[1], column[2], to);
        to += lines->channels;
    }
    while (to < w->row + w->row_inputs)
        *to++ = 0U;
}

/* sum += factor * number, modulo 2^total. */
static void add_times(uint32_t *sum, uint32_t total, const uint32_t *number, uint32_t planes,
                      int32_t factor) {
    const uint32_t flip = factor < 0 ? 0xffffffffU : 0U;
    uint32_t size = (uint32_t)(factor < 0 ? -factor : factor);
    uint32_t i, shift;
    /* a - b = ~(~a + b) */
    for (i = 0U; i < total; i++)
        sum[i] ^= flip;
    for (shift = 0U; size != 0U && shift < total; shift++) {
        if ((size & 1U) != 0U) {
            const uint32_t kept = planes < total - shift ? planes : total - shift;
            bitloom_conv_pairs_add(sum + shift, total - shift, number, kept, 0U, 0xffffffffU);
        }
        size >>= 1;
    }
    for (i = 0U; i < total; i++)
        sum[i] ^= flip;
}

/* sum += `ones` times the sum of the row's inputs, x ^ 0 of each: side by side in the place of the tables. */
static void add_ones(work *w, uint32_t *sum, uint32_t total) {
    const uint32_t planes = w->layer->row_planes + 1U;
    const uint32_t most = 2U * BITLOOM_CONV_PLANES_SIX_WORDS * w->words_per_piece;
    uint32_t number[BITLOOM_CONV_PLANES_MAX_PLANES + 2U];
    uint32_t from, i;
    for (from = 0U; from < w->row_inputs; from += most) {
        const uint32_t left = w->row_inputs - from;
        const uint32_t count = left < most ? left : most;
        for (i = 0U; i < count; i++) {
            w->tables[2U * i] = w->row[from + i];
            w->tables[2U * i + 1U] = 0U;
        }
        bitloom_conv_pairs_count(w->tables, 2U * count, number, planes);
        add_times(sum, total, number, planes, w->layer->ones);
    }
}

/* What line r adds to P. */
static const uint32_t *part_of(work *w, uint32_t r) {
    const bitloom_conv_planes *layer = w->layer;
    const uint32_t slot = r % w->base.span;
    const uint32_t total = layer->planes + 1U;
    uint32_t *part = w->parts + slot * total;
    uint32_t number[BITLOOM_CONV_PLANES_MAX_PLANES + 2U];
    uint32_t plane, j;
    int32_t size = 0;
    if (w->part_ids[slot] == r)
        return part;
    w->part_ids[slot] = r;
    for (j = 0U; j < layer->weight_planes; j++)
        size += (int32_t)(1U << layer->shifts[j]);
    for (j = 0U; j < total; j++)
        part[j] = 0U;
    for (plane = 0U; plane < layer->input_planes; plane++) {
        load_row(w, r, plane);
        bitloom_conv_pairs_count(w->row, w->row_inputs, number, layer->row_planes);
        add_times(part + plane, total - plane, number, layer->row_planes, size);
        if (layer->ones != 0)
            add_ones(w, part + plane, total - plane);
    }
    return part;
}

/* P of tile t. */
static void sum_parts(work *w, uint32_t t) {
    const bitloom_conv_planes *layer = w->layer;
    const bitloom_conv_pairs *base = &layer->base;
    const uint32_t total = layer->planes + 1U;
    uint32_t ky, i;
    for (i = 0U; i < total; i++)
        w->sum[i] = 0U - (((uint32_t)layer->constant >> i) & 1U);
    for (ky = 0U; ky < base->kernel_height && layer->kind == BITLOOM_CONV_PLANES_SIXES; ky++) {
        bitloom_conv_pairs_add(w->sum, total, part_of(w, t * base->stride_y + ky * base->dilation_y), total,
                               0U, 0xffffffffU);
    }
}

/* Counters of every output of tile t start from P. */
static void start(work *w, uint32_t t, uint32_t *state) {
    sum_parts(w, t);
    w->lowest[t % w->layer->base.slots] = w->sum[0];
    bitloom_conv_planes_fill(w->sum + 1, w->layer->planes, w->base.outputs, state);
}

/* The codes of the pixels of each class of a tile, put together. */
static void merge_classes(work *w, uint32_t t, bitloom_conv_planes_counters *counters) {
    const bitloom_conv_planes *layer = w->layer;
    const uint32_t words = layer->output_planes * (uint32_t)layer->base.block;
    uint32_t *merged = w->results + words;
    uint32_t classes[32];
    uint32_t pixels[32];
    const uint32_t count = bitloom_conv_pairs_classes(&w->base, t, classes, pixels);
    const uint16_t *first = counters->thresholds;
    uint32_t class, i;
    for (i = 0U; i < words; i++)
        merged[i] = 0U;
    for (class = 0U; class < count; class ++) {
        counters->thresholds = first + classes[class] * ((uint32_t)layer->outputs * layer->levels);
        bitloom_conv_planes_codes(counters);
        for (i = 0U; i < words; i++)
            merged[i] |= w->results[i] & pixels[class];
    }
}

/* The output codes of tile t. */
static void finish(work *w, uint32_t t, const uint32_t *state) {
    const bitloom_conv_planes *layer = w->layer;
    const uint32_t first = w->base.first_output;
    const uint32_t distance = layer->base.block;
    const uint32_t *results = w->results;
    bitloom_conv_planes_counters counters;
    uint32_t plane;
    counters.state = state;
    counters.thresholds = layer->thresholds + first * layer->levels;
    counters.lowest = w->lowest[t % layer->base.slots];
    counters.outputs = w->base.outputs;
    counters.planes = layer->planes;
    counters.levels = layer->levels;
    counters.results = w->results;
    counters.output_planes = layer->output_planes;
    counters.distance = distance;
    if (layer->base.pad == BITLOOM_CONV_PAIRS_PAD_ZERO) {
        merge_classes(w, t, &counters);
        results += layer->output_planes * distance;
    } else {
        bitloom_conv_planes_codes(&counters);
    }
    for (plane = 0U; plane < layer->output_planes; plane++) {
        bitloom_conv_pairs_store(&w->base, t, results);
        results += distance;
        w->base.first_output += layer->outputs;
    }
    w->base.first_output = first;
}

/* Adds a piece of plane `plane` of kernel row ky, whose tables have been built, to the counters of tile t. */
static void run_piece(work *w, uint32_t ky, uint32_t plane, uint32_t first_word, uint32_t *state) {
    const bitloom_conv_planes *layer = w->layer;
    uint32_t j;
    w->run.weights =
        w->base.weights + (ky * layer->words + first_word) * w->base.outputs * layer->weight_planes;
    for (j = 0U; j < layer->weight_planes; j++) {
        w->run.state = state + plane + layer->shifts[j];
        if (layer->kind == BITLOOM_CONV_PLANES_SIXES)
            bitloom_conv_planes_add_sixes(&w->run);
        else
            bitloom_conv_planes_add_threes(&w->run);
        w->run.weights += w->run.words * w->base.outputs;
    }
}

/* Tile whose kernel row ky is line r, or a great number. */
static uint32_t tile_of(const bitloom_conv_pairs *base, uint32_t r, uint32_t ky) {
    const uint32_t top = r - ky * base->dilation_y;
    const uint32_t t = top / base->stride_y;
    return t * base->stride_y == top ? t : NOTHING;
}

/* One plane of line r, for those of the tiles [first, first + count) that it touches. */
static void line_plane(work *w, uint32_t r, uint32_t plane, uint32_t first, uint32_t count) {
    const bitloom_conv_planes *layer = w->layer;
    const bitloom_conv_pairs *base = &layer->base;
    const uint32_t *row = w->row;
    uint32_t word, ky;
    load_row(w, r, plane);
    for (word = 0U; word < layer->words; word += w->words_per_piece) {
        const uint32_t left = layer->words - word;
        w->run.words = left < w->words_per_piece ? left : w->words_per_piece;
        if (layer->kind == BITLOOM_CONV_PLANES_SIXES)
            bitloom_conv_planes_sixes(row, 4U * w->run.words, w->tables);
        else
            bitloom_conv_planes_threes(row, 4U * w->run.words, w->tables);
        row += 4U * w->group_inputs * w->run.words;
        for (ky = 0U; ky < base->kernel_height; ky++) {
            const uint32_t t = tile_of(base, r, ky);
            if (t - first < count)
                run_piece(w, ky, plane, word,
                          w->states + (t % base->slots) * base->block * (uint32_t)layer->planes);
        }
    }
}

/* The tiles [first, first + count). */
static void row_tiles(work *w, uint32_t first, uint32_t count) {
    const bitloom_conv_pairs *base = &w->layer->base;
    const uint32_t end = (first + count - 1U) * base->stride_y + w->base.span;
    const uint32_t state_words = base->block * (uint32_t)w->layer->planes;
    uint32_t r, plane;
    for (r = first * base->stride_y; r < end; r++) {
        const uint32_t starts = tile_of(base, r, 0U);
        const uint32_t ends = tile_of(base, r, base->kernel_height - 1U);
        uint32_t ky, touched = 0U;
        for (ky = 0U; ky < base->kernel_height; ky++)
            touched |= tile_of(base, r, ky) - first < count ? 1U : 0U;
        if (starts - first < count)
            start(w, starts, w->states + (starts % base->slots) * state_words);
        for (plane = 0U; plane < w->layer->input_planes && touched != 0U; plane++)
            line_plane(w, r, plane, first, count);
        if (ends - first < count)
            finish(w, ends, w->states + (ends % base->slots) * state_words);
    }
}

/* The outputs of one group on one column of tiles, block by block. */
static void group_tiles(work *w, uint32_t group) {
    const bitloom_conv_planes *layer = w->layer;
    const bitloom_conv_pairs *base = &layer->base;
    const uint32_t outputs = (uint32_t)layer->outputs / base->groups;
    const uint32_t words = base->kernel_height * (uint32_t)layer->words * layer->weight_planes;
    uint32_t done, i;
    w->base.lines.first_channel = group * w->base.lines.channels;
    w->base.lines.first_column = (int32_t)(w->base.x0 * base->stride_x) - (int32_t)base->pad_left;
    for (i = 0U; i < w->base.span; i++)
        w->part_ids[i] = NOTHING;
    for (done = 0U; done < outputs; done += base->block) {
        w->base.first_output = group * outputs + done;
        w->base.outputs = outputs - done < base->block ? outputs - done : base->block;
        w->base.weights = layer->weights + w->base.first_output * words;
        w->run.outputs = w->base.outputs;
        if (base->scheme == BITLOOM_CONV_PAIRS_ROWS) {
            row_tiles(w, 0U, w->base.tiles);
        } else {
            for (i = 0U; i < w->base.tiles; i++)
                row_tiles(w, i, 1U);
        }
    }
}

BITLOOM_CONV_PAIRS_SMALL
void bitloom_conv_planes_threshold(const bitloom_conv_planes *layer, const bitloom_const_ring *inputs,
                                   const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    work w;
    uint32_t group;
    if (y0 >= y1)
        return;
    bitloom_conv_pairs_begin(&w.base, &layer->base, inputs, output, y0, y1);
    lay_out(&w, layer, (uint32_t *)scratch);
    w.run.planes = layer->planes;
    w.run.tables = w.tables;
    for (w.base.x0 = 0U; w.base.x0 < layer->base.output_width; w.base.x0 += 32U) {
        for (group = 0U; group < layer->base.groups; group++)
            group_tiles(&w, group);
    }
}
