/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_lines.h"

#include <string.h>

#include "bitloom_conv_pairs_core.h"
#include "bitloom_units.h"

/* The lowest `count` bits, up to 32. */
static inline uint32_t ones(uint32_t count) {
    return count < 32U ? (1U << count) - 1U : 0xffffffffU;
}

/* Word i of one channel's row, complemented where the padding is +1; columns outside the map are 0. */
static inline uint32_t unit_word(const bitloom_conv_pairs_lines *lines, const uint8_t *unit, uint32_t i) {
    uint32_t word;
    if (i >= lines->unit_words)
        return 0U;
    word = bitloom_unit_word(unit, lines->unit_bytes, i);
    return lines->layer->pad != BITLOOM_CONV_PAIRS_PAD_PLUS_ONE ? word
           : i + 1U == lines->unit_words                        ? word ^ lines->last_word
                                                                : ~word;
}

/* Columns [column, column + 32) of one channel's row. */
BITLOOM_CONV_PAIRS_FAST static uint32_t window_word(const bitloom_conv_pairs_lines *lines,
                                                    const uint8_t *unit, int32_t column) {
    const uint32_t shift = (uint32_t)column & 31U;
    /* Before the map it is a great number. */
    const uint32_t i = (uint32_t)((column - (int32_t)shift) / 32);
    const uint32_t low = unit_word(lines, unit, i);
    return (low >> shift) | (unit_word(lines, unit, i + 1U) << 1 << (31U - shift));
}

/* The even bits of a word, in its low half. */
BITLOOM_CONV_PAIRS_SMALL static uint32_t even_bits(uint32_t word) {
    word &= 0x55555555U;
    word = (word | (word >> 1)) & 0x33333333U;
    word = (word | (word >> 2)) & 0x0f0f0f0fU;
    word = (word | (word >> 4)) & 0x00ff00ffU;
    return (word | (word >> 8)) & 0x0000ffffU;
}

/* `count` columns from `column`, `stride` apart. */
BITLOOM_CONV_PAIRS_SMALL static uint32_t strided_word(const bitloom_conv_pairs_lines *lines,
                                                      const uint8_t *unit, int32_t column, uint32_t count) {
    const uint32_t stride = lines->layer->stride_x;
    uint32_t word = 0U;
    uint32_t i;
    if (stride == 1U)
        return window_word(lines, unit, column) & ones(count);
    if (stride == 2U) {
        word = even_bits(window_word(lines, unit, column));
        return count > 16U ? word | even_bits(window_word(lines, unit, column + 32)) << 16 : word;
    }
    for (i = 0U; i < count; i++)
        word |= (window_word(lines, unit, column + (int32_t)(i * stride)) & 1U) << i;
    return word;
}

/* The input row of line r in a lane, or null outside the map. */
BITLOOM_CONV_PAIRS_SMALL static const uint8_t *lane_row(const bitloom_conv_pairs_lines *lines, uint32_t r,
                                                        uint32_t lane) {
    const int32_t y = lines->first_row + (int32_t)(r + lane * lines->lane_step);
    if (y < 0 || y >= (int32_t)lines->layer->height)
        return NULL;
    return (const uint8_t *)bitloom_const_row(lines->input, (uint32_t)y) +
           lines->first_channel * lines->unit_bytes;
}

/* Narrow rows side by side, as they are. */
static void gather_turned(const bitloom_conv_pairs_lines *lines, const uint8_t *row, uint32_t shift,
                          uint32_t *line) {
    const uint32_t bytes = lines->unit_bytes;
    uint32_t c;
    if (bytes == 1U) {
        for (c = 0U; c < lines->channels; c++)
            line[c] |= (uint32_t)row[c] << shift;
    } else if (bytes == 2U) {
        const uint16_t *units = (const uint16_t *)(const void *)row;
        for (c = 0U; c < lines->channels; c++)
            line[c] |= (uint32_t)units[c] << shift;
    } else {
        memcpy(line, row, lines->channels * sizeof *line);
    }
}

/* Even and odd columns of two rows, each null outside the map or up to 16 columns wide; or of one row of up
 * to 32. */
BITLOOM_CONV_PAIRS_SMALL static void gather_phases(const bitloom_conv_pairs_lines *lines, const uint8_t *row,
                                                   const uint8_t *next, uint32_t shift, uint32_t *line) {
    uint32_t c;
    for (c = 0U; c < lines->channels; c++) {
        uint32_t word = row == NULL ? 0U : unit_word(lines, row + c * lines->unit_bytes, 0U);
        if (next != NULL)
            word |= unit_word(lines, next + c * lines->unit_bytes, 0U) << 16;
        line[c] |= even_bits(word) << shift;
        line[lines->words + c] |= even_bits(word >> 1) << shift;
    }
}

/* Every kernel column by itself. */
BITLOOM_CONV_PAIRS_SMALL static void gather_columns(const bitloom_conv_pairs_lines *lines, const uint8_t *row,
                                                    uint32_t shift, uint32_t *line) {
    const bitloom_conv_pairs *layer = lines->layer;
    const uint32_t bytes = lines->unit_bytes;
    uint32_t kx, c;
    for (kx = 0U; kx < layer->kernel_width; kx++) {
        const int32_t column = lines->first_column + (int32_t)(kx * layer->dilation_x);
        for (c = 0U; c < lines->channels; c++)
            line[c] |= strided_word(lines, row + c * bytes, column, lines->lane_bits) << shift;
        line += lines->words;
    }
}

/* Two rows of up to 16 columns at once, of units that start at whole words; one may be outside the map. */
static void gather_halves(const bitloom_conv_pairs_lines *lines, const uint8_t *low, const uint8_t *high,
                          uint32_t *line) {
    const uint32_t keep = low == NULL ? 0xffff0000U : 0x0000ffffU;
    const uint8_t *first = low == NULL ? high : low;
    const uint8_t *second = high == NULL ? low : high;
    if (first == NULL) {
        memset(line, 0, lines->channels * sizeof *line);
        return;
    }
    bitloom_conv_pairs_zip((const uint32_t *)(const void *)first, (const uint32_t *)(const void *)second,
                           line, lines->channels);
    if (low == NULL || high == NULL) {
        uint32_t i;
        for (i = 0U; i < lines->channels; i++)
            line[i] &= keep;
    }
}

/* Padding +1: complements the pixels of one row. */
BITLOOM_CONV_PAIRS_SMALL static void complement(const bitloom_conv_pairs_lines *lines, uint32_t shift,
                                                uint32_t *line) {
    const uint32_t mask = ones(lines->layer->width) << shift;
    uint32_t c;
    for (c = 0U; c < lines->channels; c++)
        line[c] ^= mask;
}

BITLOOM_CONV_PAIRS_SMALL static void gather(const bitloom_conv_pairs_lines *lines, uint32_t r,
                                            uint32_t *line) {
    const bitloom_conv_pairs *layer = lines->layer;
    /* With two phases, lanes of 8 columns are two half words of up to 16 input columns. */
    const uint32_t step = layer->phases == 2U && lines->lane_bits == 8U ? 2U : 1U;
    const uint32_t is_halves = layer->phases == 1U && lines->lanes == 2U && lines->lane_bits == 16U &&
                                       layer->width > 8U && lines->channels % 4U == 0U
                                   ? 1U
                                   : 0U;
    uint32_t lane;
    if (is_halves == 0U)
        memset(line, 0, layer->line_words * sizeof *line);
    for (lane = 0U; lane < lines->lanes; lane += step) {
        const uint32_t shift = lane * lines->lane_bits;
        const uint8_t *row = lane_row(lines, r, lane);
        const uint8_t *next = lane + 1U < lines->lanes ? lane_row(lines, r, lane + 1U) : NULL;
        if (is_halves != 0U && lane == 0U)
            gather_halves(lines, row, next, line);
        if (row == NULL && (step == 1U || next == NULL))
            continue;
        if (layer->phases == 2U) {
            gather_phases(lines, row, step == 2U ? next : NULL, shift, line);
        } else if (layer->phases == 0U) {
            gather_columns(lines, row, shift, line);
        } else {
            if (is_halves == 0U)
                gather_turned(lines, row, shift, line);
            if (layer->pad == BITLOOM_CONV_PAIRS_PAD_PLUS_ONE)
                complement(lines, shift, line);
        }
    }
}

BITLOOM_CONV_PAIRS_SMALL const uint32_t *bitloom_conv_pairs_line(const bitloom_conv_pairs_lines *lines,
                                                                 uint32_t r) {
    const uint32_t slots = lines->layer->line_slots;
    uint32_t *line;
    uint32_t slot;
    if (slots == 0U) {
        const uint8_t *row = lane_row(lines, r, 0U);
        return row == NULL ? lines->slots : (const uint32_t *)(const void *)row;
    }
    slot = r < slots ? r : r % slots;
    line = lines->slots + slot * lines->layer->line_words;
    if (lines->ids[slot] != r) {
        gather(lines, r, line);
        lines->ids[slot] = r;
    }
    return line;
}

BITLOOM_CONV_PAIRS_SMALL void bitloom_conv_pairs_parity(const bitloom_conv_pairs_lines *lines,
                                                        const uint32_t *line, uint32_t *sum) {
    const uint32_t planes = lines->layer->pair_planes;
    uint32_t pairs[2][BITLOOM_CONV_PAIRS_MAX_PLANES + 1U];
    uint32_t kx, i;
    if (lines->layer->phases != 2U) {
        bitloom_conv_pairs_count(line, lines->layer->line_words, sum,
                                 lines->layer->phases == 1U ? planes : lines->layer->row_planes);
        return;
    }
    for (i = 0U; i < lines->layer->phases; i++)
        bitloom_conv_pairs_count(line + i * lines->words, lines->words, pairs[i], planes);
    for (i = 0U; i < lines->layer->row_planes; i++)
        sum[i] = 0U;
    for (kx = 0U; kx < lines->layer->kernel_width; kx++) {
        const uint32_t *column = lines->layer->columns + 3U * kx;
        bitloom_conv_pairs_add(sum, lines->layer->row_planes, pairs[column[0] == 0U ? 0 : 1], planes,
                               column[1], column[2]);
    }
}
