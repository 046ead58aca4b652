/*
 * The inner loops of bitloom_conv_image for cores with MVE: four pairs at once.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image.h"
#include "bitloom_conv_image_core.h"

#if BITLOOM_CONV_IMAGE_MVE

#include <arm_mve.h>

#define ENTRY BITLOOM_CONV_IMAGE_ENTRY

/*
 * Tables are filled in the order of their entries, a Gray code: to get to entry k, whose lowest set bit is
 * `bit`, that input changes its sign; back to + if the bit above is set.
 */
#define STEP(k, bit)                                                                                         \
    sum = (((k) >> (bit)) & 2U) != 0U ? vaddq_u32(sum, twice##bit) : vsubq_u32(sum, twice##bit);             \
    vst1q_u32(first + (k)*ENTRY, sum);
#define GRAY1(k) STEP((k) + 1U, 0)
#define GRAY2(k) GRAY1(k) STEP((k) + 2U, 1) GRAY1((k) + 2U)
#define GRAY3(k) GRAY2(k) STEP((k) + 4U, 2) GRAY2((k) + 4U)

/* Whole vectors: entries and packed rows have room for 20 words, whatever is in the last ones. */
void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words,
                              uint32_t *table) {
    const uint32x4_t none = vdupq_n_u32(0U);
    uint32_t word;
    for (word = 0U; word < words; word += 4U) {
        uint32_t *first = table + word;
        const uint32x4_t value0 = vld1q_u32(inputs[0] + word);
        const uint32x4_t value1 = count > 1U ? vld1q_u32(inputs[1] + word) : none;
        const uint32x4_t value2 = count > 2U ? vld1q_u32(inputs[2] + word) : none;
        const uint32x4_t value3 = count > 3U ? vld1q_u32(inputs[3] + word) : none;
        const uint32x4_t value4 = count > 4U ? vld1q_u32(inputs[4] + word) : none;
        const uint32x4_t twice0 = vaddq_u32(value0, value0);
        const uint32x4_t twice1 = vaddq_u32(value1, value1);
        const uint32x4_t twice2 = vaddq_u32(value2, value2);
        const uint32x4_t twice3 = vaddq_u32(value3, value3);
        uint32x4_t sum = vaddq_u32(vaddq_u32(vaddq_u32(value0, value1), vaddq_u32(value2, value3)), value4);
        vst1q_u32(first, sum);
        GRAY1(0U)
        if (count > 1U) {
            STEP(2U, 1)
            GRAY1(2U)
        }
        if (count > 2U) {
            STEP(4U, 2)
            GRAY2(4U)
        }
        if (count > 3U) {
            STEP(8U, 3)
            GRAY3(8U)
        }
        if (count > 4U) {
            sum = vsubq_u32(sum, vaddq_u32(value4, value4));
            first += 16U * ENTRY;
            vst1q_u32(first, sum);
            GRAY3(0U)
            sum = vaddq_u32(sum, twice3); /* entry 24: the bit above is set */
            vst1q_u32(first + 8U * ENTRY, sum);
            GRAY3(8U)
        }
    }
}

static inline const uint32_t *entry_at(uint32_t place) {
    return (const uint32_t *)(uintptr_t)place;
}

void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip) {
    static const int32_t lanes[4] = {-3, -2, -1, 0};
    const int32x4_t shifts = vld1q_s32(lanes);
    const uint32x4_t signs = vdupq_n_u32(0x80008000U);
    const uint32_t length = strip->count + 1U;
    const uint32_t *list = strip->list;
    uint32_t *to = strip->to;
    const uint32_t *end = to + strip->results;
    while (to != end) {
        const uint32_t *second = list + length;
        uint32_t k;
        uint32x4_t sum0 = vaddq_n_u32(vld1q_u32(entry_at(list[0])), list[1]);
        uint32x4_t sum1 = vaddq_n_u32(vld1q_u32(entry_at(list[0]) + 4), list[1]);
        uint32x4_t sum2 = vaddq_n_u32(vld1q_u32(entry_at(second[0])), second[1]);
        uint32x4_t sum3 = vaddq_n_u32(vld1q_u32(entry_at(second[0]) + 4), second[1]);
        list += 2;
        second += 2;
        for (k = length - 2U; k > 0U; k--) {
            const uint32_t *low = entry_at(*list++);
            const uint32_t *high = entry_at(*second++);
            sum0 = vaddq_u32(sum0, vld1q_u32(low));
            sum1 = vaddq_u32(sum1, vld1q_u32(low + 4));
            sum2 = vaddq_u32(sum2, vld1q_u32(high));
            sum3 = vaddq_u32(sum3, vld1q_u32(high + 4));
        }
        list = second;
        /* Bit 15 of word i of the sums goes to bit i, bit 31 to bit 16 + i. */
        sum0 = vandq_u32(sum0, signs);
        sum1 = vorrq_u32(vandq_u32(sum1, signs), vshrq_n_u32(sum0, 4));
        sum2 = vorrq_u32(vandq_u32(sum2, signs), vshrq_n_u32(sum1, 4));
        sum3 = vorrq_u32(vandq_u32(sum3, signs), vshrq_n_u32(sum2, 4));
        *to++ = vaddvq_u32(vshlq_u32(sum3, shifts));
    }
}

#endif
