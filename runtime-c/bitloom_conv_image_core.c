/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image_core.h"

#include "bitloom_conv_image.h"

#define ENTRY BITLOOM_CONV_IMAGE_ENTRY

#if BITLOOM_CONV_IMAGE_ASSEMBLY

/*
 * The list for the assembly: per output and half of the strip the address of the first entry, the limit
 * twice, and the addresses of the other entries.
 */
void bitloom_conv_image_prepare(const bitloom_conv_image_strip *strip) {
    const uint32_t base = (uint32_t)(uintptr_t)strip->tables;
    const uint32_t others = strip->count - 1U;
    const uint16_t *lookups = strip->lookups;
    const int16_t *limits = strip->limits;
    const int16_t *end = limits + strip->outputs;
    uint32_t *list = strip->list;
    while (limits != end) {
        const uint32_t limit = ((uint32_t)(int32_t)*limits & 0xffffU) | (uint32_t)(int32_t)*limits << 16;
        uint32_t *second = list + others + 2U;
        uint32_t left = others;
        uint32_t entry = base + 4U * *lookups++;
        *list++ = entry;
        *second++ = entry + 32U;
        *list++ = limit;
        *second++ = limit;
        while (left-- > 0U) {
            entry = base + 4U * *lookups++;
            *list++ = entry;
            *second++ = entry + 32U;
        }
        list = second;
        limits++;
    }
}

#else

/* Sums of two int16 each, without a carry from one to the other. */
static inline uint32_t add_halves(uint32_t a, uint32_t b) {
    return ((a & 0x7fff7fffU) + (b & 0x7fff7fffU)) ^ ((a ^ b) & 0x80008000U);
}

/* Differences of two int16 each. */
static inline uint32_t subtract_halves(uint32_t a, uint32_t b) {
    return ((a | 0x80008000U) - (b & 0x7fff7fffU)) ^ ((a ^ ~b) & 0x80008000U);
}

void bitloom_conv_image_pack(const uint8_t *from, uint32_t step, uint32_t count, int32_t center,
                             uint32_t *to) {
    while (count-- > 0U) {
        const int32_t low = 2 * ((int32_t)from[0] - center);
        const int32_t high = 2 * ((int32_t)from[16U * step] - center);
        *to++ = ((uint32_t)low & 0xffffU) | (uint32_t)high << 16;
        from += step;
    }
}

void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words,
                              uint32_t *table) {
    uint32_t word, i, step;
    for (word = 0U; word < words; word++) {
        uint32_t doubled = 0U;
        uint32_t pattern = 0U;
        uint32_t sum;
        for (i = 0U; i < count; i++) {
            doubled = add_halves(doubled, inputs[i][word]);
        }
        sum = ((doubled >> 1) & 0x7fff7fffU) | (doubled & 0x80008000U);
        table[word] = sum;
        /* Gray code: one input changes its sign from entry to entry. */
        for (step = 1U; step < 1U << count; step++) {
            uint32_t bit = 0U;
            while (((step >> bit) & 1U) == 0U) {
                bit++;
            }
            pattern ^= 1U << bit;
            sum = ((pattern >> bit) & 1U) != 0U ? subtract_halves(sum, inputs[bit][word])
                                                : add_halves(sum, inputs[bit][word]);
            table[pattern * ENTRY + word] = sum;
        }
    }
}

/* The portable version reads the patterns themselves. */
void bitloom_conv_image_prepare(const bitloom_conv_image_strip *strip) {
    (void)strip;
}

/* Bits of the pixels 0 to 7 and 16 to 23 of a strip, in bits 8 to 15 and 24 to 31; with half 1, eight pixels
 * on. */
static uint32_t half_of_output(const bitloom_conv_image_strip *strip, const uint16_t *lookups,
                               uint32_t limits, uint32_t half) {
    uint32_t bits = 0U;
    uint32_t i, k;
    for (i = 0U; i < 8U; i++) {
        const uint32_t *word = strip->tables + 8U * half + i;
        uint32_t sum = limits;
        for (k = 0U; k < strip->count; k++) {
            sum = add_halves(sum, word[lookups[k]]);
        }
        bits = (bits >> 1) | (sum & 0x80008000U);
    }
    return bits;
}

void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip) {
    const uint16_t *lookups = strip->lookups;
    uint32_t n;
    for (n = 0U; n < strip->outputs; n++, lookups += strip->count) {
        const uint32_t limit = (uint32_t)(int32_t)strip->limits[n];
        const uint32_t limits = (limit & 0xffffU) | limit << 16;
        const uint32_t low = half_of_output(strip, lookups, limits, 0U) >> 8;
        strip->to[n] = low | half_of_output(strip, lookups, limits, 1U);
    }
}

#endif
