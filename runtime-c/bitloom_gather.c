/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_gather.h"

#include <string.h>

#include "bitloom_bits.h"

/* Fields of a run: neighbouring channels of a pixel that become neighbouring channels of the output. */
enum { ROW, COLUMN, CHANNEL, COUNT, FIELDS };

void bitloom_gather_scalars(const bitloom_gather *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        uint8_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x++) {
            const uint16_t *run = layer->runs + FIELDS * layer->first[y];
            const uint16_t *end = layer->runs + FIELDS * layer->first[y + 1U];
            for (; run < end; run += FIELDS) {
                const uint8_t *from = bitloom_const_row(inputs, run[ROW]);
                const uint32_t pixel = run[COLUMN] + x * layer->step;
                const uint32_t bytes = run[COUNT] * (uint32_t)layer->element_bytes;
                memcpy(to, from + (pixel * layer->channels + run[CHANNEL]) * layer->element_bytes, bytes);
                to += bytes;
            }
        }
    }
}

void bitloom_gather_channels(const bitloom_gather *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t plane_words = (layer->channels + 31U) / 32U;
    uint32_t plane, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        bitloom_bit_writer writer = bitloom_write_to(bitloom_row(output, y));
        for (x = 0U; x < layer->output_width; x++) {
            for (plane = 0U; plane < layer->planes; plane++) {
                const uint16_t *run = layer->runs + FIELDS * layer->first[y];
                const uint16_t *end = layer->runs + FIELDS * layer->first[y + 1U];
                for (; run < end; run += FIELDS) {
                    const uint32_t *from = bitloom_const_row(inputs, run[ROW]);
                    const uint32_t pixel = run[COLUMN] + x * layer->step;
                    from += (pixel * layer->planes + plane) * plane_words;
                    bitloom_copy_bits(&writer, from, run[CHANNEL], run[COUNT]);
                }
                bitloom_finish_bits(&writer);
                writer = bitloom_write_to(writer.words);
            }
        }
    }
}
