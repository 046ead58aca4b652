/*
 * Portable inner loops of bitloom_conv_planes.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_planes_core.h"

#include "bitloom_conv_pairs_arch.h"

#ifndef BITLOOM_CONV_PAIRS_ASSEMBLY

/* z + a + b -> z, carry. */
static inline uint32_t add_two(uint32_t *z, uint32_t a, uint32_t b) {
    const uint32_t different = a ^ b;
    const uint32_t carry = (a & b) | (different & *z);
    *z ^= different;
    return carry;
}

/* Where the group `j` of a word has its entry (u, v). */
static inline const uint32_t *six_entry(const uint32_t *table, uint32_t word, uint32_t j) {
    static const uint8_t positions[4] = {3U, 19U, 9U, 25U};
    return table + j * BITLOOM_CONV_PLANES_SIX_WORDS + 2U * ((word >> positions[j]) & 63U);
}

static inline const uint32_t *three_entry(const uint32_t *table, uint32_t word, uint32_t j) {
    return table + j * BITLOOM_CONV_PLANES_THREE_WORDS + ((word >> (8U * j)) & 255U) / 4U;
}

/* Words of the tables of a weight word. */
static inline uint32_t word_words(int is_six) {
    return 4U * (is_six ? BITLOOM_CONV_PLANES_SIX_WORDS : BITLOOM_CONV_PLANES_THREE_WORDS);
}

/* A weight word: 4 entries (u, v) into planes 0 to 3, a carry of weight 16. */
static inline uint32_t add_word(uint32_t *l, const uint32_t *table, uint32_t word, int is_six) {
    const uint32_t *p = is_six ? six_entry(table, word, 0U) : three_entry(table, word, 0U);
    const uint32_t *q = is_six ? six_entry(table, word, 1U) : three_entry(table, word, 1U);
    uint32_t a, b, c, d, e;
    a = add_two(&l[0], p[0], q[0]);
    b = add_two(&l[1], p[1], q[1]);
    p = is_six ? six_entry(table, word, 2U) : three_entry(table, word, 2U);
    q = is_six ? six_entry(table, word, 3U) : three_entry(table, word, 3U);
    c = add_two(&l[0], p[0], q[0]);
    d = add_two(&l[1], p[1], q[1]);
    e = add_two(&l[1], a, c);
    b = add_two(&l[2], b, d);
    l[2] ^= e;
    return add_two(&l[3], b, e & ~l[2]);
}

/* Two weight words; a carry of weight 32. */
static inline uint32_t add_two_words(uint32_t *l, uint32_t *state, const uint32_t *table,
                                     const uint32_t *weights, int is_six) {
    const uint32_t a = add_word(l, table, weights[0], is_six);
    const uint32_t b = add_word(l, table + word_words(is_six), weights[1], is_six);
    return add_two(&state[4], a, b);
}

/* A carry to the planes from `plane` on. */
static inline void add_carry(uint32_t *state, uint32_t plane, uint32_t planes, uint32_t carry) {
    for (; plane < planes; plane++) {
        state[plane] ^= carry;
        carry &= ~state[plane];
    }
}

static inline void add_words(const bitloom_conv_planes_run *run, int is_six) {
    const uint32_t distance = 2U * word_words(is_six);
    const uint32_t *weights = run->weights;
    uint32_t *state = run->state;
    uint32_t output, i;
    for (output = 0U; output < run->outputs; output++) {
        const uint32_t *table = run->tables;
        uint32_t l[4];
        for (i = 0U; i < 4U; i++)
            l[i] = state[i];
        if ((run->words & 2U) != 0U) {
            add_carry(state, 5U, run->planes, add_two_words(l, state, table, weights, is_six));
            table += distance;
            weights += 2;
        }
        for (i = run->words / 4U; i != 0U; i--) {
            const uint32_t a = add_two_words(l, state, table, weights, is_six);
            const uint32_t b = add_two_words(l, state, table + distance, weights + 2, is_six);
            add_carry(state, 6U, run->planes, add_two(&state[5], a, b));
            table += 2U * distance;
            weights += 4;
        }
        for (i = 0U; i < 4U; i++)
            state[i] = l[i];
        state += run->planes;
    }
}

void bitloom_conv_planes_add_sixes(const bitloom_conv_planes_run *run) {
    add_words(run, 1);
}

void bitloom_conv_planes_add_threes(const bitloom_conv_planes_run *run) {
    add_words(run, 0);
}

/* The F words of a pair, by its weight bits (x in bit 0). */
static inline void pair_words(uint32_t *f, uint32_t x, uint32_t y) {
    f[3] = x & y;
    f[2] = y | ~x;
    f[1] = x | ~y;
    f[0] = f[1] & ~x;
}

void bitloom_conv_planes_sixes(const uint32_t *line, uint32_t groups, uint32_t *tables) {
    for (; groups != 0U; groups--) {
        uint32_t f[4], g[4], h[4];
        uint32_t i, j, k;
        pair_words(f, line[0], line[1]);
        pair_words(g, line[2], line[3]);
        pair_words(h, line[4], line[5]);
        for (k = 0U; k < 4U; k++) {
            for (j = 0U; j < 4U; j++) {
                const uint32_t u = g[j] ^ h[k];
                const uint32_t v = g[j] & h[k];
                for (i = 0U; i < 4U; i++) {
                    *tables++ = u ^ f[i];
                    *tables++ = v | (u & f[i]);
                }
            }
        }
        line += 6;
    }
}

void bitloom_conv_planes_threes(const uint32_t *line, uint32_t groups, uint32_t *tables) {
    for (; groups != 0U; groups--) {
        uint32_t j, k;
        for (k = 0U; k < 3U; k++) {
            const uint32_t y = k == 1U ? 0U : k == 0U ? ~line[2] : line[2];
            for (j = 0U; j < 3U; j++) {
                const uint32_t x = j == 1U ? 0U : j == 0U ? ~line[1] : line[1];
                const uint32_t u = x ^ y;
                const uint32_t v = x & y;
                tables[0] = u ^ ~line[0];
                tables[1] = v | (u & ~line[0]);
                tables[2] = u;
                tables[3] = v;
                tables[4] = u ^ line[0];
                tables[5] = v | (u & line[0]);
                tables += 6;
            }
        }
        line += 3;
    }
}

void bitloom_conv_planes_turn(const uint32_t *words, uint32_t count, uint32_t rotate, uint32_t mask,
                              uint32_t *to) {
    for (; count != 0U; count--) {
        *to++ = ((*words >> rotate) | (*words << ((32U - rotate) & 31U))) & mask;
        words++;
    }
}

/* Whether 2 * counter + lowest >= t. */
static uint32_t reached(const uint32_t *counter, uint32_t planes, uint32_t lowest, uint32_t t) {
    uint32_t is_reached = (t & 1U) != 0U ? lowest : 0xffffffffU;
    uint32_t plane;
    for (plane = 0U; plane < planes; plane++) {
        const uint32_t bit = 0U - ((t >> (plane + 1U)) & 1U);
        is_reached = (counter[plane] & is_reached) | ((counter[plane] | is_reached) & ~bit);
    }
    return is_reached;
}

/* Plane b of a number of thresholds reached is the parity of every 2^b-th of them. */
void bitloom_conv_planes_codes(const bitloom_conv_planes_counters *counters) {
    const uint32_t *state = counters->state;
    const uint16_t *thresholds = counters->thresholds;
    uint32_t *results = counters->results;
    uint32_t output, level, plane;
    for (output = 0U; output < counters->outputs; output++) {
        for (plane = 0U; plane < counters->output_planes; plane++)
            results[plane * counters->distance] = 0U;
        for (level = 1U; level <= counters->levels; level++) {
            const uint32_t bits = reached(state, counters->planes, counters->lowest, *thresholds++);
            for (plane = 0U; (level & ((1U << plane) - 1U)) == 0U; plane++)
                results[plane * counters->distance] ^= bits;
        }
        state += counters->planes;
        results++;
    }
}

void bitloom_conv_planes_fill(const uint32_t *words, uint32_t planes, uint32_t outputs, uint32_t *state) {
    uint32_t i;
    for (; outputs != 0U; outputs--) {
        for (i = 0U; i < planes; i++)
            *state++ = words[i];
    }
}

#endif
