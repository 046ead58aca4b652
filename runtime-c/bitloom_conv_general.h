/*
 * Convolutions of k-bit codes by m-bit weights of any geometry: kernels, strides, dilations, pads, groups,
 * depthwise and dense layers. The kernel for everything that no faster one takes.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The taps of an output pixel are gathered into one row of bits per plane, in the order of the weights; a tap
 * outside the map has code 0. With D = sum over planes i, j of 2^(i+j) * common(input plane i, weight plane
 * j), A = the sum of the gathered codes, E = the sum of the weight codes at taps outside the map and O = the
 * number of those taps (channels counted), sum[n] = product_scale * D + sum_scale * A + pad_scale * E +
 * pad_offset * O + bias[n], the expansion of sum (step_x * x + offset_x) * (step_w * w + offset_w): NUMERICS,
 * instruction `conv`.
 *
 * A pointwise layer on whole words gathers nothing: its input pixel is the row of bits.
 */
#ifndef BITLOOM_CONV_GENERAL_H
#define BITLOOM_CONV_GENERAL_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    const uint32_t *weights;   /* [outputs][weight_planes][words] */
    const int32_t *thresholds; /* [outputs][levels], bias already subtracted, ascending. Null for sums */
    const int32_t *bias;       /* [outputs]. Null for thresholds */
    bitloom_window window;
    int32_t product_scale;  /* step_x * step_w */
    int32_t sum_scale;      /* step_x * offset_w */
    int32_t pad_scale;      /* (pad - offset_x) * step_w */
    int32_t pad_offset;     /* (pad - offset_x) * offset_w */
    uint16_t words;         /* words of a gathered row of bits: ceil(kernel taps * group_inputs / 32) */
    uint16_t input_words;   /* words per plane of an input pixel */
    uint16_t group_inputs;  /* input channels of a group */
    uint16_t group_outputs; /* output channels of a group */
    uint16_t groups;
    uint8_t input_planes;  /* 1 to 8 */
    uint8_t weight_planes; /* 1 to 8 */
    uint8_t output_planes; /* 1 to 8 */
    uint8_t levels;        /* thresholds per output */
    uint8_t gathers;       /* 0: a pointwise layer of one group, whose pixels are read in place */
} bitloom_conv_general;

/* Scratch of both: 4 * (input_planes + 1) * words bytes if the layer gathers, else none. */

/* Writes output codes of the rows [y0, y1): code = number of thresholds reached. */
void bitloom_conv_general_threshold(const bitloom_conv_general *layer, const bitloom_const_ring *inputs,
                                    const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes int32 sums of the rows [y0, y1). */
void bitloom_conv_general_sums(const bitloom_conv_general *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* The same as int16. In front of the scratch lie the int32 sums of a row, a multiple of 8 bytes. */
void bitloom_conv_general_narrow(const bitloom_conv_general *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
