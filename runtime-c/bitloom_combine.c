/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_combine.h"

/* The code of an integer: times the factor, rounded twice, clamped. No negative number is shifted. */
static uint8_t bitloom_combine_code(const bitloom_combine *layer, int32_t x) {
    /* |product| < 2^62, so that with 2^62 added it can be shifted. */
    const int64_t product = (int64_t)(x * layer->left) * layer->multiplier;
    const uint64_t raised = (uint64_t)(product + (INT64_C(1) << 62) + (INT64_C(1) << 30));
    int32_t result = (int32_t)((int64_t)(raised >> 31) - (INT64_C(1) << 31));
    if (layer->right > 0U) {
        const uint32_t size = result < 0 ? 0U - (uint32_t)result : (uint32_t)result;
        const int32_t rounded = (int32_t)((size + (UINT32_C(1) << (layer->right - 1U))) >> layer->right);
        result = result < 0 ? -rounded : rounded;
    }
    if (result < layer->low) {
        result = layer->low;
    }
    if (result > layer->high) {
        result = layer->high;
    }
    return (uint8_t)(result - layer->low);
}

/* Elements of row y that come before the tail. */
static uint32_t bitloom_combine_head(const bitloom_combine *layer, uint32_t y) {
    const uint32_t before = y * layer->row_elements;
    const uint32_t left = layer->tail_first > before ? layer->tail_first - before : 0U;
    return left < layer->row_elements ? left : layer->row_elements;
}

void bitloom_combine_add(const bitloom_combine *layer, const bitloom_const_ring *inputs,
                         const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint8_t *a = bitloom_const_row(&inputs[0], y);
        const uint8_t *b = bitloom_const_row(&inputs[1], y);
        uint8_t *code = bitloom_row(output, y);
        const uint32_t head = bitloom_combine_head(layer, y);
        for (i = 0U; i < head; i++) {
            code[i] = bitloom_combine_code(layer, layer->table_a[a[i]] + layer->table_b[b[i]]);
        }
        for (; i < layer->row_elements; i++) {
            code[i] = bitloom_combine_code(layer, layer->tail_a[a[i]] + layer->tail_b[b[i]]);
        }
    }
}

void bitloom_combine_multiply(const bitloom_combine *layer, const bitloom_const_ring *inputs,
                              const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    uint32_t i, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const uint8_t *a = bitloom_const_row(&inputs[0], y);
        const uint8_t *b = bitloom_const_row(&inputs[1], y);
        uint8_t *code = bitloom_row(output, y);
        const uint32_t head = bitloom_combine_head(layer, y);
        for (i = 0U; i < head; i++) {
            code[i] = bitloom_combine_code(layer, layer->table_a[a[i]] * layer->table_b[b[i]]);
        }
        for (; i < layer->row_elements; i++) {
            code[i] = bitloom_combine_code(layer, layer->tail_a[a[i]] * layer->tail_b[b[i]]);
        }
    }
}
