/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_layout.h"

#include "bitloom_units.h"

/*
 * Transposes 32 x 32 bits: bit c of word r becomes bit r of word c. Each round exchanges the upper halves of
 * words with the lower halves of the words `span` further on.
 */
static void transpose(uint32_t *block) {
    uint32_t mask = 0x0000ffffU;
    uint32_t span;
    for (span = 16U; span > 0U; span >>= 1) {
        uint32_t first, i;
        for (first = 0U; first < 32U; first += 2U * span) {
            for (i = first; i < first + span; i++) {
                const uint32_t exchanged = ((block[i] >> span) ^ block[i + span]) & mask;
                block[i + span] ^= exchanged;
                block[i] ^= exchanged << span;
            }
        }
        mask ^= mask << (span >> 1);
    }
}

static uint32_t at_most_32(uint32_t rest) {
    return rest < 32U ? rest : 32U;
}

/* 32 pixels of one plane, `stride` words apart, to units of 32 channels. */
static void block_to_pixels(const uint32_t *from, uint32_t stride, uint32_t pixels, uint8_t *to,
                            uint32_t unit_bytes, uint32_t index, uint32_t channels) {
    uint32_t block[32];
    uint32_t i;
    for (i = 0U; i < 32U; i++) {
        block[i] = i < pixels ? from[i * stride] : 0U;
    }
    transpose(block);
    for (i = 0U; i < channels; i++) {
        bitloom_set_unit_word(to + i * unit_bytes, unit_bytes, index, block[i]);
    }
}

static void block_to_channels(const uint8_t *from, uint32_t unit_bytes, uint32_t index, uint32_t channels,
                              uint32_t *to, uint32_t stride, uint32_t pixels) {
    uint32_t block[32];
    uint32_t i;
    for (i = 0U; i < 32U; i++) {
        block[i] = i < channels ? bitloom_unit_word(from + i * unit_bytes, unit_bytes, index) : 0U;
    }
    transpose(block);
    for (i = 0U; i < pixels; i++) {
        to[i * stride] = block[i];
    }
}

void bitloom_layout_to_pixels(const bitloom_layout *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t words = (layer->channels + 31U) / 32U;
    const uint32_t stride = layer->planes * words;
    uint32_t x, y, plane, c;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint32_t *from = bitloom_const_row(inputs, y);
        uint8_t *to = bitloom_row(output, y);
        for (plane = 0U; plane < layer->planes; plane++) {
            for (c = 0U; c < layer->channels; c += 32U) {
                for (x = 0U; x < layer->width; x += 32U) {
                    block_to_pixels(from + x * stride + plane * words + c / 32U, stride,
                                    at_most_32(layer->width - x),
                                    to + (plane * layer->channels + c) * layer->unit_bytes, layer->unit_bytes,
                                    x / 32U, at_most_32(layer->channels - c));
                }
            }
        }
    }
}

void bitloom_layout_to_channels(const bitloom_layout *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t words = (layer->channels + 31U) / 32U;
    const uint32_t stride = layer->planes * words;
    uint32_t x, y, plane, c;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint8_t *from = bitloom_const_row(inputs, y);
        uint32_t *to = bitloom_row(output, y);
        for (plane = 0U; plane < layer->planes; plane++) {
            for (c = 0U; c < layer->channels; c += 32U) {
                for (x = 0U; x < layer->width; x += 32U) {
                    block_to_channels(from + (plane * layer->channels + c) * layer->unit_bytes,
                                      layer->unit_bytes, x / 32U, at_most_32(layer->channels - c),
                                      to + x * stride + plane * words + c / 32U, stride,
                                      at_most_32(layer->width - x));
                }
            }
        }
    }
}
