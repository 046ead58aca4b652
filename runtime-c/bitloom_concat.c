/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_concat.h"

#include <string.h>

#include "bitloom_bits.h"

void bitloom_concat_scalars(const bitloom_concat *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        uint8_t *part = bitloom_row(output, y);
        /* Pixel by pixel: the output may lie over an input. */
        for (x = 0U; x < layer->width; x++) {
            for (i = 0U; i < layer->count; i++) {
                const uint8_t *from = bitloom_const_row(&inputs[i], y);
                memmove(part, from + x * layer->sizes[i], layer->sizes[i]);
                part += layer->sizes[i];
            }
        }
    }
}

/* One plane of one pixel. */
static void concat_plane(const bitloom_concat *layer, const bitloom_const_ring *inputs, uint32_t x,
                         uint32_t y, uint32_t plane, bitloom_bit_writer *to) {
    uint32_t i;
    for (i = 0U; i < layer->count; i++) {
        const uint32_t *row = bitloom_const_row(&inputs[i], y);
        const uint32_t words = (layer->sizes[i] + 31U) / 32U;
        bitloom_copy_bits(to, row + (x * layer->planes + plane) * words, 0U, layer->sizes[i]);
    }
    bitloom_finish_bits(to);
}

void bitloom_concat_channels(const bitloom_concat *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t plane, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            for (plane = 0U; plane < layer->planes; plane++) {
                bitloom_bit_writer writer = bitloom_write_to(to);
                concat_plane(layer, inputs, x, y, plane, &writer);
                to = writer.words;
            }
        }
    }
}

void bitloom_concat_pixels(const bitloom_concat *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, plane, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        uint8_t *to = bitloom_row(output, y);
        for (plane = 0U; plane < layer->planes; plane++) {
            for (i = 0U; i < layer->count; i++) {
                const uint8_t *from = bitloom_const_row(&inputs[i], y);
                const uint32_t bytes = layer->sizes[i] * layer->unit_bytes;
                memmove(to, from + plane * bytes, bytes);
                to += bytes;
            }
        }
    }
}
