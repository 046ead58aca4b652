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

/* What turns stored pixels into values. */
typedef struct {
    uint32_t width;
    uint32_t channels;
    int32_t center;
    int32_t pad_value;
    uint32_t sign; /* 128 for i8 */
} pixel_format;

/* Twice a value, in 16 bits; of padding where there is no such column. */
static inline uint32_t doubled(const pixel_format *format, const uint8_t *channel, uint32_t column) {
    int32_t value = format->pad_value;
    if (column < format->width) {
        const uint32_t stored = channel[column * format->channels];
        value = (int32_t)(stored ^ format->sign) - (int32_t)format->sign - format->center;
    }
    return (uint32_t)(2 * value) & 0xffffU;
}

/* One channel of a strip: columns first + i and first + i + 16. Unsigned: what lies before the map is beyond
 * its end. */
static void pack_channel(const pixel_format *format, const uint8_t *channel, uint32_t first, uint32_t words,
                         uint32_t *to) {
    const uint32_t inside = format->sign == 0U && format->width > 16U ? format->width - 16U : 0U;
    uint32_t *end = to + words;
    uint32_t column = first;
    while (to != end) {
        if (column < inside) {
            const uint32_t left = (uint32_t)(end - to);
            const uint32_t count = inside - column < left ? inside - column : left;
            bitloom_conv_image_pack(channel + column * format->channels, format->channels, count,
                                    format->center, to);
            column += count;
            to += count;
        } else {
            *to++ = doubled(format, channel, column) | doubled(format, channel, column + 16U) << 16;
            column++;
        }
    }
}

static void pack_row(const work *w, const uint8_t *row, uint32_t *to) {
    const bitloom_conv_image *layer = w->layer;
    const uint32_t channels = layer->channels;
    const pixel_format format = {layer->width, channels, layer->center, layer->pad_value,
                                 layer->is_signed != 0U ? 128U : 0U};
    uint32_t first = 0U - layer->pad_left;
    uint32_t strip, channel;
    for (strip = 0U; strip < w->strips; strip++, first += 32U) {
        for (channel = 0U; channel < channels; channel++) {
            pack_channel(&format, row + channel, first, w->words, to);
            to += ENTRY;
        }
    }
}

static void pack_padding(const work *w, uint32_t *to) {
    const uint32_t half = (uint32_t)(2 * (int32_t)w->layer->pad_value) & 0xffffU;
    uint32_t i;
    for (i = 0U; i < w->row_words; i++) {
        to[i] = half | half << 16;
    }
}

/* Packs the input rows up to `end`, counted from the padding above the map, that are not yet in the ring. */
static void pack_rows(const work *w, const bitloom_const_ring *input, uint32_t next, uint32_t end) {
    for (; next < end; next++) {
        const uint32_t row = next - w->layer->pad_top;
        uint32_t *to = w->rows + next % w->span * w->row_words;
        if (row < w->layer->height) {
            pack_row(w, bitloom_const_row(input, row), to);
        } else {
            pack_padding(w, to);
        }
    }
}

/* The tables of a strip: input i of a column is kernel row i / channels, channel i % channels. */
static void fill_tables(const work *w, uint32_t first_row, uint32_t strip) {
    const bitloom_conv_image *layer = w->layer;
    const uint32_t inputs = (uint32_t)layer->kernel_height * layer->channels;
    const uint32_t channel_words = layer->channels * ENTRY;
    const uint32_t step = layer->dilation_y * w->row_words;
    const uint32_t *end = w->rows + w->span * w->row_words;
    const uint32_t *source = w->rows + first_row % w->span * w->row_words + strip * channel_words;
    const uint32_t *row_end = source + channel_words;
    uint32_t *table = w->tables;
    uint32_t i = 0U;
    uint32_t part;
    for (part = 1U; part <= layer->parts; part++) {
        const uint32_t *sources[BITLOOM_CONV_IMAGE_PART];
        const uint32_t stop = part * inputs / layer->parts;
        uint32_t count = 0U;
        for (; i < stop; i++) {
            sources[count++] = source;
            source += ENTRY;
            if (source == row_end) {
                source += step - channel_words; /* the next kernel row, around the ring */
                source -= source >= end ? w->span * w->row_words : 0U;
                row_end = source + channel_words;
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

/* Moves the words of a strip to their place in the row, without the pixels that the map has not. */
static void store_strip(const work *w, uint32_t outputs, uint32_t strip, uint8_t *to) {
    const uint32_t width = w->layer->output_width;
    const uint32_t left = width - 32U * strip;
    const uint32_t mask = left < 32U ? 0xffffffffU >> (32U - left) : 0xffffffffU;
    const uint32_t unit = unit_of(width);
    uint32_t i;
    for (i = 0U; i < outputs; i++, to += unit) {
        const uint32_t bits = w->results[i] & mask;
        if (unit >= 4U) {
            ((uint32_t *)(void *)to)[strip] = bits;
        } else {
            to[0] = (uint8_t)bits;
            if (unit == 2U) {
                to[1] = (uint8_t)(bits >> 8);
            }
        }
    }
}

static void run_row(const work *w, bitloom_conv_image_strip *outputs, uint32_t y, uint8_t *to) {
    const int is_direct = w->layer->output_width == 32U;
    uint32_t strip;
    for (strip = 0U; strip < w->strips; strip++) {
        fill_tables(w, y * w->layer->stride_y, strip);
        outputs->to = is_direct ? (uint32_t *)(void *)to : w->results;
        bitloom_conv_image_outputs(outputs);
        if (!is_direct) {
            store_strip(w, outputs->outputs, strip, to);
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
    bitloom_conv_image_strip outputs;
    work w;
    uint32_t first, y;
    outputs.count = (uint32_t)layer->kernel_width * layer->parts;
    w.layer = layer;
    w.strips = ((uint32_t)layer->output_width + 31U) / 32U;
    w.words = 16U + ((uint32_t)layer->kernel_width - 1U) * layer->dilation_x;
    w.span = ((uint32_t)layer->kernel_height - 1U) * layer->dilation_y + 1U;
    w.row_words = w.strips * layer->channels * ENTRY;
    w.tables = (uint32_t *)scratch;
    w.rows = w.tables + ENTRY * layer->entries;
    outputs.list = w.rows + w.span * w.row_words;
    w.results = outputs.list + 2U * layer->chunk * (outputs.count + 1U);
    outputs.tables = w.tables;
    for (first = 0U; first < layer->outputs; first += layer->chunk) {
        const uint32_t left = layer->outputs - first;
        uint32_t next = y0 * layer->stride_y;
        outputs.outputs = left < layer->chunk ? left : layer->chunk;
        outputs.lookups = layer->lookups + first * outputs.count;
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
