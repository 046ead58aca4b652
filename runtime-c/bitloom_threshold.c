/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_threshold.h"

#include <string.h>

#include "bitloom_codes.h"

/* Where the next code goes while a pixel is packed. */
typedef struct {
    uint32_t words[BITLOOM_MAX_PLANES];
    uint32_t *output;
    uint32_t plane_words;
    uint32_t bits; /* codes pushed since the last store */
} packer;

static void packer_start(packer *p, const bitloom_threshold *layer, uint32_t *output) {
    p->output = output;
    p->plane_words = (layer->channels + 31U) / 32U;
    p->bits = 0U;
}

static void packer_store(packer *p, uint32_t planes) {
    bitloom_store_codes(p->words, planes, p->bits, p->output, p->plane_words);
    p->output++;
    p->bits = 0U;
}

static inline uint32_t code_of(const bitloom_threshold *layer, uint32_t channel, int32_t key) {
    const uint32_t row = layer->per_channel != 0U ? channel : 0U;
    const int32_t *thresholds = layer->thresholds + row * layer->levels;
    uint32_t code = 0U;
    uint32_t level;
    for (level = 0U; level < layer->levels; level++) {
        code += key >= thresholds[level] ? 1U : 0U;
    }
    return layer->flipped != NULL && layer->flipped[row] != 0U ? layer->levels - code : code;
}

static inline void push_key(packer *p, const bitloom_threshold *layer, uint32_t channel, int32_t key) {
    bitloom_push_code(p->words, layer->planes, code_of(layer, channel, key));
    p->bits++;
    if (p->bits == 32U) {
        packer_store(p, layer->planes);
    }
}

static uint32_t words_per_pixel(const bitloom_threshold *layer) {
    return layer->planes * ((layer->channels + 31U) / 32U);
}

/* One function per scalar type, alike but for the type that is read. */
#define BITLOOM_THRESHOLD_INTEGER(NAME, TYPE)                                                                \
    void NAME(const bitloom_threshold *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,  \
              void *scratch, uint32_t y0, uint32_t y1) {                                                     \
        (void)scratch;                                                                                       \
        uint32_t channel, x, y;                                                                              \
        for (y = y0; y < y1; y++) {                                                                          \
            const TYPE *from = bitloom_const_row(inputs, y);                                                 \
            uint32_t *to = bitloom_row(output, y);                                                           \
            for (x = 0U; x < layer->width; x++) {                                                            \
                packer p = {{0U}, NULL, 0U, 0U};                                                             \
                packer_start(&p, layer, to);                                                                 \
                for (channel = 0U; channel < layer->channels; channel++) {                                   \
                    push_key(&p, layer, channel, (int32_t)*from++);                                          \
                }                                                                                            \
                if (p.bits > 0U) {                                                                           \
                    packer_store(&p, layer->planes);                                                         \
                }                                                                                            \
                to += words_per_pixel(layer);                                                                \
            }                                                                                                \
        }                                                                                                    \
    }

BITLOOM_THRESHOLD_INTEGER(bitloom_threshold_u8, uint8_t)
BITLOOM_THRESHOLD_INTEGER(bitloom_threshold_i8, int8_t)
BITLOOM_THRESHOLD_INTEGER(bitloom_threshold_i16, int16_t)
BITLOOM_THRESHOLD_INTEGER(bitloom_threshold_i32, int32_t)

int bitloom_threshold_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    (void)scratch;
    uint32_t channel, x, y;
    for (y = y0; y < y1; y++) {
        const float *from = bitloom_const_row(inputs, y);
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->width; x++) {
            packer p = {{0U}, NULL, 0U, 0U};
            packer_start(&p, layer, to);
            for (channel = 0U; channel < layer->channels; channel++) {
                int32_t bits;
                memcpy(&bits, from++, sizeof bits);
                if ((bits & 0x7f800000) == 0x7f800000) {
                    return BITLOOM_ERROR_INPUT;
                }
                push_key(&p, layer, channel, bits >= 0 ? bits : bits ^ 0x7fffffff);
            }
            if (p.bits > 0U) {
                packer_store(&p, layer->planes);
            }
            to += words_per_pixel(layer);
        }
    }
    return BITLOOM_OK;
}
