/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image_core.h"

#include "bitloom_conv_image.h"

#define ENTRY BITLOOM_CONV_IMAGE_ENTRY

#if BITLOOM_CONV_IMAGE_ASSEMBLY != 2

void bitloom_conv_image_pack(const uint8_t *from, uint32_t step, uint32_t distance, uint32_t count,
                             uint32_t signs, uint32_t centers, uint32_t *to) {
    const uint32_t *end = to + count;
    while (to != end) {
        const uint32_t pair = (uint32_t)from[0] | (uint32_t)from[distance] << 16;
        *to++ = (pair ^ signs) - centers;
        from += step;
    }
}

#endif

#if BITLOOM_CONV_IMAGE_ASSEMBLY == 0

void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words,
                              uint32_t *table) {
    uint32_t word, i, entry;
    for (word = 0U; word < words; word++) {
        uint32_t sum = 0U;
        for (i = 0U; i < count; i++) {
            sum += inputs[i][word];
        }
        table[word] = sum;
        /* A Gray code counts up and then, with the next bit set, down: the entries so far, mirrored. */
        for (i = 0U; i < count; i++) {
            const uint32_t twice = 2U * inputs[i][word];
            for (entry = 0U; entry < 1U << i; entry++) {
                table[((2U << i) - 1U - entry) * ENTRY + word] = table[entry * ENTRY + word] - twice;
            }
        }
    }
}

static uint32_t half_of_result(const bitloom_conv_image_strip *strip, const uint32_t *list) {
    uint32_t bits = 0U;
    uint32_t i, k;
    for (i = 0U; i < 8U; i++) {
        uint32_t sum = strip->tables[list[0] + i] + list[1];
        for (k = 1U; k < strip->count; k++) {
            sum += strip->tables[list[1U + k] + i];
        }
        bits = (bits >> 1) | (sum & 0x80008000U);
    }
    return bits;
}

void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip) {
    const uint32_t *list = strip->list;
    uint32_t n;
    for (n = 0U; n < strip->results; n++) {
        const uint32_t first = half_of_result(strip, list);
        list += strip->count + 1U;
        strip->to[n] = first >> 8 | half_of_result(strip, list);
        list += strip->count + 1U;
    }
}

#endif
