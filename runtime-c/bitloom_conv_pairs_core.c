/*
 * Portable inner loops of bitloom_conv_pairs.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_core.h"

#include "bitloom_conv_pairs.h"
#include "bitloom_conv_pairs_arch.h"

#ifndef BITLOOM_CONV_PAIRS_ASSEMBLY

/* Adds a carry to the planes from `plane` on. */
static inline void add_carry(uint32_t *counter, uint32_t plane, uint32_t planes, uint32_t carry) {
    for (; plane < planes; plane++) {
        counter[plane] ^= carry;
        carry &= ~counter[plane];
    }
}

#ifndef BITLOOM_CONV_PAIRS_ASSEMBLY_V6M

#define TABLE_OFFSETS 0x78787878U

/* Two words of one weight; carries travel as (a, a ^ b), which saves a third of the adders' operations. */
typedef struct {
    uint32_t first, different;
} carry_pair;

/* l + u + 2 v -> l, carry. u and v are never both 1. */
static inline uint32_t add_group(uint32_t *l, const uint32_t *table, uint32_t offset) {
    const uint32_t u = table[offset >> 2];
    const uint32_t v = table[(offset >> 2) + 1U];
    *l ^= u;
    return v | (u & ~*l);
}

/* z + p.a + p.b + q.a + q.b -> z and two carries. */
static inline carry_pair add_pairs(uint32_t *z, carry_pair p, carry_pair q) {
    const uint32_t a = ((p.first ^ *z) | p.different) ^ (*z ^ p.different);
    const uint32_t middle = *z ^ p.different;
    const uint32_t b_differs = (q.first ^ middle) & ~q.different;
    carry_pair carry;
    carry.first = a;
    carry.different = ((p.first ^ *z) | p.different) ^ b_differs;
    /* (p.first ^ z) | p.different is the carry a xor `middle`; q's carry is `b_differs ^ middle`. */
    *z = middle ^ q.different;
    return carry;
}

/* z + p.a + p.b -> z, carry. */
static inline uint32_t add_pair(uint32_t *z, carry_pair p) {
    const uint32_t a = (p.first ^ *z) | p.different;
    *z ^= p.different;
    return a ^ *z;
}

/* The 4 groups of one half of a weight word: l0 and l1, carries of weight 4. */
static inline carry_pair add_half(uint32_t *l, const uint32_t *table, uint32_t offsets) {
    carry_pair p, q;
    p.first = add_group(&l[0], table, offsets & 0xffU);
    p.different = p.first ^ add_group(&l[0], table + BITLOOM_CONV_PAIRS_GROUP_WORDS, (offsets >> 8) & 0xffU);
    q.first = add_group(&l[0], table + 2U * BITLOOM_CONV_PAIRS_GROUP_WORDS, (offsets >> 16) & 0xffU);
    q.different = q.first ^ add_group(&l[0], table + 3U * BITLOOM_CONV_PAIRS_GROUP_WORDS, offsets >> 24);
    return add_pairs(&l[1], p, q);
}

/* A weight word: 32 inputs into planes 0 to 2, carries of weight 8. */
static inline carry_pair add_word(uint32_t *l, const uint32_t *table, uint32_t weights) {
    const carry_pair p = add_half(l, table, weights & TABLE_OFFSETS);
    const carry_pair q = add_half(l, table + 4U * BITLOOM_CONV_PAIRS_GROUP_WORDS,
                                  ((weights >> 4) | (weights << 28)) & TABLE_OFFSETS);
    return add_pairs(&l[2], p, q);
}

static void add_words(const bitloom_conv_pairs_run *run, const uint32_t *weights, uint32_t *counter) {
    uint32_t l[3];
    uint32_t i = 0U;
    l[0] = counter[0];
    l[1] = counter[1];
    l[2] = counter[2];
    for (; i + 1U < run->words; i += 2U) {
        const carry_pair p = add_word(l, run->tables[i], weights[i]);
        const carry_pair q = add_word(l, run->tables[i + 1U], weights[i + 1U]);
        const carry_pair r = add_pairs(&counter[3], p, q);
        add_carry(counter, 5U, run->planes, add_pair(&counter[4], r));
    }
    if (i < run->words) {
        const carry_pair p = add_word(l, run->tables[i], weights[i]);
        add_carry(counter, 4U, run->planes, add_pair(&counter[3], p));
    }
    counter[0] = l[0];
    counter[1] = l[1];
    counter[2] = l[2];
}

/* Counter planes 3 and up against t / 16; where they are equal, the version's bit decides. */
static uint32_t compare(const uint32_t *counter, uint32_t planes, uint32_t reached, uint32_t limit) {
    uint32_t plane;
    for (plane = 3U; plane < planes; plane++) {
        const uint32_t bit = 0U - (limit & 1U);
        reached = (counter[plane] & reached) | ((counter[plane] | reached) & ~bit);
        limit >>= 1;
    }
    return reached;
}

static inline void copy_words(uint32_t *to, const uint32_t *from, uint32_t count) {
    uint32_t i;
    for (i = 0U; i < count; i++)
        to[i] = from[i];
}

static inline void run_outputs(const bitloom_conv_pairs_run *run, int from_state, int to_state) {
    uint32_t counter[BITLOOM_CONV_PAIRS_MAX_PLANES];
    const uint32_t *weights = run->weights;
    uint32_t *state = run->state;
    uint32_t output;
    for (output = 0U; output < run->outputs; output++) {
        const uint32_t *version = run->low + 4U * (run->thresholds[output] & 15U);
        if (from_state) {
            copy_words(counter, state, run->planes);
        } else {
            copy_words(counter, version, 3U);
            copy_words(counter + 3, run->high, run->planes - 3U);
        }
        add_words(run, weights, counter);
        if (to_state) {
            copy_words(state, counter, run->planes);
        } else {
            run->results[output] = compare(counter, run->planes, version[3], run->thresholds[output] >> 4);
        }
        weights += run->words;
        state += run->planes;
    }
}

void bitloom_conv_pairs_single(const bitloom_conv_pairs_run *run) {
    run_outputs(run, 0, 0);
}

void bitloom_conv_pairs_first(const bitloom_conv_pairs_run *run) {
    run_outputs(run, 0, 1);
}

void bitloom_conv_pairs_middle(const bitloom_conv_pairs_run *run) {
    run_outputs(run, 1, 1);
}

void bitloom_conv_pairs_last(const bitloom_conv_pairs_run *run) {
    run_outputs(run, 1, 0);
}

#endif

static inline uint32_t turn_right(uint32_t word, uint32_t rotate) {
    return (word >> rotate) | (word << ((32U - rotate) & 31U));
}

void bitloom_conv_pairs_add(uint32_t *sum, uint32_t total, const uint32_t *number, uint32_t planes,
                            uint32_t rotate, uint32_t mask) {
    uint32_t carry = 0U;
    uint32_t i;
    for (i = 0U; i < planes; i++) {
        const uint32_t turned = turn_right(number[i], rotate) & mask;
        const uint32_t different = sum[i] ^ turned;
        const uint32_t both = sum[i] & turned;
        sum[i] = different ^ carry;
        carry = both | (different & carry);
    }
    add_carry(sum, planes, total, carry);
}

void bitloom_conv_pairs_add_rows(uint32_t *sum, uint32_t total, const uint32_t *const *numbers,
                                 uint32_t planes) {
    uint32_t i;
    for (i = 0U; i < total; i++)
        sum[i] = i < planes ? numbers[0][i] : 0U;
    bitloom_conv_pairs_add(sum, total, numbers[1], planes, 0U, 0xffffffffU);
    bitloom_conv_pairs_add(sum, total, numbers[2], planes, 0U, 0xffffffffU);
}

void bitloom_conv_pairs_add_columns(uint32_t *sum, uint32_t total, const uint32_t *number, uint32_t planes,
                                    const uint32_t *columns) {
    uint32_t i;
    for (i = 0U; i < total; i++)
        sum[i] = 0U;
    for (i = 0U; i < 3U; i++)
        bitloom_conv_pairs_add(sum, total, number, planes, columns[3U * i + 1U], columns[3U * i + 2U]);
}

void bitloom_conv_pairs_versions(const uint32_t *sum, uint32_t *low) {
    uint32_t d0 = sum[0];
    uint32_t d1 = sum[1];
    uint32_t d2 = sum[2];
    uint32_t d3 = sum[3];
    uint32_t reached = 0xffffffffU;
    uint32_t n;
    for (n = 0U; n < 16U; n++) {
        uint32_t borrow = ~d0;
        low[0] = d1;
        low[1] = d2;
        low[2] = d3;
        low[3] = reached;
        low += 4;
        d0 = borrow;
        d1 ^= borrow;
        borrow &= d1;
        d2 ^= borrow;
        borrow &= d2;
        d3 ^= borrow;
        reached &= ~(borrow & d3);
    }
}

/* *low + a + b -> *low, carry. */
static inline uint32_t full_add(uint32_t *low, uint32_t a, uint32_t b) {
    const uint32_t different = a ^ b;
    const uint32_t carry = (a & b) | (different & *low);
    *low ^= different;
    return carry;
}

void bitloom_conv_pairs_count(const uint32_t *line, uint32_t words, uint32_t *number, uint32_t planes) {
    uint32_t i;
    for (i = 0U; i < planes; i++)
        number[i] = 0U;
    for (; words >= 16U; words -= 16U) {
        const uint32_t a = full_add(&number[0], line[0] ^ line[1], line[2] ^ line[3]);
        const uint32_t b = full_add(&number[0], line[4] ^ line[5], line[6] ^ line[7]);
        const uint32_t c = full_add(&number[1], a, b);
        const uint32_t d = full_add(&number[0], line[8] ^ line[9], line[10] ^ line[11]);
        const uint32_t e = full_add(&number[0], line[12] ^ line[13], line[14] ^ line[15]);
        const uint32_t f = full_add(&number[1], d, e);
        add_carry(number, 3U, planes, full_add(&number[2], c, f));
        line += 16;
    }
    for (; words != 0U; words -= 4U) {
        add_carry(number, 1U, planes, full_add(&number[0], line[0] ^ line[1], line[2] ^ line[3]));
        line += 4;
    }
}

void bitloom_conv_pairs_zip(const uint32_t *low, const uint32_t *high, uint32_t *line, uint32_t words) {
    for (; words != 0U; words -= 2U) {
        const uint32_t a = *low++;
        const uint32_t b = *high++;
        line[0] = (a & 0xffffU) | (b << 16);
        line[1] = (a >> 16) | (b & 0xffff0000U);
        line += 2;
    }
}

void bitloom_conv_pairs_unzip(const uint32_t *line, uint32_t *low, uint32_t *high, uint32_t words) {
    for (; words != 0U; words -= 2U) {
        const uint32_t a = line[0];
        const uint32_t b = line[1];
        *low++ = (a & 0xffffU) | (b << 16);
        *high++ = (a >> 16) | (b & 0xffff0000U);
        line += 2;
    }
}

void bitloom_conv_pairs_copy(const uint32_t *from, uint32_t groups, uint32_t *to) {
    uint32_t words = groups * BITLOOM_CONV_PAIRS_GROUP_WORDS;
    for (; words != 0U; words -= 4U) {
        const uint32_t a = from[0];
        const uint32_t b = from[1];
        const uint32_t c = from[2];
        const uint32_t d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
        from += 4;
        to += 4;
    }
}

#ifndef BITLOOM_CONV_PAIRS_ASSEMBLY_V6M

/* The F words of a pair, by its weight bits (x in bit 0). */
static inline void pair_words(uint32_t *f, uint32_t x, uint32_t y) {
    f[3] = x & y;
    f[2] = y | ~x;
    f[1] = x | ~y;
    f[0] = f[1] & ~x;
}

void bitloom_conv_pairs_tables(const uint32_t *line, uint32_t groups, uint32_t rotate, uint32_t mask,
                               uint32_t *tables) {
    for (; groups != 0U; groups--) {
        uint32_t x[4], f[4], g[4];
        uint32_t i, j;
        for (i = 0U; i < 4U; i++)
            x[i] = turn_right(line[i], rotate) & mask;
        pair_words(f, x[0], x[1]);
        pair_words(g, x[2], x[3]);
        for (j = 0U; j < 4U; j++) {
            for (i = 0U; i < 4U; i++) {
                *tables++ = f[i] ^ g[j];
                *tables++ = f[i] & g[j];
            }
        }
        line += 4;
    }
}

#endif

#endif
