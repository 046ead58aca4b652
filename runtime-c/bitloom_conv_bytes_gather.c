/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes_sink.h"

static void copy_codes(const bitloom_conv_bytes *layer, const uint32_t *pixel, uint32_t first, int16_t *to) {
    const uint32_t plane_words = bitloom_conv_bytes_words((uint32_t)layer->channels * layer->groups);
    uint32_t c;
    for (c = first; c < first + layer->channels; c++) {
        const uint32_t *word = pixel + c / 32U;
        uint32_t code = 0U;
        uint32_t plane;
        for (plane = 0U; plane < layer->input_planes; plane++, word += plane_words) {
            code |= ((*word >> (c & 31U)) & 1U) << plane;
        }
        *to++ = (int16_t)(layer->input_scale * (int32_t)code + layer->input_offset);
    }
}

/* The values of one tap: the channels of a group of the pixel in column x. */
static void copy_tap(const bitloom_conv_bytes *layer, const void *row, uint32_t x, uint32_t group,
                     int16_t *to) {
    const uint32_t all_channels = (uint32_t)layer->channels * layer->groups;
    const uint32_t first = group * layer->channels;
    const uint32_t at = x * all_channels + first;
    const int32_t offset = layer->input_offset;
    uint32_t c;
    if (layer->input_type == BITLOOM_CONV_BYTES_U8) {
        const uint8_t *from = (const uint8_t *)row + at;
        for (c = 0U; c < layer->channels; c++) {
            to[c] = (int16_t)((int32_t)from[c] + offset);
        }
    } else if (layer->input_type == BITLOOM_CONV_BYTES_I8) {
        const int8_t *from = (const int8_t *)row + at;
        for (c = 0U; c < layer->channels; c++) {
            to[c] = (int16_t)((int32_t)from[c] + offset);
        }
    } else if (layer->input_type == BITLOOM_CONV_BYTES_I16) {
        const int16_t *from = (const int16_t *)row + at;
        for (c = 0U; c < layer->channels; c++) {
            to[c] = (int16_t)((int32_t)from[c] + offset);
        }
    } else {
        const uint32_t *from =
            (const uint32_t *)row + x * layer->input_planes * bitloom_conv_bytes_words(all_channels);
        copy_codes(layer, from, first, to);
    }
}

void bitloom_conv_bytes_gather(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                               uint32_t x, uint32_t group, uint32_t fours, int16_t *window) {
    int16_t *to = window;
    uint32_t ky, kx, c;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        /* Unsigned: what lies before the map is beyond its end too. */
        const uint32_t row = y * layer->stride_y + ky * layer->dilation_y - layer->pad_top;
        const void *pixels = row < layer->height ? bitloom_const_row(input, row) : NULL;
        uint32_t column = x * layer->stride_x - layer->pad_left;
        for (kx = 0U; kx < layer->kernel_width; kx++, column += layer->dilation_x) {
            if (pixels != NULL && column < layer->width) {
                copy_tap(layer, pixels, column, group, to);
            } else {
                for (c = 0U; c < layer->channels; c++) {
                    to[c] = layer->pad_value;
                }
            }
            to += layer->channels;
        }
    }
    while (to < window + 4U * fours) {
        *to++ = 0;
    }
}
