/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_rows.h"

#include <string.h>

#include "bitloom_codes.h"
#include "bitloom_conv_rows_core.h"
#include "bitloom_popcount.h"

/* Scratch, and what is known of the pixel and group at work. */
/* Working memory begins at any word, which on a host of 64 bits may be the middle of where a pointer would
 * begin. */
#if defined(__GNUC__) || defined(__clang__)
typedef const uint32_t *word_source __attribute__((aligned(4)));
#else
typedef const uint32_t *word_source;
#endif

typedef struct {
    const bitloom_conv_rows *layer;
    word_source *sources; /* words of each tap that is inside the map, or has a value outside it */
    uint32_t *taps;       /* which taps these are */
    uint32_t *list;       /* offsets of rows from layer->rows */
    uint32_t *pairs;      /* sums on their way from one level of adders to the next */
    uint32_t *counters;   /* [word of the block][plane] */
    uint32_t *copies;     /* a tap outside the map, then those of a group that does not start at a word */
    uint32_t words;       /* words per tap */
    uint32_t pixel_words; /* words per input pixel */
    uint32_t tap_count;
    uint32_t preset_class;
    uint32_t flip; /* all ones where -1 selects rows */
    int32_t shift; /* what the pixel adds to the sums of all outputs */
} work;

static uint32_t words_of(uint32_t channels) {
    return (channels + 31U) / 32U;
}

static uint32_t lesser(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Mask of the channels that the last word of a tap holds. */
static uint32_t tail_mask(uint32_t channels) {
    return 0xffffffffU >> ((32U - (channels & 31U)) & 31U);
}

static void start(work *w, const bitloom_conv_rows *layer, void *scratch) {
    const uint32_t taps = (uint32_t)layer->kernel_height * layer->kernel_width;
    w->layer = layer;
    w->words = words_of(layer->channels);
    w->pixel_words = words_of((uint32_t)layer->channels * layer->groups);
    w->sources = (word_source *)scratch;
    w->taps = (uint32_t *)scratch + 2U * taps; /* pointers may have 64 bits */
    w->list = w->taps + taps;
    w->pairs = w->list + layer->list;
    w->counters = w->pairs + 2U * (layer->list / 16U + 8U);
    w->copies = w->counters + lesser(words_of(layer->outputs), BITLOOM_CONV_ROWS_BLOCK) * layer->planes;
    w->flip = 0U;
    if (layer->padding != BITLOOM_PADDING_ZERO) {
        memset(w->copies, layer->padding == BITLOOM_PADDING_PLUS ? 0xff : 0, w->words * sizeof *w->copies);
        w->copies[w->words - 1U] &= tail_mask(layer->channels);
    }
}

/* The channels of one group, from any bit of a pixel, as words of their own. */
static void copy_group(const work *w, const uint32_t *pixel, uint32_t first, uint32_t *to) {
    const uint32_t channels = w->layer->channels;
    const uint32_t bit = first & 31U;
    const uint32_t last_word = (first + channels - 1U) / 32U;
    uint32_t from = first / 32U;
    uint32_t i;
    for (i = 0U; i < w->words; i++, from++) {
        uint32_t word = pixel[from] >> bit;
        if (bit != 0U && from < last_word) {
            word |= pixel[from + 1U] << (32U - bit);
        }
        to[i] = word;
    }
    to[w->words - 1U] &= tail_mask(channels);
}

/* Finds the taps of an output pixel. */
static void gather(work *w, const bitloom_const_ring *input, uint32_t y, uint32_t x, uint32_t group) {
    const bitloom_conv_rows *layer = w->layer;
    const uint32_t first = group * layer->channels;
    const int is_copied = layer->groups > 1U && layer->channels % 32U != 0U;
    uint32_t *copy = w->copies + w->words;
    uint32_t tap = 0U;
    uint32_t count = 0U;
    uint32_t ky, kx;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        /* Unsigned: what lies before the map is beyond its end too. */
        const uint32_t row = y * layer->stride_y + ky * layer->dilation_y - layer->pad_top;
        const uint32_t *pixels = row < layer->height ? bitloom_const_row(input, row) : NULL;
        uint32_t column = x * layer->stride_x - layer->pad_left;
        for (kx = 0U; kx < layer->kernel_width; kx++, tap++, column += layer->dilation_x) {
            if (pixels == NULL || column >= layer->width) {
                if (layer->padding == BITLOOM_PADDING_ZERO) {
                    continue;
                }
                w->sources[count] = w->copies;
            } else if (is_copied) {
                copy_group(w, pixels + column * w->pixel_words, first, copy);
                w->sources[count] = copy;
                copy += w->words;
            } else {
                w->sources[count] = pixels + column * w->pixel_words + first / 32U;
            }
            w->taps[count++] = tap;
        }
    }
    w->tap_count = count;
}

/* Bits of up to three words that differ from their neighbour in a pair. */
static uint32_t differing_of_three(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t sum = ((a ^ (a >> 1)) & 0x55555555U) + ((b ^ (b >> 1)) & 0x55555555U);
    sum += (c ^ (c >> 1)) & 0x55555555U; /* at most 3 in two bits */
    sum = (sum & 0x33333333U) + ((sum >> 2) & 0x33333333U);
    return bitloom_byte_sum((sum + (sum >> 4)) & 0x0f0f0f0fU);
}

static uint32_t count_differing(const uint32_t *words, uint32_t count) {
    uint32_t total = 0U;
    for (; count >= 3U; count -= 3U, words += 3) {
        total += differing_of_three(words[0], words[1], words[2]);
    }
    if (count == 2U) {
        total += differing_of_three(words[0], words[1], 0U);
    } else if (count == 1U) {
        total += differing_of_three(words[0], 0U, 0U);
    }
    return total;
}

/* The part of the sums that all outputs share, and which inputs select rows. */
static void prepare_pixel(work *w) {
    uint32_t total = 0U;
    uint32_t tap;
    if (w->layer->form == BITLOOM_CONV_ROWS_PAIRS) {
        for (tap = 0U; tap < w->tap_count; tap++) {
            total += count_differing(w->sources[tap], w->words);
        }
        w->shift = -(int32_t)total;
    } else {
        const uint32_t all = w->tap_count * w->layer->channels;
        for (tap = 0U; tap < w->tap_count; tap++) {
            total += bitloom_count_common(w->sources[tap], w->sources[tap], w->words);
        }
        w->flip = total > all / 2U ? 0xffffffffU : 0U;
        w->shift = w->flip != 0U ? -(int32_t)(all - total) : (int32_t)(all - total);
    }
}

/* Adds the rows of a list to the counters of every word of a block. */
static void add_list(const work *w, uint32_t count, uint32_t block_words) {
    bitloom_conv_rows_sum sum;
    sum.list = w->list;
    sum.rows = w->layer->rows;
    sum.counters = w->counters;
    sum.pairs = w->pairs;
    sum.sixteens = (count + 15U) / 16U;
    sum.planes = w->layer->planes;
    sum.words = block_words;
    if (count > 0U) {
        if (count % 16U != 0U) {
            bitloom_conv_rows_clear(w->list + count, 16U - count % 16U);
        }
        bitloom_conv_rows_add(&sum);
    }
}

/* Lists the rows of all pairs of the window, from the block's first row on, and adds them. */
static void add_pairs(const work *w, uint32_t first, uint32_t block_words) {
    const uint32_t tap_pairs = (w->layer->channels + 1U) / 2U;
    const uint32_t row_step = block_words * BITLOOM_CONV_ROWS_UNIT;
    const uint32_t pair_step = 4U * row_step;
    uint32_t count = 0U;
    uint32_t tap;
    for (tap = 0U; tap < w->tap_count; tap++) {
        uint32_t offset = first + w->taps[tap] * tap_pairs * pair_step;
        uint32_t left = tap_pairs;
        const uint32_t *from = w->sources[tap];
        while (left > 0U) {
            const uint32_t room = (w->layer->list - count) / 16U;
            const uint32_t words = lesser(left / 16U, room);
            if (words > 0U) {
                bitloom_conv_rows_select(from, words, offset, row_step, w->list + count);
                count += 16U * words;
                offset += words * 16U * pair_step;
                from += words;
                left -= 16U * words;
            } else if (room > 0U) {
                bitloom_conv_rows_select_some(*from, left, offset, row_step, w->list + count);
                count += left;
                left = 0U;
            }
            if (w->layer->list - count < 16U) {
                add_list(w, count, block_words);
                count = 0U;
            }
        }
    }
    add_list(w, count, block_words);
}

/* Lists the rows of all inputs that select one, and adds them. */
static void add_inputs(const work *w, uint32_t first, uint32_t block_words) {
    const uint32_t row_step = block_words * BITLOOM_CONV_ROWS_UNIT;
    const uint32_t channels = w->layer->channels;
    const uint32_t half = w->tap_count * channels / 2U;
    const uint32_t full = channels / 32U;
    uint32_t *list = w->list;
    uint32_t tap;
    for (tap = 0U; tap < w->tap_count; tap++) {
        const uint32_t *from = w->sources[tap];
        const uint32_t offset = first + w->taps[tap] * channels * row_step;
        list = bitloom_conv_rows_select_inputs(from, full, offset, row_step, w->flip, list);
        if (full < w->words) {
            list = bitloom_conv_rows_select_some_inputs(from[full] ^ w->flip, channels & 31U,
                                                        offset + 32U * full * row_step, row_step, list);
        }
    }
    /* The list may hold less than half of the inputs; its length must not depend on them. */
    bitloom_conv_rows_clear(list, half - (uint32_t)(list - w->list));
    add_list(w, half, block_words);
}

static const uint32_t *presets_of(const work *w, uint32_t group) {
    const bitloom_conv_rows *layer = w->layer;
    const uint32_t sets = layer->form == BITLOOM_CONV_ROWS_PAIRS ? 1U : 2U;
    const uint32_t set = w->preset_class * sets + (w->flip & 1U);
    return layer->presets + (set * layer->groups + group) * words_of(layer->outputs) * layer->planes;
}

/* Leaves the sums of the outputs of one block, less the pixel's shift, in the counters. */
static void add_block(const work *w, uint32_t group, uint32_t word, uint32_t block_words) {
    const bitloom_conv_rows *layer = w->layer;
    const uint32_t taps = (uint32_t)layer->kernel_height * layer->kernel_width;
    const uint32_t rows =
        layer->form == BITLOOM_CONV_ROWS_PAIRS ? 4U * ((layer->channels + 1U) / 2U) : layer->channels;
    const uint32_t words_before = group * words_of(layer->outputs) + word;
    const uint32_t first = BITLOOM_CONV_ROWS_UNIT * (BITLOOM_CONV_ROWS_BLOCK + taps * rows * words_before);
    bitloom_conv_rows_copy(presets_of(w, group) + word * layer->planes, block_words * layer->planes,
                           w->counters);
    if (layer->form == BITLOOM_CONV_ROWS_PAIRS) {
        add_pairs(w, first, block_words);
    } else {
        add_inputs(w, first, block_words);
    }
}

/* Puts up to 32 bits where the outputs of a group start in a pixel. */
static void store_bits(uint32_t *pixel, uint32_t first, uint32_t bits, uint32_t word) {
    const uint32_t shift = first & 31U;
    uint32_t *to = pixel + first / 32U;
    if (shift == 0U) {
        *to = word;
        return;
    }
    *to |= word << shift;
    if (shift + bits > 32U) {
        to[1] = word >> (32U - shift);
    }
}

/* The outputs of a block are the signs of its counters. */
static void store_thresholds(const work *w, uint32_t *pixel, uint32_t group, uint32_t word,
                             uint32_t block_words) {
    const uint32_t outputs = w->layer->outputs;
    const uint32_t first = group * outputs + 32U * word;
    uint32_t signs[BITLOOM_CONV_ROWS_BLOCK];
    uint32_t i;
    if (outputs % 32U == 0U) {
        bitloom_conv_rows_signs(w->counters, w->layer->planes, w->shift, block_words, ~w->flip,
                                pixel + first / 32U);
        return;
    }
    bitloom_conv_rows_signs(w->counters, w->layer->planes, w->shift, block_words, ~w->flip, signs);
    for (i = 0U; i < block_words; i++) {
        const uint32_t bits = bitloom_bits_from(32U * (word + i), outputs);
        store_bits(pixel, first + 32U * i, bits, signs[i] & (0xffffffffU >> (32U - bits)));
    }
}

static void store_scores(const work *w, int32_t *pixel, uint32_t group, uint32_t first,
                         const uint32_t *counters) {
    const uint32_t outputs = w->layer->outputs;
    const uint32_t bits = bitloom_bits_from(first, outputs);
    const uint32_t top = 1U << (w->layer->planes - 1U);
    const int32_t inputs = (int32_t)(w->tap_count * w->layer->channels);
    uint32_t i;
    for (i = 0U; i < bits; i++) {
        uint32_t sum = 0U;
        uint32_t plane = w->layer->planes;
        int32_t agreements;
        while (plane > 0U) {
            sum = 2U * sum + ((counters[--plane] >> i) & 1U);
        }
        sum = (sum + (uint32_t)w->shift) & (2U * top - 1U);
        agreements = (int32_t)(sum ^ top) - (int32_t)top; /* from `planes` bits to 32 */
        pixel[group * outputs + first + i] = 2 * (w->flip != 0U ? -agreements : agreements) - inputs;
    }
}

static void run_pixel(work *w, const bitloom_const_ring *input, uint32_t y, uint32_t x, uint32_t *bits,
                      int32_t *scores) {
    const bitloom_conv_rows *layer = w->layer;
    const uint32_t output_words = words_of(layer->outputs);
    uint32_t group, word, i;
    w->preset_class =
        layer->row_classes != NULL ? layer->row_classes[y] + (uint32_t)layer->column_classes[x] : 0U;
    for (group = 0U; group < layer->groups; group++) {
        gather(w, input, y, x, group);
        prepare_pixel(w);
        for (word = 0U; word < output_words; word += BITLOOM_CONV_ROWS_BLOCK) {
            const uint32_t block = lesser(output_words - word, BITLOOM_CONV_ROWS_BLOCK);
            add_block(w, group, word, block);
            if (scores == NULL) {
                store_thresholds(w, bits, group, word, block);
                continue;
            }
            for (i = 0U; i < block; i++) {
                store_scores(w, scores, group, 32U * (word + i), w->counters + i * layer->planes);
            }
        }
    }
}

void bitloom_conv_rows_threshold(const bitloom_conv_rows *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t pixel_words = words_of((uint32_t)layer->outputs * layer->groups);
    uint32_t x, y;
    work w;
    start(&w, layer, scratch);
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x++) {
            run_pixel(&w, inputs, y, x, to, NULL);
            to += pixel_words;
        }
    }
}

void bitloom_conv_rows_scores(const bitloom_conv_rows *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t x, y;
    work w;
    start(&w, layer, scratch);
    for (y = y0; y < y1; y++) {
        int32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x++) {
            run_pixel(&w, inputs, y, x, NULL, to);
            to += (uint32_t)layer->outputs * layer->groups;
        }
    }
}
