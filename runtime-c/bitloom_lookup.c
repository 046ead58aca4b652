/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_lookup.h"

void bitloom_lookup_u8(const bitloom_lookup *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint8_t *from = bitloom_const_row(inputs, y);
        uint8_t *to = bitloom_row(output, y);
        for (i = 0U; i < layer->row_elements; i++) {
            to[i] = layer->table[from[i]];
        }
    }
}
