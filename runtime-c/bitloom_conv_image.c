/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image.h"

#include <string.h>

#include "bitloom_conv_image_core.h"

#define ENTRY BITLOOM_CONV_IMAGE_ENTRY

/* Scratch and derived sizes. */
typedef struct {
    const bitloom_conv_image *layer;
    uint32_t *tables;
    uint32_t *rows; /* [slot][strip][channel][ENTRY]: packed input rows, slot = row % span */
    uint32_t *results;
    uint32_t strips;
    uint32_t words;     /* packed words of an input row of a strip */
    uint32_t span;      /* input rows from the first to the last of a window */
    uint32_t row_words; /* words of a slot */
} work;

static int32_t value_at(const bitloom_conv_image *layer, const uint8_t *pixel) {
    const int32_t stored = layer->is_signed != 0U ? (int32_t)(int8_t)*pixel : (int32_t)*pixel;
    return stored - layer->center;
}

static uint32_t padded_value(const bitloom_conv_image *layer, const uint8_t *row, uint32_t column,
                             uint32_t channel) {
    const int32_t value = row != NULL && column < layer->width
                              ? value_at(layer, row + column * layer->channels + channel)
                              : layer->pad_value;
    return (uint32_t)(2 * value) & 0xffffU;
}

/* One channel of a strip: columns first + i and first + i + 16. Unsigned: what lies before the map is beyond
 * its end. */
static void pack_channel(const work *w, const uint8_t *row, uint32_t first, uint32_t channel, uint32_t *to) {
    const bitloom_conv_image *layer = w->layer;
    uint32_t i = 0U;
    while (i < w->words) {
        const uint32_t column = first + i;
        const int is_inside = row != NULL && column < layer->width && column + 16U < layer->width;
        if (is_inside && layer->is_signed == 0U) {
            const uint32_t inside = layer->width - 16U - column;
            const uint32_t count = inside < w->words - i ? inside : w->words - i;
            bitloom_conv_image_pack(row + column * layer->channels + channel, layer->channels, count,
                                    layer->center, to + i);
            i += count;
        } else {
            to[i] = padded_value(layer, row, column, channel) |
                    padded_value(layer, row, column + 16U, channel) << 16;
            i++;
        }
    }
}

static void pack_row(const work *w, const uint8_t *row, uint32_t *to) {
    uint32_t strip, channel;
    for (strip = 0U; strip < w->strips; strip++) {
        for (channel = 0U; channel < w->layer->channels; channel++) {
            pack_channel(w, row, 32U * strip - w->layer->pad_left, channel, to);
            to += ENTRY;
        }
    }
}

/* Packs the input rows up to `end`, counted from the padding above the map, that are not yet in the ring. */
static void pack_rows(const work *w, const bitloom_const_ring *input, uint32_t next, uint32_t end) {
    for (; next < end; next++) {
        const uint32_t row = next - w->layer->pad_top;
        const uint8_t *pixels = row < w->layer->height ? bitloom_const_row(input, row) : NULL;
        pack_row(w, pixels, w->rows + next % w->span * w->row_words);
    }
}

/* The tables of a strip: input i of a column is kernel row i / channels, channel i % channels. */
static void fill_tables(const work *w, uint32_t first_row, uint32_t strip) {
    const bitloom_conv_image *layer = w->layer;
    const uint32_t inputs = (uint32_t)layer->kernel_height * layer->channels;
    const uint32_t *strip_rows = w->rows + strip * layer->channels * ENTRY;
    uint32_t *table = w->tables;
    uint32_t slot = first_row % w->span;
    uint32_t channel = 0U;
    uint32_t i = 0U;
    uint32_t part;
    for (part = 1U; part <= layer->parts; part++) {
        const uint32_t *sources[BITLOOM_CONV_IMAGE_PART];
        uint32_t count = 0U;
        for (; i < part * inputs / layer->parts; i++) {
            sources[count++] = strip_rows + slot * w->row_words + channel * ENTRY;
            channel++;
            if (channel == layer->channels) {
                channel = 0U;
                slot += layer->dilation_y;
                slot = slot >= w->span ? slot - w->span : slot;
            }
        }
        bitloom_conv_image_table(sources, count, w->words, table);
        table += ENTRY << count;
    }
}

/* Bytes of one row of one output channel. */
static uint32_t unit_of(uint32_t width) {
    if (width <= 16U) {
        return width <= 8U ? 1U : 2U;
    }
    return 4U * ((width + 31U) / 32U);
}

static void run_row(const work *w, bitloom_conv_image_strip *outputs, uint32_t y, uint8_t *to) {
    const bitloom_conv_image *layer = w->layer;
    const uint32_t unit = unit_of(layer->output_width);
    uint32_t strip, i;
    for (strip = 0U; strip < w->strips; strip++) {
        const uint32_t left = layer->output_width - 32U * strip;
        fill_tables(w, y * layer->stride_y, strip);
        outputs->mask = left < 32U ? 0xffffffffU >> (32U - left) : 0xffffffffU;
        outputs->step = unit < 4U ? 4U : unit;
        outputs->to = unit < 4U ? (uint8_t *)w->results : to + 4U * strip;
        bitloom_conv_image_outputs(outputs);
    }
    if (unit < 4U) {
        for (i = 0U; i < outputs->outputs; i++) {
            const uint32_t bits = w->results[i];
            *to++ = (uint8_t)bits;
            if (unit == 2U) {
                *to++ = (uint8_t)(bits >> 8);
            }
        }
    }
}

/* Rows of the layout `pixels` start at words: what is over after the last channel is zero. */
static void clear_tail(uint8_t *row, uint32_t bytes) {
    while ((bytes & 3U) != 0U) {
        row[bytes++] = 0U;
    }
}

void bitloom_conv_image_threshold(const bitloom_conv_image *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t unit = unit_of(layer->output_width);
    const uint32_t lookups = (uint32_t)layer->kernel_width * layer->parts;
    bitloom_conv_image_strip outputs;
    work w;
    uint32_t first, y;
    w.layer = layer;
    w.strips = ((uint32_t)layer->output_width + 31U) / 32U;
    w.words = 16U + ((uint32_t)layer->kernel_width - 1U) * layer->dilation_x;
    w.span = ((uint32_t)layer->kernel_height - 1U) * layer->dilation_y + 1U;
    w.row_words = w.strips * layer->channels * ENTRY;
    w.tables = (uint32_t *)scratch;
    w.rows = w.tables + ENTRY * layer->entries;
    outputs.list = w.rows + w.span * w.row_words;
    w.results = outputs.list + 2U * layer->chunk * (lookups + 1U);
    outputs.tables = w.tables;
    outputs.kernel_width = layer->kernel_width;
    outputs.parts = layer->parts;
    outputs.dilation = layer->dilation_x;
    for (first = 0U; first < layer->outputs; first += layer->chunk) {
        const uint32_t left = layer->outputs - first;
        uint32_t next = y0 * layer->stride_y;
        outputs.outputs = left < layer->chunk ? left : layer->chunk;
        outputs.patterns = layer->patterns + first * lookups;
        outputs.limits = layer->limits + first;
        bitloom_conv_image_prepare(&outputs);
        for (y = y0; y < y1; y++) {
            const uint32_t start = y * layer->stride_y;
            uint8_t *to = bitloom_row(output, y);
            pack_rows(&w, inputs, next < start ? start : next, start + w.span);
            next = start + w.span;
            run_row(&w, &outputs, y, to + first * unit);
            clear_tail(to, layer->outputs * unit);
        }
    }
}
