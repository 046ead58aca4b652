/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_select.h"

#include <string.h>

#include "bitloom_bits.h"

static const void *input_row(const bitloom_select *layer, const bitloom_const_ring *input, uint32_t y) {
    return bitloom_const_row(input, layer->top + y * layer->step_y);
}

/* Copies the runs of `from`, elements of `bytes` bytes, upwards; returns the end of what was written. */
static uint8_t *copy_runs(const bitloom_select *layer, const uint8_t *from, uint32_t bytes, uint8_t *to) {
    const uint16_t *run = layer->runs;
    uint32_t i;
    for (i = 0U; i < layer->count; i++) {
        memmove(to, from + run[0] * bytes, run[1] * bytes);
        to += run[1] * bytes;
        run += 2;
    }
    return to;
}

static uint32_t *copy_bit_runs(const bitloom_select *layer, const uint32_t *from, uint32_t *to) {
    bitloom_bit_writer writer = bitloom_write_to(to);
    const uint16_t *run = layer->runs;
    uint32_t i;
    for (i = 0U; i < layer->count; i++) {
        bitloom_copy_bits(&writer, from, run[0], run[1]);
        run += 2;
    }
    bitloom_finish_bits(&writer);
    return writer.words;
}

void bitloom_select_scalars(const bitloom_select *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t pixel_bytes = layer->channels * layer->element_bytes;
    uint32_t x, y;
    for (y = y0; y < y1; y++) {
        const uint8_t *from = input_row(layer, inputs, y);
        uint8_t *to = bitloom_row(output, y);
        from += layer->left * pixel_bytes;
        for (x = 0U; x < layer->output_width; x++) {
            const uint8_t *pixel = from;
            if (scratch != NULL) {
                /* The output may lie over the input. */
                pixel = memcpy(scratch, from, pixel_bytes);
            }
            to = copy_runs(layer, pixel, layer->element_bytes, to);
            from += layer->step_x * pixel_bytes;
        }
    }
}

void bitloom_select_channels(const bitloom_select *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->channels + 31U) / 32U;
    uint32_t plane, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = input_row(layer, inputs, y);
        uint32_t *to = bitloom_row(output, y);
        from += layer->left * layer->planes * plane_words;
        for (x = 0U; x < layer->output_width; x++) {
            for (plane = 0U; plane < layer->planes; plane++) {
                to = copy_bit_runs(layer, from + plane * plane_words, to);
            }
            from += layer->step_x * layer->planes * plane_words;
        }
    }
}

void bitloom_select_pixels(const bitloom_select *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_bytes = layer->channels * layer->unit_bytes;
    uint32_t plane, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint8_t *from = input_row(layer, inputs, y);
        uint8_t *to = bitloom_row(output, y);
        for (plane = 0U; plane < layer->planes; plane++) {
            to = copy_runs(layer, from + plane * plane_bytes, layer->unit_bytes, to);
        }
    }
}
