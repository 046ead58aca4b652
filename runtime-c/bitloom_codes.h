/*
 * Packs codes of up to 32 channels into words, one per plane.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CODES_H
#define BITLOOM_CODES_H

#include <stdint.h>

#define BITLOOM_MAX_PLANES 8U

/* Channels that the word starting at channel `first` holds: 1 to 32. */
static inline uint32_t bitloom_bits_from(uint32_t first, uint32_t channels) {
    return channels - first >= 32U ? 32U : channels - first;
}

/* Bit `plane` of the code enters each plane's word at the top and moves down with the codes that follow. */
static inline void bitloom_push_code(uint32_t *words, uint32_t planes, uint32_t code) {
    uint32_t plane;
    for (plane = 0U; plane < planes; plane++) {
        words[plane] = (words[plane] >> 1) | (((code >> plane) & 1U) << 31);
    }
}

/* Writes the words of `bits` pushed codes; planes lie `plane_words` apart. */
static inline void bitloom_store_codes(const uint32_t *words, uint32_t planes, uint32_t bits,
                                       uint32_t *output, uint32_t plane_words) {
    uint32_t plane;
    for (plane = 0U; plane < planes; plane++) {
        output[plane * plane_words] = words[plane] >> (32U - bits);
    }
}

/* The code of one channel of a pixel; planes lie `plane_words` apart. */
static inline uint32_t bitloom_code_at(const uint32_t *pixel, uint32_t plane_words, uint32_t planes,
                                       uint32_t channel) {
    const uint32_t *word = pixel + (channel >> 5);
    uint32_t code = 0U;
    uint32_t plane;
    for (plane = 0U; plane < planes; plane++) {
        code |= ((word[plane * plane_words] >> (channel & 31U)) & 1U) << plane;
    }
    return code;
}

#endif
