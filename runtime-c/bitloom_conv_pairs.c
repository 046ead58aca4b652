/*
 * Schedule of bitloom_conv_pairs: which tables are built when, and what is added to which counters.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs.h"

#include <string.h>

#include "bitloom_conv_pairs_work.h"

#define NOTHING 0xffffffffU
/* A sum's planes, and zeros. */
#define SUM_WORDS (BITLOOM_CONV_PAIRS_MAX_PLANES + 1U)

typedef bitloom_conv_pairs_work work;

static inline uint32_t *take(uint32_t **scratch, uint32_t words) {
    uint32_t *taken = *scratch;
    *scratch += words;
    return taken;
}

/* Where everything is in the scratch: src/kernels/conv-pairs-sizes.ts counts the same. */
static void lay_out(work *w, const bitloom_conv_pairs *layer, uint32_t *scratch) {
    const uint32_t lines = layer->line_slots == 0U ? 1U : layer->line_slots;
    w->span = (layer->kernel_height - 1U) * (uint32_t)layer->dilation_y + 1U;
    w->sum = take(&scratch, SUM_WORDS);
    w->lines.slots = take(&scratch, lines * layer->line_words);
    memset(w->sum, 0, sizeof(uint32_t) * (SUM_WORDS + (layer->line_slots == 0U ? layer->line_words : 0U)));
    w->table_ids = take(&scratch, layer->kernel_height);
    w->lines.ids = take(&scratch, layer->line_slots);
    w->parity_ids = take(&scratch, w->span);
    w->parity = take(&scratch, w->span * (layer->planes + 1U));
    w->low = take(&scratch, layer->slots * BITLOOM_CONV_PAIRS_VERSION_WORDS);
    w->tables = take(&scratch, (layer->pieces == 1U ? layer->words : (uint32_t)layer->piece) *
                                   BITLOOM_CONV_PAIRS_TABLE_WORDS);
    w->presets = (uint16_t *)scratch;
    w->states = scratch;
    if (layer->pad == BITLOOM_CONV_PAIRS_PAD_ZERO)
        w->states += (layer->block + 1U) / 2U;
}

static void forget(uint32_t *ids, uint32_t count) {
    while (count-- != 0U)
        *ids++ = NOTHING;
}

/* Builds the tables of groups [from, to) of a line. */
static void build(const work *w, const uint32_t *line, uint32_t from, uint32_t to, uint32_t *tables) {
    const uint32_t column_groups = w->lines.words / 4U;
    uint32_t kx = 0U;
    uint32_t first = from;
    for (; first >= column_groups; first -= column_groups)
        kx++;
    for (; from < to; kx++) {
        const uint32_t *column = w->layer->columns + 3U * kx;
        const uint32_t left = column_groups - first;
        const uint32_t groups = left < to - from ? left : to - from;
        bitloom_conv_pairs_tables(line + column[0] + 4U * first, groups, column[1], column[2], tables);
        tables += groups * BITLOOM_CONV_PAIRS_GROUP_WORDS;
        from += groups;
        first = 0U;
    }
}

/* Groups that fill up a word have weights 1111: their last entry is (0, 0). */
static void fill_up(uint32_t *tables, uint32_t groups, uint32_t words) {
    for (; groups < 8U * words; groups++) {
        tables[(groups + 1U) * BITLOOM_CONV_PAIRS_GROUP_WORDS - 2U] = 0U;
        tables[(groups + 1U) * BITLOOM_CONV_PAIRS_GROUP_WORDS - 1U] = 0U;
    }
}

/* WINDOW: makes tables of line r in slot `ky`, perhaps from those of a later kernel row. */
static void window_row(const work *w, uint32_t ky, uint32_t r, uint32_t is_ring) {
    const uint32_t row_groups = w->layer->row_groups;
    const uint32_t row_words = row_groups * BITLOOM_CONV_PAIRS_GROUP_WORDS;
    const uint32_t rows = w->layer->kernel_height;
    uint32_t *tables = w->tables + ky * row_words;
    uint32_t later = ky + 1U;
    while (later < rows && w->table_ids[later] != r)
        later++;
    if (later < rows && is_ring == 0U) {
        bitloom_conv_pairs_copy(w->tables + later * row_words, row_groups, tables);
    } else {
        build(w, bitloom_conv_pairs_counted_line(w, r), 0U, row_groups, tables);
    }
    w->table_ids[ky] = r;
}

/*
 * Where rows are whole threes of words, their tables stay where they are, and the list of tables is turned:
 * it is there twice.
 */
static void window_tiles(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t is_ring = layer->row_groups % 24U == 0U ? 1U : 0U;
    const uint32_t rows = layer->kernel_height;
    uint32_t slot = 0U;
    uint32_t first = 0U;
    uint32_t t, ky;
    w->run.words = layer->words;
    w->run.weights = w->weights;
    fill_up(w->tables, rows * layer->row_groups, layer->words);
    for (t = 0U; t < w->tiles; t++) {
        uint32_t r = first;
        if (is_ring != 0U) {
            slot = (first / layer->dilation_y) % rows;
            w->run.tables = w->table_list + slot * (layer->row_groups / 8U);
        }
        for (ky = 0U; ky < rows; ky++) {
            if (w->table_ids[slot] != r)
                window_row(w, slot, r, is_ring);
            r += layer->dilation_y;
            slot = slot + 1U == rows ? 0U : slot + 1U;
        }
        bitloom_conv_pairs_run_tile(w, t, 1U, 1U);
        first += layer->stride_y;
    }
}

/* Builds the tables of a piece of line r. */
static void build_piece(work *w, uint32_t r, uint32_t piece) {
    const uint32_t first = piece * w->layer->piece;
    const uint32_t left = w->layer->words - first;
    const uint32_t words = left < w->layer->piece ? left : w->layer->piece;
    const uint32_t groups = w->layer->row_groups - 8U * first;
    w->run.words = words;
    build(w, bitloom_conv_pairs_line(&w->lines, r), 8U * first,
          8U * first + (8U * words < groups ? 8U * words : groups), w->tables);
    fill_up(w->tables, groups, words);
}

/* Counts the lines of tile t: before its run, on the stack of which they would be deeper. */
BITLOOM_CONV_PAIRS_SMALL static void count_lines(const work *w, uint32_t t) {
    const bitloom_conv_pairs *layer = w->layer;
    uint32_t r = t * layer->stride_y;
    uint32_t ky;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        (void)bitloom_conv_pairs_counted_line(w, r);
        r += layer->dilation_y;
    }
}

/* The run of kernel row ky and a piece, whose tables have been built. */
static void run_piece(work *w, uint32_t t, uint32_t ky, uint32_t piece) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t is_first = (ky | piece) == 0U ? 1U : 0U;
    w->run.weights = w->weights + (ky * layer->words + piece * layer->piece) * w->outputs;
    if (is_first != 0U)
        count_lines(w, t);
    bitloom_conv_pairs_run_tile(w, t, is_first,
                                ky == layer->kernel_height - 1U && piece == layer->pieces - 1U ? 1U : 0U);
}

/* Each input row is built once, for those of `count` tiles that it touches, the one that it ends first. */
static void row_tiles(work *w, uint32_t first, uint32_t count) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t end = (first + count - 1U) * layer->stride_y + w->span;
    uint32_t r, piece, ky;
    for (r = first * layer->stride_y; r < end; r++) {
        for (piece = 0U; piece < layer->pieces; piece++) {
            uint32_t is_built = 0U;
            for (ky = layer->kernel_height; ky-- != 0U;) {
                const uint32_t top = r - ky * layer->dilation_y;
                const uint32_t t = top / layer->stride_y;
                /* A row above the map is a great number. */
                if (t * layer->stride_y != top || t - first >= count)
                    continue;
                if (is_built == 0U)
                    build_piece(w, r, piece);
                is_built = 1U;
                run_piece(w, t, ky, piece);
            }
        }
    }
}

static void block_tiles(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t *tables = w->tables;
    uint32_t i;
    forget(w->table_ids, layer->kernel_height);
    w->run.tables = w->table_list;
    w->run.outputs = w->outputs;
    w->run.planes = layer->planes;
    w->run.high = w->sum + 4;
    for (i = 0U; i < 2U * BITLOOM_CONV_PAIRS_MAX_RUN; i++) {
        if (i == layer->words)
            tables = w->tables;
        w->table_list[i] = tables;
        tables += BITLOOM_CONV_PAIRS_TABLE_WORDS;
    }
    for (i = 0U; i < w->outputs && layer->pad == BITLOOM_CONV_PAIRS_PAD_ZERO; i++)
        w->presets[i] = (uint16_t)(1U << layer->planes);
    if (layer->scheme == BITLOOM_CONV_PAIRS_WINDOW) {
        window_tiles(w);
    } else {
        /* One call, which compilers make part of this function: no frame of its own. */
        const uint32_t count = layer->scheme == BITLOOM_CONV_PAIRS_ROWS ? w->tiles : 1U;
        for (i = 0U; i < w->tiles; i += count)
            row_tiles(w, i, count);
    }
}

/* The outputs of one group on one column of tiles, block by block. */
static void group_tiles(work *w, uint32_t group) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t outputs = (uint32_t)layer->outputs / layer->groups;
    const uint32_t words = layer->scheme == BITLOOM_CONV_PAIRS_WINDOW
                               ? layer->words
                               : layer->kernel_height * (uint32_t)layer->words;
    uint32_t done;
    forget(w->parity_ids, w->span);
    w->lines.first_channel = group * w->lines.channels;
    w->lines.first_column = (int32_t)(w->x0 * layer->stride_x) - (int32_t)layer->pad_left;
    forget(w->lines.ids, layer->line_slots);
    for (done = 0U; done < outputs; done += layer->block) {
        w->first_output = group * outputs + done;
        w->outputs = outputs - done < layer->block ? outputs - done : layer->block;
        w->weights = layer->weights + w->first_output * words;
        w->thresholds = layer->thresholds + w->first_output;
        block_tiles(w);
    }
}

BITLOOM_CONV_PAIRS_SMALL
void bitloom_conv_pairs_threshold(const bitloom_conv_pairs *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    work w;
    uint32_t group;
    if (y0 >= y1)
        return;
    bitloom_conv_pairs_begin(&w, layer, inputs, output, y0, y1);
    lay_out(&w, layer, (uint32_t *)scratch);
    for (w.x0 = 0U; w.x0 < layer->output_width; w.x0 += 32U) {
        for (group = 0U; group < layer->groups; group++)
            group_tiles(&w, group);
    }
}
