/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_pad.h"

#include <string.h>

#include "bitloom_bits.h"
#include "bitloom_units.h"

static int is_inside(uint32_t position, uint32_t before, uint32_t size) {
    return position >= before && position - before < size;
}

/* Writes `count` elements that are all the fill; returns the end of what was written. */
static uint8_t *fill_elements(const bitloom_pad *layer, uint8_t *to, uint32_t count) {
    if (layer->element_bytes == 1U) {
        memset(to, (int)(layer->fill & 0xffU), count);
    } else {
        const uint16_t half = (uint16_t)layer->fill;
        uint32_t i;
        for (i = 0U; i < count; i++) {
            if (layer->element_bytes == 2U) {
                memcpy(to + i * 2U, &half, 2U);
            } else {
                memcpy(to + i * 4U, &layer->fill, 4U);
            }
        }
    }
    return to + count * layer->element_bytes;
}

static uint32_t output_channels(const bitloom_pad *layer) {
    return layer->channels_before + layer->channels + layer->channels_after;
}

void bitloom_pad_scalars(const bitloom_pad *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t pixel_bytes = layer->channels * layer->element_bytes;
    uint32_t x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        uint8_t *to = bitloom_row(output, y);
        if (!is_inside(y, layer->top, layer->height)) {
            (void)fill_elements(layer, to, layer->output_width * output_channels(layer));
        } else {
            const uint8_t *from = bitloom_const_row(inputs, y - layer->top);
            to = fill_elements(layer, to, layer->left * output_channels(layer));
            for (x = 0U; x < layer->width; x++) {
                to = fill_elements(layer, to, layer->channels_before);
                memmove(to, from, pixel_bytes);
                to = fill_elements(layer, to + pixel_bytes, layer->channels_after);
                from += pixel_bytes;
            }
            (void)fill_elements(layer, to,
                                (layer->output_width - layer->left - layer->width) * output_channels(layer));
        }
    }
}

/* One plane of one pixel; `from` is null outside the input. Returns the end of what was written. */
static uint32_t *pad_plane(const bitloom_pad *layer, const uint32_t *from, uint32_t fill, uint32_t *to) {
    bitloom_bit_writer writer = bitloom_write_to(to);
    bitloom_fill_bits(&writer, fill, layer->channels_before);
    if (from != NULL) {
        bitloom_copy_bits(&writer, from, 0U, layer->channels);
    } else {
        bitloom_fill_bits(&writer, fill, layer->channels);
    }
    bitloom_fill_bits(&writer, fill, layer->channels_after);
    bitloom_finish_bits(&writer);
    return writer.words;
}

void bitloom_pad_channels(const bitloom_pad *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->channels + 31U) / 32U;
    uint32_t plane, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint32_t *row =
            is_inside(y, layer->top, layer->height) ? bitloom_const_row(inputs, y - layer->top) : NULL;
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x++) {
            const int inside = row != NULL && is_inside(x, layer->left, layer->width);
            for (plane = 0U; plane < layer->planes; plane++) {
                const uint32_t *from =
                    inside ? row + ((x - layer->left) * layer->planes + plane) * plane_words : NULL;
                to = pad_plane(layer, from, (layer->fill >> plane) & 1U, to);
            }
        }
    }
}

static uint32_t unit_bytes_of(uint32_t width) {
    if (width <= 8U) {
        return 1U;
    }
    return width <= 16U ? 2U : (width + 31U) / 32U * 4U;
}

/* Word `index` of an output unit: bits of the fill, of the input's row `from` (null outside), of the fill. */
static uint32_t padded_word(const bitloom_pad *layer, const uint8_t *from, uint32_t fill, uint32_t index) {
    const uint32_t unit_bytes = unit_bytes_of(layer->width);
    const uint32_t rest = layer->output_width - index * 32U;
    const uint32_t fill_word = 0U - fill;
    uint32_t word = fill_word;
    uint32_t i;
    for (i = 0U; from != NULL && i * 32U < layer->width; i++) {
        /* Where the input's word starts in this word, and the pixels that it has. */
        const int32_t at = (int32_t)(layer->left + i * 32U) - (int32_t)(index * 32U);
        const uint32_t pixels = layer->width - i * 32U;
        const uint32_t kept = bitloom_low_bits(pixels < 32U ? pixels : 32U);
        const uint32_t changed = (bitloom_unit_word(from, unit_bytes, i) ^ fill_word) & kept;
        if (at >= 0 && at < 32) {
            word ^= changed << at;
        } else if (at < 0 && at > -32) {
            word ^= changed >> -at;
        }
    }
    return word & bitloom_low_bits(rest < 32U ? rest : 32U);
}

/* One row of one channel; returns its end. */
static uint8_t *pad_unit(const bitloom_pad *layer, const uint8_t *from, uint32_t fill, uint8_t *to) {
    const uint32_t unit_bytes = unit_bytes_of(layer->output_width);
    uint32_t index;
    for (index = 0U; index * 32U < layer->output_width; index++) {
        bitloom_set_unit_word(to, unit_bytes, index, padded_word(layer, from, fill, index));
    }
    return to + unit_bytes;
}

void bitloom_pad_pixels(const bitloom_pad *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t unit_bytes = unit_bytes_of(layer->width);
    uint32_t channel, plane, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint8_t *row =
            is_inside(y, layer->top, layer->height) ? bitloom_const_row(inputs, y - layer->top) : NULL;
        uint8_t *to = bitloom_row(output, y);
        for (plane = 0U; plane < layer->planes; plane++) {
            for (channel = 0U; channel < output_channels(layer); channel++) {
                const int inside = row != NULL && is_inside(channel, layer->channels_before, layer->channels);
                const uint32_t unit = plane * layer->channels + channel - layer->channels_before;
                to =
                    pad_unit(layer, inside ? row + unit * unit_bytes : NULL, (layer->fill >> plane) & 1U, to);
            }
        }
    }
}
