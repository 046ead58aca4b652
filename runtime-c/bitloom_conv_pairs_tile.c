/*
 * One tile of bitloom_conv_pairs: the counters that it starts from, and its output bits.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_work.h"

typedef bitloom_conv_pairs_work work;

/* Narrow output rows share a word; the rows of one call are split into as many bands. */
static void split_rows(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t bytes = bitloom_conv_pairs_unit(layer->output_width);
    const uint32_t rows = w->y1 - w->y0;
    const uint32_t lanes = bytes < 4U ? 4U / bytes : 1U;
    w->unit_bytes = bytes;
    w->tiles = (rows + lanes - 1U) / lanes;
    w->lines.lane_bits = 32U / lanes;
    w->lines.lanes = (rows + w->tiles - 1U) / w->tiles;
    w->lines.lane_step = w->tiles * layer->stride_y;
    w->lines.first_row = (int32_t)(w->y0 * layer->stride_y) - (int32_t)layer->pad_top;
}

BITLOOM_CONV_PAIRS_SMALL void bitloom_conv_pairs_begin(bitloom_conv_pairs_work *w,
                                                       const bitloom_conv_pairs *layer,
                                                       const bitloom_const_ring *inputs,
                                                       const bitloom_ring *output, uint32_t y0, uint32_t y1) {
    w->layer = layer;
    w->output = output;
    w->y0 = y0;
    w->y1 = y1;
    w->lines.layer = layer;
    w->lines.input = inputs;
    w->lines.channels = (uint32_t)layer->channels / layer->groups;
    w->lines.words = (w->lines.channels + 3U) & ~3U;
    w->lines.unit_bytes = bitloom_conv_pairs_unit(layer->width);
    w->lines.unit_words = (layer->width + 31U) / 32U;
    w->lines.last_word = 0xffffffffU >> (0U - layer->width) % 32U;
    split_rows(w);
}

/* Where line r's sum of x ^ y is kept. */
static inline uint32_t parity_slot(const work *w, uint32_t r) {
    return r < w->span ? r : r % w->span;
}

BITLOOM_CONV_PAIRS_SMALL const uint32_t *bitloom_conv_pairs_counted_line(const work *w, uint32_t r) {
    const uint32_t *line = bitloom_conv_pairs_line(&w->lines, r);
    const uint32_t slot = parity_slot(w, r);
    if (w->parity_ids[slot] != r) {
        bitloom_conv_pairs_parity(&w->lines, line, w->parity + slot * (w->layer->planes + 1U));
        w->parity_ids[slot] = r;
    }
    return line;
}

/* Line r's sum of x ^ y, which has been counted. */
BITLOOM_CONV_PAIRS_SMALL static const uint32_t *parity_of(const work *w, uint32_t r) {
    return w->parity + parity_slot(w, r) * (w->layer->planes + 1U);
}

/* Sum over the kernel rows of what is known of every line of tile t, `planes` planes each. */
BITLOOM_CONV_PAIRS_SMALL static void sum_rows(const work *w, uint32_t t, uint32_t *sum, uint32_t total,
                                              uint32_t planes) {
    const uint32_t first = t * w->layer->stride_y;
    const uint32_t step = w->layer->dilation_y;
    const uint32_t *rows[3];
    uint32_t ky, i;
    rows[0] = parity_of(w, first);
    if (w->layer->kernel_height == 3U && total >= planes + 2U) {
        rows[1] = parity_of(w, first + step);
        rows[2] = parity_of(w, first + 2U * step);
        bitloom_conv_pairs_add_rows(sum, total, rows, planes);
        return;
    }
    for (i = 0U; i < total; i++)
        sum[i] = i < planes ? rows[0][i] : 0U;
    for (ky = 1U; ky < w->layer->kernel_height; ky++)
        bitloom_conv_pairs_add(sum, total, parity_of(w, first + ky * step), planes, 0U, 0xffffffffU);
}

/* A of tile t. */
static void sum_parity(const work *w, uint32_t t) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t total = layer->planes + 1U;
    const uint32_t width = layer->kernel_width;
    uint32_t number[BITLOOM_CONV_PAIRS_MAX_PLANES + 3U];
    uint32_t kx, i;
    if (layer->phases != 1U || (width == 1U && layer->columns[1] == 0U)) {
        sum_rows(w, t, w->sum, total, width == 1U ? layer->pair_planes : layer->row_planes);
        return;
    }
    /* Kernel rows first: what they add up to is turned once. */
    sum_rows(w, t, number,
             layer->pair_planes + 2U < layer->high_planes ? layer->high_planes : layer->pair_planes + 2U,
             layer->pair_planes);
    if (width == 3U && total >= layer->high_planes + 2U) {
        bitloom_conv_pairs_add_columns(w->sum, total, number, layer->high_planes, layer->columns);
        return;
    }
    for (i = 0U; i < total; i++)
        w->sum[i] = 0U;
    for (kx = 0U; kx < width; kx++) {
        bitloom_conv_pairs_add(w->sum, total, number, layer->high_planes, layer->columns[3U * kx + 1U],
                               layer->columns[3U * kx + 2U]);
    }
}

BITLOOM_CONV_PAIRS_SMALL uint32_t bitloom_conv_pairs_classes(const bitloom_conv_pairs_work *w, uint32_t t,
                                                             uint32_t *classes, uint32_t *pixels) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t left = layer->output_width - w->x0;
    const uint32_t width = left < w->lines.lane_bits ? left : w->lines.lane_bits;
    uint32_t count = 0U;
    uint32_t lane, x;
    for (lane = 0U; lane < w->lines.lanes; lane++) {
        const uint32_t y = w->y0 + t + lane * w->tiles;
        const uint32_t row = y < w->y1 ? layer->row_classes[y] * (uint32_t)layer->column_class_count : 0U;
        for (x = 0U; x < width && y < w->y1; x++) {
            const uint32_t class = row + layer->column_classes[w->x0 + x];
            uint32_t i = 0U;
            while (i < count && classes[i] != class)
                i++;
            if (i == count) {
                classes[count++] = class;
                pixels[i] = 0U;
            }
            pixels[i] |= 1U << (lane * w->lines.lane_bits + x);
        }
    }
    return count;
}

/* Bit i of a threshold in all pixels. */
static inline uint32_t spread(uint32_t threshold, uint32_t i) {
    return 0U - ((threshold >> i) & 1U);
}

/* a - b - borrow. */
static inline uint32_t subtract(uint32_t a, uint32_t b, uint32_t *borrow) {
    const uint32_t difference = a ^ b ^ *borrow;
    *borrow = (~a & (b | *borrow)) | (b & *borrow);
    return difference;
}

/* Bits [first, first + 4) of every pixel's threshold: that of an output in the pixel's class. */
static inline void threshold_bits(const uint16_t *thresholds, const uint32_t *classes, const uint32_t *pixels,
                                  uint32_t count, uint32_t first, uint32_t *bits) {
    uint32_t a = 0U;
    uint32_t b = 0U;
    uint32_t c = 0U;
    uint32_t d = 0U;
    uint32_t k;
    for (k = 0U; k < count; k++) {
        const uint32_t threshold = (uint32_t)thresholds[classes[k]] >> first;
        const uint32_t mask = pixels[k];
        a |= spread(threshold, 0U) & mask;
        b |= spread(threshold, 1U) & mask;
        c |= spread(threshold, 2U) & mask;
        d |= spread(threshold, 3U) & mask;
    }
    bits[0] = a;
    bits[1] = b;
    bits[2] = c;
    bits[3] = d;
}

/*
 * Counters of every output start from A - t + 2^planes of each pixel, without its lowest bit. `room` is 64
 * words: on the stack every layer would pay for them, whatever its padding. Not inlined for the same reason.
 */
BITLOOM_CONV_PAIRS_SMALL BITLOOM_NOINLINE static void preset_states(const work *w, uint32_t t, uint32_t *room,
                                                                    uint32_t *state) {
    uint32_t *classes = room; /* then: where their thresholds begin */
    uint32_t *pixels = room + 32;
    const uint32_t planes = w->layer->planes;
    const uint32_t count = bitloom_conv_pairs_classes(w, t, classes, pixels);
    uint32_t output, i;
    for (i = 0U; i < count; i++)
        classes[i] *= w->layer->outputs;
    for (output = 0U; output < w->outputs; output++) {
        uint32_t bits[BITLOOM_CONV_PAIRS_MAX_PLANES + 4U];
        uint32_t borrow = 0U;
        for (i = 0U; i <= planes; i += 4U)
            threshold_bits(w->thresholds + output, classes, pixels, count, i, bits + i);
        (void)subtract(w->sum[0], bits[0], &borrow);
        for (i = 1U; i <= planes; i++)
            *state++ = subtract(w->sum[i], bits[i], &borrow);
        state[-1] ^= 0xffffffffU;
    }
}

static uint8_t *output_units(const work *w, uint32_t y) {
    return (uint8_t *)bitloom_row(w->output, y) + w->first_output * w->unit_bytes + w->x0 / 8U;
}

/* A row ends at a whole word: the bytes after its last unit are zero. */
static void end_row(const work *w, uint8_t *units) {
    const uint32_t bytes = w->unit_bytes;
    uint32_t i;
    if (w->first_output + w->outputs != w->layer->outputs)
        return;
    for (i = w->layer->outputs * bytes; i % 4U != 0U; i++)
        units[i - w->first_output * bytes] = 0U;
}

BITLOOM_CONV_PAIRS_SMALL void bitloom_conv_pairs_store(const bitloom_conv_pairs_work *w, uint32_t t,
                                                       const uint32_t *results) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t bytes = w->unit_bytes;
    const uint32_t left = layer->output_width - w->x0;
    const uint32_t mask = left < 32U ? (1U << left) - 1U : 0xffffffffU;
    uint32_t lane, i;
    if (layer->output_width == 16U && w->first_output % 2U == 0U && w->outputs % 4U == 0U &&
        w->y0 + t + w->tiles < w->y1) {
        bitloom_conv_pairs_unzip(results, (uint32_t *)(void *)output_units(w, w->y0 + t),
                                 (uint32_t *)(void *)output_units(w, w->y0 + t + w->tiles), w->outputs);
        return;
    }
    for (lane = 0U; lane < w->lines.lanes; lane++) {
        const uint32_t y = w->y0 + t + lane * w->tiles;
        const uint32_t shift = lane * w->lines.lane_bits;
        uint8_t *row;
        if (y >= w->y1)
            break;
        row = output_units(w, y);
        end_row(w, row);
        if (bytes == 1U) {
            for (i = 0U; i < w->outputs; i++)
                row[i] = (uint8_t)((results[i] >> shift) & mask);
        } else if (bytes == 2U) {
            uint16_t *units = (uint16_t *)(void *)row;
            for (i = 0U; i < w->outputs; i++)
                units[i] = (uint16_t)((results[i] >> shift) & mask);
        } else {
            uint32_t *units = (uint32_t *)(void *)row;
            for (i = 0U; i < w->outputs; i++)
                units[i * (bytes / 4U)] = results[i] & mask;
        }
    }
}

/* Whether the results of a tile are the output row as it is stored. */
static uint32_t *result_row(const work *w, uint32_t t) {
    if (w->layer->output_width != 32U)
        return NULL;
    return (uint32_t *)bitloom_row(w->output, w->y0 + t) + w->first_output;
}

BITLOOM_CONV_PAIRS_SMALL void bitloom_conv_pairs_run_tile(work *w, uint32_t t, uint32_t is_first,
                                                          uint32_t is_last) {
    bitloom_conv_pairs_run *run = &w->run;
    const uint32_t slot = t % w->layer->slots;
    uint32_t *low = w->low + slot * BITLOOM_CONV_PAIRS_VERSION_WORDS;
    uint32_t *row = is_last != 0U ? result_row(w, t) : NULL;
    run->low = low;
    run->state = w->states + slot * (w->layer->block * (uint32_t)w->layer->planes);
    run->results = row != NULL ? row : run->state;
    run->thresholds = w->thresholds;
    if (is_first != 0U) {
        sum_parity(w, t);
        if (w->layer->pad == BITLOOM_CONV_PAIRS_PAD_ZERO)
            preset_states(w, t, low, run->state); /* while the versions are not there yet */
        bitloom_conv_pairs_versions(w->sum, low);
    }
    if (w->layer->pad == BITLOOM_CONV_PAIRS_PAD_ZERO) {
        is_first = 0U;
        run->thresholds = w->presets;
    }
    if (is_first != 0U) {
        (is_last != 0U ? bitloom_conv_pairs_single : bitloom_conv_pairs_first)(run);
    } else {
        (is_last != 0U ? bitloom_conv_pairs_last : bitloom_conv_pairs_middle)(run);
    }
    if (is_last != 0U && row == NULL)
        bitloom_conv_pairs_store(w, t, run->results);
}
