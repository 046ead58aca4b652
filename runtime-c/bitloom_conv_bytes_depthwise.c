/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_bytes_sink.h"

/* A tap of a depthwise window: where its pixel is, from the base of the ring, and its place among the
 * weights. */
typedef struct {
    uint32_t offset;
    uint32_t weight;
} depthwise_tap;

/* Lists the taps inside the map, then those outside; returns the number of the former. */
static uint32_t list_taps(const bitloom_conv_bytes *layer, const bitloom_const_ring *input, uint32_t y,
                          uint32_t x, depthwise_tap *taps) {
    const uint32_t element = layer->input_type == BITLOOM_CONV_BYTES_I16 ? 2U : 1U;
    depthwise_tap *outside = taps + (uint32_t)layer->kernel_height * layer->kernel_width;
    uint32_t count = 0U;
    uint32_t tap = 0U;
    uint32_t ky, kx;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        const uint32_t row = y * layer->stride_y + ky * layer->dilation_y - layer->pad_top;
        const uint32_t start =
            row < layer->height ? bitloom_ring_offset(row, input->row_bytes, input->rows) : 0U;
        uint32_t column = x * layer->stride_x - layer->pad_left;
        for (kx = 0U; kx < layer->kernel_width; kx++, tap++, column += layer->dilation_x) {
            const uint32_t weight = bitloom_conv_bytes_place(tap);
            if (row < layer->height && column < layer->width) {
                taps[count].offset = start + column * layer->groups * element;
                taps[count++].weight = weight;
            } else {
                (--outside)->weight = weight;
            }
        }
    }
    return count;
}

/* Products of the taps inside the map, whose elements lie from `channel` on. */
#define SUM_TAPS(TYPE)                                                                                       \
    do {                                                                                                     \
        sum += *(const TYPE *)(const void *)(channel + tap->offset) * weights[tap->weight];                  \
        tap++;                                                                                               \
    } while (tap != end)

static int32_t sum_taps(uint32_t type, const uint8_t *channel, const int8_t *weights,
                        const depthwise_tap *tap, const depthwise_tap *end) {
    int32_t sum = 0;
    if (tap == end) {
        return 0;
    }
    if (type == BITLOOM_CONV_BYTES_U8) {
        SUM_TAPS(uint8_t);
    } else if (type == BITLOOM_CONV_BYTES_I8) {
        SUM_TAPS(int8_t);
    } else {
        SUM_TAPS(int16_t);
    }
    return sum;
}

static int32_t sum_weights(const int8_t *weights, const depthwise_tap *tap, const depthwise_tap *end) {
    int32_t sum = 0;
    for (; tap != end; tap++) {
        sum += weights[tap->weight];
    }
    return sum;
}

/* The sum of the values, for weights with an offset: products with 1. */
static int32_t sum_values(const bitloom_conv_bytes *layer, const uint8_t *channel, const depthwise_tap *taps,
                          uint32_t inside, uint32_t all) {
    static const int8_t one = 1;
    int32_t sum = layer->input_offset * (int32_t)inside + layer->pad_value * (int32_t)(all - inside);
    uint32_t i;
    for (i = 0U; i < inside; i++) {
        depthwise_tap tap = taps[i];
        tap.weight = 0U;
        sum += sum_taps(layer->input_type, channel, &one, &tap, &tap + 1);
    }
    return sum;
}

/*
 * One input channel per group: an output has too few inputs to gather them. Sum w * (x + o) is sum w * x + o
 * * (sum w), with the padding in the place of x + o outside the map.
 */
void bitloom_conv_bytes_depthwise(const bitloom_conv_bytes *layer, const bitloom_const_ring *input,
                                  uint32_t y, uint32_t x, void *scratch, bitloom_conv_bytes_sink *to) {
    depthwise_tap *taps = scratch;
    const uint32_t all = (uint32_t)layer->kernel_height * layer->kernel_width;
    const uint32_t inside = list_taps(layer, input, y, x, taps);
    const uint32_t element = layer->input_type == BITLOOM_CONV_BYTES_I16 ? 2U : 1U;
    const uint32_t row = 4U * bitloom_conv_bytes_fours(layer);
    const int8_t *weights = layer->weights;
    const uint8_t *channel = (const uint8_t *)input->base;
    uint32_t output = 0U;
    uint32_t group, n;
    for (group = 0U; group < layer->groups; group++, channel += element) {
        to->shared = layer->weight_offset == 0
                         ? 0
                         : layer->weight_offset * sum_values(layer, channel, taps, inside, all);
        for (n = 0U; n < layer->outputs; n++, weights += row) {
            int32_t sum = sum_taps(layer->input_type, channel, weights, taps, taps + inside);
            if (layer->input_offset != 0) {
                sum += layer->input_offset * sum_weights(weights, taps, taps + inside);
            }
            if (layer->pad_value != 0) {
                sum += layer->pad_value * sum_weights(weights, taps + inside, taps + all);
            }
            sum = layer->weight_scale * sum + to->shared;
            if (to->scores != NULL) {
                *to->scores++ = sum;
            } else {
                bitloom_conv_bytes_put_code(layer, to, output, sum);
            }
            output++;
        }
    }
}
