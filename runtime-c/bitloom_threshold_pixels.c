/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_codes.h"
#include "bitloom_threshold_code.h"
#include "bitloom_units.h"

/* 32 pixels of one channel at a time: their codes are pushed into one word per plane. */
#define PIXELS_ROW(LAYER, FROM, TO, KEY)                                                                     \
    do {                                                                                                     \
        const uint32_t unit_bytes = (LAYER)->unit_bytes;                                                     \
        uint32_t c, i, plane, x;                                                                             \
        for (c = 0U; c < (LAYER)->channels; c++) {                                                           \
            for (x = 0U; x < (LAYER)->width; x += 32U) {                                                     \
                const uint32_t bits = bitloom_bits_from(x, (LAYER)->width);                                  \
                uint32_t words[BITLOOM_MAX_PLANES] = {0U};                                                   \
                for (i = 0U; i < bits; i++) {                                                                \
                    const uint32_t at = (x + i) * (LAYER)->channels + c;                                     \
                    bitloom_push_code(words, (LAYER)->planes,                                                \
                                      bitloom_threshold_code(LAYER, c, KEY((FROM)[at])));                    \
                }                                                                                            \
                for (plane = 0U; plane < (LAYER)->planes; plane++) {                                         \
                    bitloom_set_unit_word((TO) + (plane * (LAYER)->channels + c) * unit_bytes, unit_bytes,   \
                                          x / 32U, words[plane] >> (32U - bits));                            \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    } while (0)

BITLOOM_THRESHOLD_KERNELS(bitloom_threshold_pixels_, uint8_t, PIXELS_ROW)
