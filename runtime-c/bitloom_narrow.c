/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_narrow.h"

void bitloom_narrow_i32(const bitloom_narrow_layer *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        bitloom_narrow_some(bitloom_const_row(inputs, y), layer->row_elements, bitloom_row(output, y));
    }
}
