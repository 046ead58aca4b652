/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_rows_core.h"

#include <string.h>

#if !BITLOOM_CONV_ROWS_ASSEMBLY

/*
 * Numbers from 0 to 2 travel as (x, x ^ y) with x + y their value. Two full adders in a chain take in two of
 * them: z + (x1 + y1) + (x2 + y2) = z' + 2 · (a + b), the result (a, a ^ b) in (x1, p1). A carry is z where
 * its number is 0 or 2 less z, else the other operand: with p = x ^ y it needs no majority.
 */
#define ADD_TWO(z, x1, p1, x2, p2)                                                                           \
    do {                                                                                                     \
        uint32_t carry_xor = (x1) ^ (z);                                                                     \
        uint32_t second;                                                                                     \
        (z) ^= (p1);                                                                                         \
        carry_xor |= (p1);                                                                                   \
        (x1) = carry_xor ^ (z);                                                                              \
        second = ((x2) ^ (z)) & ~(p2);                                                                       \
        (z) ^= (p2);                                                                                         \
        (p1) = carry_xor ^ second;                                                                           \
    } while (0)

#if defined(__thumb__) && !defined(BITLOOM_PORTABLE_C)

/* In bitloom_conv_rows_core_asm.S: with eight low registers the compiler moves more than it adds. */
void bitloom_conv_rows_sixteens(const uint32_t *list, const uint32_t *rows, uint32_t *counters,
                                uint32_t *pairs, const uint32_t *list_end);

static void add_rows(const uint32_t *list, uint32_t sixteens, const uint32_t *rows, uint32_t *counters,
                     uint32_t *pairs) {
    bitloom_conv_rows_sixteens(list, rows, counters, pairs, list + 16U * sixteens);
}

#else

#define ROW(i) (*(const uint32_t *)(const void *)((const uint8_t *)rows + list[i]))

/* Four rows of weight 1 into plane z; what is left is one number of weight 2 in (x, p). */
#define ADD_FOUR_ROWS(z, x, p, i)                                                                            \
    do {                                                                                                     \
        uint32_t x2, p2;                                                                                     \
        (x) = ROW(i);                                                                                        \
        (p) = ROW((i) + 1) ^ (x);                                                                            \
        x2 = ROW((i) + 2);                                                                                   \
        p2 = ROW((i) + 3) ^ x2;                                                                              \
        ADD_TWO(z, x, p, x2, p2);                                                                            \
    } while (0)

/* Sixteen rows into three planes, and one number of weight 8 for each sixteen. */
static void add_rows(const uint32_t *list, uint32_t sixteens, const uint32_t *rows, uint32_t *counters,
                     uint32_t *pairs) {
    uint32_t z0 = counters[0], z1 = counters[1], z2 = counters[2];
    do {
        uint32_t ax, ap, bx, bp, cx, cp;
        ADD_FOUR_ROWS(z0, ax, ap, 0);
        ADD_FOUR_ROWS(z0, bx, bp, 4);
        ADD_TWO(z1, ax, ap, bx, bp);
        ADD_FOUR_ROWS(z0, bx, bp, 8);
        ADD_FOUR_ROWS(z0, cx, cp, 12);
        ADD_TWO(z1, bx, bp, cx, cp);
        ADD_TWO(z2, ax, ap, bx, bp);
        *pairs++ = ax;
        *pairs++ = ap;
        list += 16;
    } while (--sixteens > 0U);
    counters[0] = z0;
    counters[1] = z1;
    counters[2] = z2;
}

#endif

#define ADD_TWO_PAIRS(z, x, p, i)                                                                            \
    do {                                                                                                     \
        uint32_t x2, p2;                                                                                     \
        (x) = from[i];                                                                                       \
        (p) = from[(i) + 1];                                                                                 \
        x2 = from[(i) + 2];                                                                                  \
        p2 = from[(i) + 3];                                                                                  \
        ADD_TWO(z, x, p, x2, p2);                                                                            \
    } while (0)

/* Eight numbers into three planes, and one number of eight times the weight for each eight, in place. */
static void add_eights(uint32_t *pairs, uint32_t eights, uint32_t *counters) {
    uint32_t z0 = counters[0], z1 = counters[1], z2 = counters[2];
    const uint32_t *from = pairs;
    do {
        uint32_t ax, ap, bx, bp, cx, cp;
        ADD_TWO_PAIRS(z0, ax, ap, 0);
        ADD_TWO_PAIRS(z0, bx, bp, 4);
        ADD_TWO(z1, ax, ap, bx, bp);
        ADD_TWO_PAIRS(z0, bx, bp, 8);
        ADD_TWO_PAIRS(z0, cx, cp, 12);
        ADD_TWO(z1, bx, bp, cx, cp);
        ADD_TWO(z2, ax, ap, bx, bp);
        *pairs++ = ax;
        *pairs++ = ap;
        from += 16;
    } while (--eights > 0U);
    counters[0] = z0;
    counters[1] = z1;
    counters[2] = z2;
}

/* One number into the plane of its weight; the carry ripples through those above. */
static void add_one(const uint32_t *pair, uint32_t *counter, const uint32_t *end) {
    uint32_t carry, z;
    if (counter == end) {
        return;
    }
    z = *counter;
    carry = (pair[0] ^ z) | pair[1];
    z ^= pair[1];
    *counter++ = z;
    carry ^= z;
    while (counter < end) {
        z = *counter;
        *counter++ = z ^ carry;
        carry &= z;
    }
}

static void add_word(const bitloom_conv_rows_sum *sum, const uint32_t *rows, uint32_t *counters) {
    const uint32_t *end = counters + sum->planes;
    uint32_t *pairs = sum->pairs;
    uint32_t count = sum->sixteens;
    counters++;
    add_rows(sum->list, count, rows, counters, pairs);
    counters += 3;
    while (count > 1U) {
        while ((count & 7U) != 0U) {
            pairs[2U * count] = 0U;
            pairs[2U * count + 1U] = 0U;
            count++;
        }
        count /= 8U;
        add_eights(pairs, count, counters);
        counters += 3;
    }
    add_one(pairs, counters, end);
}

void bitloom_conv_rows_add(const bitloom_conv_rows_sum *sum) {
    uint32_t word;
    for (word = 0U; word < sum->words; word++) {
        add_word(sum, sum->rows + word, sum->counters + word * sum->planes);
    }
}

void bitloom_conv_rows_copy(const uint32_t *from, uint32_t words, uint32_t *to) {
    memcpy(to, from, words * sizeof *to);
}

void bitloom_conv_rows_clear(uint32_t *list, uint32_t count) {
    while (count-- > 0U) {
        *list++ = 0U;
    }
}

void bitloom_conv_rows_signs(const uint32_t *counters, uint32_t planes, int32_t shift, uint32_t words,
                             uint32_t flip, uint32_t *signs) {
    while (words-- > 0U) {
        uint32_t bits = (uint32_t)shift;
        uint32_t carry = 0U;
        uint32_t i;
        for (i = 1U; i < planes; i++) {
            const uint32_t counter = *counters++;
            carry = (bits & 1U) != 0U ? carry | counter : carry & counter;
            bits >>= 1;
        }
        *signs++ = *counters++ ^ carry ^ flip ^ (0U - (bits & 1U));
    }
}

void bitloom_conv_rows_select(const uint32_t *inputs, uint32_t words, uint32_t offset, uint32_t row_step,
                              uint32_t *list) {
    const uint32_t pair_step = 4U * row_step;
    while (words-- > 0U) {
        uint32_t input = *inputs++;
        uint32_t i;
        for (i = 0U; i < 16U; i += 4U) {
            list[0] = offset + (input & 3U) * row_step;
            input >>= 2;
            offset += pair_step;
            list[1] = offset + (input & 3U) * row_step;
            input >>= 2;
            offset += pair_step;
            list[2] = offset + (input & 3U) * row_step;
            input >>= 2;
            offset += pair_step;
            list[3] = offset + (input & 3U) * row_step;
            input >>= 2;
            offset += pair_step;
            list += 4;
        }
    }
}

uint32_t *bitloom_conv_rows_select_inputs(const uint32_t *inputs, uint32_t words, uint32_t offset,
                                          uint32_t row_step, uint32_t flip, uint32_t *list) {
    while (words-- > 0U) {
        list = bitloom_conv_rows_select_some_inputs(*inputs++ ^ flip, 32U, offset, row_step, list);
        offset += 32U * row_step;
    }
    return list;
}

#endif
