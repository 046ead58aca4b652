/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image.h"

#include "bitloom_conv_image_core.h"
#include "bitloom_units.h"

#define ENTRY BITLOOM_CONV_IMAGE_ENTRY

/* Strips of at most this many pixels hold x and x + 8 in a word. */
#define NARROW 16U

/* Scratch and derived sizes. */
typedef struct {
    const bitloom_conv_image *layer;
    uint32_t *tables;
    uint32_t *rows; /* [slot][strip][phase][channel][ENTRY]: packed input rows, slot = row % span */
    uint32_t *list;
    uint32_t *results;
    uint32_t strips;
    uint32_t span;        /* input rows from the first to the last of a window */
    uint32_t phase_words; /* words of a phase of a strip */
    uint32_t row_words;   /* words of a slot */
} work;

static int is_narrow(const bitloom_conv_image *layer) {
    return layer->output_width <= NARROW;
}

/* The columns of a phase that lie in the words of a strip. */
typedef struct {
    uint32_t first; /* column of the first word; before the map it is beyond the map's end, being unsigned */
    uint32_t step;  /* from word to word */
    uint32_t distance; /* from the low half to the high one */
    uint32_t lead;     /* words before those whose pixels are all in the map */
    uint32_t inside;   /* the number of those */
} columns;

static columns columns_from(const bitloom_conv_image *layer, uint32_t first) {
    const uint32_t width = layer->width;
    columns at;
    uint32_t column = first;
    at.first = first;
    at.step = layer->stride_x;
    at.distance = (is_narrow(layer) ? 8U : 16U) * at.step;
    at.lead = 0U;
    at.inside = 0U;
    while (at.lead < layer->words && (column >= width || column + at.distance >= width)) {
        column += at.step;
        at.lead++;
    }
    if (at.lead < layer->words) {
        const uint32_t left = layer->words - at.lead;
        const uint32_t rest = width - at.distance - column;
        at.inside = at.step == 1U ? rest : (rest + at.step - 1U) / at.step;
        at.inside = at.inside < left ? at.inside : left;
    }
    return at;
}

/* What turns stored pixels into values: (stored ^ signs) - centers, in both halves of a word. */
typedef struct {
    uint32_t width;
    uint32_t channels;
    uint32_t signs; /* 128 for i8 */
    uint32_t centers;
    uint32_t pad_value;
} pixel_format;

static pixel_format format_of(const bitloom_conv_image *layer) {
    const int32_t center = layer->center;
    const int32_t pad_value = layer->pad_value;
    const uint32_t sign = layer->is_signed != 0U ? 128U : 0U;
    pixel_format format;
    format.width = layer->width;
    format.channels = layer->channels;
    format.signs = sign * 0x10001U;
    format.centers = ((uint32_t)center + sign) * 0x10001U;
    format.pad_value = (uint32_t)pad_value;
    return format;
}

/* A pixel's value, or the padding's where there is no such column. */
static inline uint32_t value_at(const pixel_format *format, const uint8_t *channel, uint32_t column) {
    return column < format->width
               ? (channel[column * format->channels] ^ (format->signs & 0xffU)) - (format->centers & 0xffU)
               : format->pad_value;
}

/* Words [i, end) of a channel. */
static inline void pack_words(const pixel_format *format, const uint8_t *channel, const columns *at,
                              uint32_t i, uint32_t end, uint32_t *to) {
    uint32_t column = at->first + i * at->step;
    for (; i < end; i++, column += at->step) {
        to[i] = value_at(format, channel, column) + (value_at(format, channel, column + at->distance) << 16);
    }
}

static void pack_channel(const bitloom_conv_image *layer, const pixel_format *format, const uint8_t *channel,
                         const columns *at, uint32_t *to) {
    const uint32_t tail = at->lead + at->inside;
    pack_words(format, channel, at, 0U, at->lead, to);
    if (at->inside > 0U) {
        bitloom_conv_image_pack(channel + (at->first + at->lead * at->step) * format->channels,
                                at->step * format->channels, at->distance * format->channels, at->inside,
                                format->signs, format->centers, to + at->lead);
    }
    pack_words(format, channel, at, tail, layer->words, to);
}

static void pack_row(const work *w, const uint8_t *row, uint32_t *to) {
    const bitloom_conv_image *layer = w->layer;
    const pixel_format format = format_of(layer);
    uint32_t first = 0U - layer->pad_left;
    uint32_t strip, phase, channel;
    for (strip = 0U; strip < w->strips; strip++, first += 32U * layer->stride_x) {
        for (phase = 0U; phase < layer->phases; phase++) {
            const columns at = columns_from(layer, first + phase);
            for (channel = 0U; channel < format.channels; channel++) {
                pack_channel(layer, &format, row + channel, &at, to);
                to += ENTRY;
            }
        }
    }
}

static void pack_padding(const work *w, uint32_t *to) {
    const uint32_t pair = (uint32_t)w->layer->pad_value * 0x10001U;
    uint32_t i;
    for (i = 0U; i < w->row_words; i++) {
        to[i] = pair;
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

/* The tables of a phase of a strip: input i of a column is kernel row i / channels, channel i % channels. */
static void fill_tables(const work *w, uint32_t slot, uint32_t place, uint32_t *table) {
    const bitloom_conv_image *layer = w->layer;
    const uint32_t inputs = (uint32_t)layer->kernel_height * layer->channels;
    const uint32_t step = layer->dilation_y * w->row_words;
    const uint32_t *end = w->rows + w->span * w->row_words;
    const uint32_t *source = w->rows + slot * w->row_words + place * w->phase_words;
    const uint32_t *row_end = source + w->phase_words;
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
                source += step - w->phase_words; /* the next kernel row, around the ring */
                source -= source >= end ? w->span * w->row_words : 0U;
                row_end = source + w->phase_words;
            }
        }
        bitloom_conv_image_table(sources, count, layer->words, table);
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

/*
 * The results of a strip, without the pixels that the map has not, in their place in the row: `words` apart.
 * A single strip's are there already.
 */
static void store_strip(const uint32_t *results, uint32_t count, uint32_t pixels, uint32_t *to,
                        uint32_t words) {
    const uint32_t mask = pixels < 32U ? 0xffffffffU >> (32U - pixels) : 0xffffffffU;
    const uint32_t *end = results + count;
    while (results != end) {
        *to = *results++ & mask;
        to += words;
    }
}

/*
 * Two outputs to a result: one has its bytes 0 and 2, the other 1 and 3. Where the number is odd the last one
 * is stored twice: rows end at words.
 */
static void store_narrow(const work *w, uint32_t results, uint8_t *to) {
    const uint32_t width = w->layer->output_width;
    uint32_t i;
    if (width <= 8U) {
        uint16_t *pair = (uint16_t *)(void *)to;
        const uint32_t mask = (0xffU >> (8U - width)) * 0x101U;
        for (i = 0U; i < results; i++) {
            pair[i] = (uint16_t)(w->results[i] & mask);
        }
    } else {
        uint32_t *pair = (uint32_t *)(void *)to;
        const uint32_t mask = (0xffffU >> (16U - width)) * 0x10001U;
        for (i = 0U; i < results; i++) {
            const uint32_t bits = w->results[i];
            pair[i] = ((bits & 0xff0000ffU) | (bits >> 8 & 0xff00U) | (bits << 8 & 0xff0000U)) & mask;
        }
    }
}

static void run_row(const work *w, bitloom_conv_image_strip *strip, uint32_t y, uint32_t has_tables,
                    uint8_t *to) {
    const bitloom_conv_image *layer = w->layer;
    const int is_direct = w->strips == 1U && !is_narrow(layer);
    const uint32_t slot = y * layer->stride_y % w->span;
    uint32_t i, phase;
    strip->to = is_direct ? (uint32_t *)(void *)to : w->results;
    for (i = 0U; i < w->strips; i++) {
        for (phase = 0U; phase < layer->phases && has_tables == 0U; phase++) {
            fill_tables(w, slot, i * layer->phases + phase, w->tables + phase * layer->entries * ENTRY);
        }
        bitloom_conv_image_outputs(strip);
        if (is_narrow(layer)) {
            store_narrow(w, strip->results, to);
        } else if (layer->output_width != 32U) {
            store_strip(strip->to, strip->results, layer->output_width - 32U * i, (uint32_t *)(void *)to + i,
                        w->strips);
        }
    }
}

/*
 * The entries of an output, for its first half of a result and, eight words on, for the second one; where the
 * map is narrow that is overwritten by the first. Returns the end.
 */
static uint32_t *list_output(const work *w, uint32_t output, uint32_t count, uint32_t *list) {
    const uint16_t *lookups = w->layer->lookups + output * count;
    const uint32_t start = (uint32_t)w->layer->starts[output] * 0x10001U;
    uint32_t *second = is_narrow(w->layer) ? list : list + count + 1U;
    const uint32_t *end = list + count + 1U;
    uint32_t place = *lookups;
    *second++ = BITLOOM_CONV_IMAGE_PLACE(w->tables, place + 8U);
    *list++ = BITLOOM_CONV_IMAGE_PLACE(w->tables, place);
    *second++ = start;
    *list++ = start;
    while (list != end) {
        place = *++lookups;
        *second++ = BITLOOM_CONV_IMAGE_PLACE(w->tables, place + 8U);
        *list++ = BITLOOM_CONV_IMAGE_PLACE(w->tables, place);
    }
    return second;
}

/*
 * The list serves all strips. A result is one output, its first and last eight words, or two outputs of eight
 * words each; where the number of outputs is odd, the last one twice.
 */
static void make_list(const work *w, bitloom_conv_image_strip *strip, uint32_t first, uint32_t outputs) {
    uint32_t *list = w->list;
    uint32_t i;
    strip->results = is_narrow(w->layer) ? (outputs + 1U) / 2U : outputs;
    for (i = 0U; i < outputs; i++) {
        list = list_output(w, first + i, strip->count, list);
    }
    if (is_narrow(w->layer) && (outputs & 1U) != 0U) {
        list_output(w, first + outputs - 1U, strip->count, list);
    }
}

static work place_work(const bitloom_conv_image *layer, uint32_t count, void *scratch) {
    const uint32_t results = is_narrow(layer) ? layer->chunk / 2U : layer->chunk;
    work w;
    w.layer = layer;
    w.strips = ((uint32_t)layer->output_width + 31U) / 32U;
    w.span = ((uint32_t)layer->kernel_height - 1U) * layer->dilation_y + 1U;
    w.phase_words = layer->channels * ENTRY;
    w.row_words = w.strips * layer->phases * w.phase_words;
    w.tables = (uint32_t *)scratch;
    w.rows = w.tables + ENTRY * layer->entries * layer->phases;
    w.list = w.rows + w.span * w.row_words;
    w.results = w.list + 2U * results * (count + 1U);
    return w;
}

void bitloom_conv_image_threshold(const bitloom_conv_image *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t unit = unit_of(layer->output_width);
    const uint32_t count = (uint32_t)layer->kernel_width * layer->parts;
    const work w = place_work(layer, count, scratch);
    /* Further passes over a single row find it packed, and the tables of its only strip filled. */
    const uint32_t is_single = y1 - y0 == 1U ? 1U : 0U;
    uint32_t next = y0 * layer->stride_y;
    uint32_t has_tables = 0U;
    bitloom_conv_image_strip strip;
    uint32_t first, y;
    strip.list = w.list;
    strip.count = count;
    strip.tables = w.tables;
    for (first = 0U; first < layer->outputs; first += layer->chunk) {
        const uint32_t left = layer->outputs - first;
        const uint32_t outputs = left < layer->chunk ? left : layer->chunk;
        make_list(&w, &strip, first, outputs);
        for (y = y0; y < y1; y++) {
            const uint32_t start = y * layer->stride_y;
            uint8_t *to = bitloom_row(output, y);
            pack_rows(&w, inputs, next < start ? start : next, start + w.span);
            next = start + w.span;
            run_row(&w, &strip, y, has_tables, to + first * unit);
            bitloom_clear_row_tail(to, layer->outputs * unit);
        }
        if (is_single == 0U) {
            next = y0 * layer->stride_y;
        } else if (w.strips == 1U) {
            has_tables = 1U;
        }
    }
}
