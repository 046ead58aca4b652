/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_tables_mve_core.h"

#ifndef BITLOOM_V128_MVE

/* sum += one bit of weight 2^plane for each pixel and output. */
static void add_bits(const bitloom_conv_tables_mve_job *job, uint32_t plane, bitloom_v128 bits) {
    const uint32_t planes = BITLOOM_CONV_TABLES_MVE_LEAST_PLANES + job->more_planes;
    for (; plane < planes; plane++) {
        uint8_t *const at = job->sum + 16U * plane;
        const bitloom_v128 old = bitloom_v128_load(at);
        bitloom_v128_store(at, bitloom_v128_xor(old, bits));
        bits = bitloom_v128_and(old, bits);
    }
}

static void add_quad(const bitloom_conv_tables_mve_job *job, const uint8_t *table, const uint8_t *image) {
    uint8_t u[16];
    uint8_t v[16];
    uint32_t pixel;
    for (pixel = 0U; pixel < 16U; pixel++) {
        const uint8_t *entry = table + image[job->positions[pixel]];
        u[pixel] = entry[0];
        v[pixel] = entry[job->v_distance];
    }
    add_bits(job, 0U, bitloom_v128_load(u));
    add_bits(job, 1U, bitloom_v128_load(v));
}

void bitloom_conv_tables_mve_add(const bitloom_conv_tables_mve_job *job) {
    const uint32_t *list = job->list;
    const uint32_t *const end = list + 5U * (4U * job->four_fours + job->fours);
    for (; list != end; list += 5) {
        uint32_t quad;
        for (quad = 1U; quad < 5U; quad++)
            add_quad(job, job->base + list[0], job->base + list[quad]);
    }
}

#endif
