/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes.h"

#define BITLOOM_CONV_BYTES_PACKED 0

#include "bitloom_conv_bytes_run.h"

static BITLOOM_NOINLINE void run(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_conv_bytes_weights weights = {layer->weights, NULL, 8U, bitloom_conv_bytes_fours(layer)};
    bitloom_conv_bytes_run(layer, &weights, inputs, output, (int16_t *)scratch, y0, y1);
}

void bitloom_conv_bytes_threshold(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    run(layer, inputs, output, scratch, y0, y1);
}

void bitloom_conv_bytes_scores(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    run(layer, inputs, output, scratch, y0, y1);
}
