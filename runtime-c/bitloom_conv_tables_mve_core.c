/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_tables_mve_core.h"

#include "bitloom_v128_bytes.h"

BITLOOM_NOINLINE bitloom_v128 bitloom_conv_tables_mve_compare(const uint8_t *sum, uint32_t planes,
                                                              uint32_t mask, const uint8_t *threshold) {
    const uint8_t *const end = sum + 16U * planes;
    bitloom_v128 reached = bitloom_v128_and(bitloom_v128_of_mask(mask), bitloom_v128_bytes(threshold[0]));
    reached = bitloom_v128_or(reached, bitloom_v128_bytes(threshold[1]));
    threshold += 2;
    for (; sum != end; sum += 16)
        reached = bitloom_v128_majority(bitloom_v128_load(sum), reached, bitloom_v128_bytes(*threshold++));
    return reached;
}

#ifndef BITLOOM_V128_MVE

/* F of two inputs, by their bits. */
static uint32_t row_of(uint32_t a, uint32_t b, uint32_t bits) {
    return bits == 0U ? ~(a & b) : bits == 1U ? a & ~b : bits == 2U ? b & ~a : a | b;
}

void bitloom_conv_tables_mve_tables(const uint8_t *weights, uint8_t *tables, uint32_t v_distance,
                                    const uint16_t *places, uint32_t units) {
    uint32_t quad, bits;
    for (quad = 0U; quad < 8U * units; quad++) {
        const uint8_t *own = weights + 32U * (quad / 8U) + 2U * (quad & 7U);
        uint8_t *table = tables + (places == NULL ? 16U * quad : places[quad]);
        for (bits = 0U; bits < 16U; bits++) {
            const uint32_t first = row_of(own[0], own[16], bits & 3U);
            const uint32_t second = row_of(own[1], own[17], bits >> 2);
            table[bits] = (uint8_t)(first ^ second);
            table[bits + v_distance] = (uint8_t)(first & second);
        }
    }
}

static uint32_t planes_of(const bitloom_conv_tables_mve_job *job) {
    return job->planes > BITLOOM_CONV_TABLES_MVE_LEAST_PLANES ? job->planes
                                                              : BITLOOM_CONV_TABLES_MVE_LEAST_PLANES;
}

/* sum += one bit of weight 2^plane for each pixel and output. */
static void add_bits(const bitloom_conv_tables_mve_job *job, uint32_t plane, bitloom_v128 bits) {
    const uint32_t planes = planes_of(job);
    for (; plane < planes; plane++) {
        uint8_t *const at = job->sum + 16U * plane;
        const bitloom_v128 old = bitloom_v128_load(at);
        bitloom_v128_store(at, bitloom_v128_xor(old, bits));
        bits = bitloom_v128_and(old, bits);
    }
}

/* One quad of each pixel. */
static void add_quad(const bitloom_conv_tables_mve_job *job, const uint32_t *four, uint32_t quad) {
    const bitloom_v128 positions = bitloom_v128_load(job->positions);
    const bitloom_v128 entries = bitloom_v128_gather(job->base + four[2U + quad], positions);
    add_bits(job, 0U, bitloom_v128_gather(job->base + four[0], entries));
    add_bits(job, 1U, bitloom_v128_gather(job->base + four[1], entries));
}

void bitloom_conv_tables_mve_add(bitloom_conv_tables_mve_job *job) {
    const uint32_t *const end = job->list + 6U * (4U * job->four_fours + job->fours);
    for (; job->vectors != 0U; job->vectors--) {
        const uint32_t *four;
        uint32_t i;
        for (i = 0U; job->is_first != 0U && i < planes_of(job); i++)
            bitloom_v128_store(job->sum + 16U * i, bitloom_v128_of_mask(job->masks[i + 1U]));
        for (four = job->list; four != end; four += 6) {
            for (i = 0U; i < 4U; i++)
                add_quad(job, four, i);
        }
        if (job->thresholds != NULL) {
            bitloom_v128_store(job->results, bitloom_conv_tables_mve_compare(job->sum, job->planes,
                                                                             job->masks[0], job->thresholds));
            job->results += 16;
        }
        job->positions += 16;
        job->masks += job->mask_step / 2U;
        job->sum += job->sum_step;
    }
}

#endif
