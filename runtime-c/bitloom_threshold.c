/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_threshold_code.h"

#include "bitloom_codes.h"

/* 32 channels at a time: their codes are pushed into one word per plane. */
#define CHANNELS_ROW(LAYER, FROM, TO, KEY)                                                                   \
    do {                                                                                                     \
        const uint32_t plane_words = ((LAYER)->channels + 31U) / 32U;                                        \
        uint32_t first, i, x;                                                                                \
        for (x = 0U; x < (LAYER)->width; x++) {                                                              \
            for (first = 0U; first < (LAYER)->channels; first += 32U) {                                      \
                const uint32_t bits = bitloom_bits_from(first, (LAYER)->channels);                           \
                uint32_t words[BITLOOM_MAX_PLANES] = {0U};                                                   \
                for (i = 0U; i < bits; i++) {                                                                \
                    const uint32_t code = bitloom_threshold_code(LAYER, first + i, KEY((FROM)[i]));          \
                    bitloom_push_code(words, (LAYER)->planes, code);                                         \
                }                                                                                            \
                bitloom_store_codes(words, (LAYER)->planes, bits, (TO) + first / 32U, plane_words);          \
                (FROM) += bits;                                                                              \
            }                                                                                                \
            (TO) += (LAYER)->planes * plane_words;                                                           \
        }                                                                                                    \
    } while (0)

BITLOOM_THRESHOLD_KERNELS(bitloom_threshold_, uint32_t, CHANNELS_ROW)
