/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes_packed.h"

#include "bitloom_conv_bytes_words.h"

#define BITLOOM_CONV_BYTES_PACKED 1

#include "bitloom_conv_bytes_run.h"

/* All weights as bitloom_conv_bytes has them. */
static void unpack(const bitloom_conv_bytes_packed *layer, int8_t *weights) {
    const bitloom_conv_bytes *base = &layer->base;
    const uint32_t inputs = (uint32_t)base->kernel_height * base->kernel_width * base->channels;
    const uint32_t end = 4U * bitloom_conv_bytes_fours(base);
    const uint32_t bits = layer->bits;
    const uint32_t mask = (1U << bits) - 1U;
    const int32_t step = layer->code_step;
    const int32_t offset = layer->code_offset;
    const uint8_t *from = layer->stream;
    uint32_t held = 0U;
    uint32_t count = 0U;
    uint32_t rows, k;
    for (rows = (uint32_t)base->outputs * base->groups; rows > 0U; rows--) {
        for (k = 0U; k < inputs; k++) {
            if (count < bits) {
                held |= (uint32_t)*from++ << count;
                count += 8U;
            }
            weights[bitloom_conv_bytes_place(k)] = (int8_t)(step * (int32_t)(held & mask) + offset);
            held >>= bits;
            count -= bits;
        }
        for (; k < end; k++) {
            weights[bitloom_conv_bytes_place(k)] = 0;
        }
        weights += end;
    }
}

static BITLOOM_NOINLINE void run(const bitloom_conv_bytes_packed *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    bitloom_conv_bytes base = layer->base;
    bitloom_conv_bytes_weights weights = {NULL, layer->words, layer->bits, bitloom_conv_bytes_fours(&base)};
    if (layer->stream != NULL) {
        const uint32_t bytes = 4U * weights.fours * base.outputs * base.groups;
        unpack(layer, scratch);
        base.weights = scratch;
        scratch = (uint8_t *)scratch + ((bytes + 7U) & ~7U);
    }
    weights.rows = base.weights;
    if (layer->words != NULL) {
        const uint32_t unit = bitloom_conv_bytes_unit(layer->bits);
        weights.fours = (weights.fours + unit - 1U) & ~(unit - 1U);
    }
    bitloom_conv_bytes_run(&base, &weights, inputs, output, scratch, y0, y1);
}

void bitloom_conv_bytes_packed_threshold(const bitloom_conv_bytes_packed *layer,
                                         const bitloom_const_ring *inputs, const bitloom_ring *output,
                                         void *scratch, uint32_t y0, uint32_t y1) {
    run(layer, inputs, output, scratch, y0, y1);
}

void bitloom_conv_bytes_packed_scores(const bitloom_conv_bytes_packed *layer,
                                      const bitloom_const_ring *inputs, const bitloom_ring *output,
                                      void *scratch, uint32_t y0, uint32_t y1) {
    run(layer, inputs, output, scratch, y0, y1);
}
