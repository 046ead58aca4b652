/*
 * Where the sums of bitloom_conv_bytes go, and what its files share. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_BYTES_SINK_H
#define BITLOOM_CONV_BYTES_SINK_H

#include "bitloom_codes.h"
#include "bitloom_conv_bytes.h"

/* Output codes of a pixel on their way into words. */
typedef struct {
    uint32_t words[BITLOOM_MAX_PLANES];
    uint32_t *output;
    uint32_t plane_words;
    uint32_t planes;
    uint32_t bits; /* codes since the last store */
} bitloom_conv_bytes_packer;

/* Where the sums of a pixel go: scores, or codes. */
typedef struct {
    int32_t *scores;
    bitloom_conv_bytes_packer codes;
    int32_t shared; /* what all outputs of the group have in common */
} bitloom_conv_bytes_sink;

static inline uint32_t bitloom_conv_bytes_words(uint32_t channels) {
    return (channels + 31U) / 32U;
}

/* Inputs of an output, in fours. */
static inline uint32_t bitloom_conv_bytes_fours(const bitloom_conv_bytes *layer) {
    return ((uint32_t)layer->kernel_height * layer->kernel_width * layer->channels + 3U) / 4U;
}

/* Where input k of an output lies: of every four, the second and third have changed places. */
static inline uint32_t bitloom_conv_bytes_place(uint32_t k) {
    const uint32_t swap = (k ^ (k >> 1)) & 1U;
    return k ^ (swap * 3U);
}

static inline void bitloom_conv_bytes_store(bitloom_conv_bytes_packer *p) {
    bitloom_store_codes(p->words, p->planes, p->bits, p->output, p->plane_words);
    p->output++;
    p->bits = 0U;
}

static inline uint32_t bitloom_conv_bytes_level(const int32_t *thresholds, uint32_t levels, int32_t score) {
    uint32_t code = 0U;
    uint32_t level;
    for (level = 0U; level < levels; level++) {
        code += score >= thresholds[level] ? 1U : 0U;
    }
    return code;
}

static inline void bitloom_conv_bytes_push(bitloom_conv_bytes_packer *p, uint32_t code) {
    if (p->planes == 1U) {
        p->words[0] = (p->words[0] >> 1) | code << 31;
    } else {
        bitloom_push_code(p->words, p->planes, code);
    }
    p->bits++;
    if (p->bits == 32U) {
        bitloom_conv_bytes_store(p);
    }
}

static inline void bitloom_conv_bytes_put_code(const bitloom_conv_bytes *layer, bitloom_conv_bytes_sink *to,
                                               uint32_t output, int32_t score) {
    if (layer->levels == 1U) {
        bitloom_conv_bytes_push(&to->codes, score >= layer->thresholds[output] ? 1U : 0U);
    } else {
        const int32_t *thresholds = layer->thresholds + output * layer->levels;
        bitloom_conv_bytes_push(&to->codes, bitloom_conv_bytes_level(thresholds, layer->levels, score));
    }
}

static inline void bitloom_conv_bytes_finish(bitloom_conv_bytes_sink *to) {
    if (to->scores == NULL && to->codes.bits > 0U) {
        bitloom_conv_bytes_store(&to->codes);
    }
}

/* All values that an output pixel of a group reads, in the order of the weights, filled up with zeros to
 * `fours`. */
void bitloom_conv_bytes_gather(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                               uint32_t x, uint32_t group, uint32_t fours, int16_t *window);

/* An output pixel of a layer with one input channel per group. Scratch: 8 bytes for each tap. */
void bitloom_conv_bytes_depthwise(const bitloom_conv_bytes *layer, const bitloom_const_ring *input,
                                  uint32_t y, uint32_t x, void *scratch, bitloom_conv_bytes_sink *to);

#endif
