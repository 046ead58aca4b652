/*
 * Greatest, least or sum per channel and window: NUMERICS, instruction `pool`. Taps outside the map take no
 * part. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_POOL_H
#define BITLOOM_POOL_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    bitloom_window window;
    uint32_t channels;
} bitloom_pool;

/*
 * Rows [y0, y1) of scalars. The output may begin where the input does if windows begin no further outside the
 * map than their stride less one, and elements have as many bytes.
 */
#define BITLOOM_POOL_DECLARE(NAME)                                                                           \
    void NAME(const bitloom_pool *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,       \
              void *scratch, uint32_t y0, uint32_t y1)

BITLOOM_POOL_DECLARE(bitloom_pool_maximum_u8);
BITLOOM_POOL_DECLARE(bitloom_pool_maximum_i8);
BITLOOM_POOL_DECLARE(bitloom_pool_maximum_i16);
BITLOOM_POOL_DECLARE(bitloom_pool_maximum_i32);
BITLOOM_POOL_DECLARE(bitloom_pool_maximum_f32);
BITLOOM_POOL_DECLARE(bitloom_pool_minimum_u8);
BITLOOM_POOL_DECLARE(bitloom_pool_minimum_i8);
BITLOOM_POOL_DECLARE(bitloom_pool_minimum_i16);
BITLOOM_POOL_DECLARE(bitloom_pool_minimum_i32);
BITLOOM_POOL_DECLARE(bitloom_pool_minimum_f32);
BITLOOM_POOL_DECLARE(bitloom_pool_sum_u8); /* sums of integers are int32 */
BITLOOM_POOL_DECLARE(bitloom_pool_sum_i8);
BITLOOM_POOL_DECLARE(bitloom_pool_sum_i16);
BITLOOM_POOL_DECLARE(bitloom_pool_sum_i32);
BITLOOM_POOL_DECLARE(bitloom_pool_sum_f32); /* in row order, rounded after every addition */

#undef BITLOOM_POOL_DECLARE

#endif
