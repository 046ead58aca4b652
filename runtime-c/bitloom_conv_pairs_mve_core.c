/*
 * Portable inner loop of bitloom_conv_pairs_mve.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_mve_core.h"

#ifndef BITLOOM_V128_MVE

/* Adds a carry of weight 2^plane. */
static void add_carry(uint8_t *sum, uint32_t plane, uint32_t planes, bitloom_v128 carry) {
    for (; plane < planes; plane++) {
        const bitloom_v128 bits = bitloom_v128_xor(bitloom_v128_load(sum + 16U * plane), carry);
        bitloom_v128_store(sum + 16U * plane, bits);
        carry = bitloom_v128_and_not(carry, bits);
    }
}

/* Adds the (u, v) that 4 bits of weights select. */
static void add_group(const bitloom_conv_pairs_mve_job *job, uint8_t *sum, uint32_t planes, uint32_t table,
                      uint32_t weights) {
    const uint8_t *entry = job->base + table + weights * job->entry_bytes;
    add_carry(sum, 0U, planes, bitloom_v128_load(entry));
    add_carry(sum, 1U, planes, bitloom_v128_load(entry + job->entry_bytes / 2U));
}

static void start_sum(const bitloom_conv_pairs_mve_column *column) {
    memmove(column->sum, column->start, 5U * 16U);
    if (column->high_start != NULL) {
        memmove(column->sum + 5U * 16U, column->high_start, 4U * 16U);
    } else {
        memset(column->sum + 5U * 16U, 0, 2U * 16U);
    }
}

static void sum_columns(const bitloom_conv_pairs_mve_job *job) {
    const bitloom_conv_pairs_mve_column *column;
    const uint32_t *weights = job->weights;
    const uint32_t groups = 16U * job->double_words + 8U * (job->rest & 1U) + 4U * (job->rest >> 1);
    for (column = job->columns; column != job->columns_end; column++) {
        const uint32_t planes = column->high_start != NULL ? BITLOOM_CONV_PAIRS_MVE_COLUMN_PLANES : 7U;
        uint32_t i;
        start_sum(column);
        for (i = 0U; i < groups; i++) {
            const uint32_t bits = (weights[i / 8U] >> ((i & 3U) * 8U + (i & 4U))) & 15U;
            add_group(job, column->sum, planes, column->tables[i], bits);
        }
        weights += (groups + 7U) / 8U;
    }
}

void bitloom_conv_pairs_mve_columns16(bitloom_conv_pairs_mve_job *job) {
    sum_columns(job);
}

void bitloom_conv_pairs_mve_columns32(bitloom_conv_pairs_mve_job *job) {
    sum_columns(job);
}

/* The F of a pair, by its weight bits (x in bit 0). */
static void pair_words(bitloom_v128 *f, const uint8_t *x_image, const uint8_t *y_image) {
    const bitloom_v128 x = bitloom_v128_load(x_image);
    const bitloom_v128 y = bitloom_v128_load(y_image);
    f[3] = bitloom_v128_and(x, y);
    f[2] = bitloom_v128_or_not(y, x);
    f[1] = bitloom_v128_or_not(x, y);
    f[0] = bitloom_v128_and_not(f[1], x);
}

static void build_table(const uint8_t *image, uint32_t image_bytes, uint8_t *entry, uint32_t entry_bytes) {
    bitloom_v128 f[4], g[4];
    uint32_t i;
    pair_words(f, image, image + image_bytes);
    pair_words(g, image + 2U * image_bytes, image + 3U * image_bytes);
    for (i = 0U; i < 16U; i++) {
        bitloom_v128_store(entry, bitloom_v128_xor(f[i & 3U], g[i >> 2]));
        bitloom_v128_store(entry + entry_bytes / 2U, bitloom_v128_and(f[i & 3U], g[i >> 2]));
        entry += entry_bytes;
    }
}

void bitloom_conv_pairs_mve_table16(const uint8_t *image, uint32_t image_bytes, uint8_t *entry,
                                    uint32_t entry_bytes) {
    build_table(image, image_bytes, entry, entry_bytes);
}

void bitloom_conv_pairs_mve_table32(const uint8_t *image, uint32_t image_bytes, uint8_t *entry,
                                    uint32_t entry_bytes) {
    build_table(image, image_bytes, entry, entry_bytes);
}

#endif
