/*
 * Rows from one place to another.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_copy.h"

#include <string.h>

void bitloom_copy_rows(const bitloom_copy *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t y;
    (void)scratch;
    for (y = y0; y < y1; y++)
        memcpy(bitloom_row(output, y), bitloom_const_row(inputs, y), layer->bytes);
}
