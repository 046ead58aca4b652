/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_rows_mve_core.h"

#ifndef BITLOOM_V128_MVE

void bitloom_conv_rows_mve_add(const bitloom_conv_rows_mve_job *job) {
    uint32_t i, plane;
    for (i = 0U; i < 16U * job->sixteens; i++) {
        bitloom_v128 carry = bitloom_v128_load(job->base + job->list[i]);
        job->list[i] += 16U;
        for (plane = 0U; plane < 9U + job->more_planes; plane++) {
            const bitloom_v128 old = bitloom_v128_load(job->sum + 16U * plane);
            bitloom_v128_store(job->sum + 16U * plane, bitloom_v128_xor(old, carry));
            carry = bitloom_v128_and(old, carry);
        }
    }
}

#endif
