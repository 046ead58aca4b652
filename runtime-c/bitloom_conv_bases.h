/*
 * Convolutions of planes by bases, any geometry: kernels, strides, dilations, pads, groups and dense layers.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The taps of an output pixel are gathered once into one row of bits per plane, in the order of the weights.
 * With D = sum over weight planes j of 2^j * common(plane l, weight plane j), A = the set bits of plane l, E
 * = the sum of the weight codes and I = the number of inputs (of taps that are left out neither count), the
 * exact dot product of plane l and basis m is s * step[m] * D + o * step[m] * E + offset[m] * (s * A + o *
 * I), where a bit is s * bit + o and a weight step[m] * code + offset[m]. What follows is
 * bitloom_bases_sum.h.
 */
#ifndef BITLOOM_CONV_BASES_H
#define BITLOOM_CONV_BASES_H

#include "bitloom_bases_sum.h"
#include "bitloom_runtime.h"
#include "bitloom_threshold.h"
#include "bitloom_window.h"

typedef struct {
    const uint32_t *weights;      /* [outputs][bases][weight_planes][words] */
    const int32_t *bias;          /* [outputs][bases]: o * step * sum of codes; null where o is 0 */
    const int32_t *steps;         /* [bases] */
    const int32_t *offsets;       /* [bases] */
    bitloom_bases_sum sum;        /* terms are [bases][planes], the most significant plane first */
    bitloom_threshold thresholds; /* of one pixel; only for codes */
    bitloom_window window;
    int32_t plane_step;     /* s */
    int32_t plane_offset;   /* o */
    uint32_t group_outputs; /* output channels of a group */
    uint16_t words;         /* words of a gathered row of bits: ceil(kernel taps * group_inputs / 32) */
    uint16_t input_words;   /* words per plane of an input pixel */
    uint16_t group_inputs;  /* input channels of a group */
    uint16_t groups;
    uint8_t planes; /* of the input, 1 to 8 */
    uint8_t bases;
    uint8_t weight_planes; /* 1 to 8 */
    uint8_t leaves_out;    /* 1: taps outside the map are left out; 0: they have pad_code */
    uint8_t pad_code;
} bitloom_conv_bases;

/* Scratch of both: 4 * ((planes + 1) * words + 2 * bases * planes) bytes. */

/* Writes float32 sums of the rows [y0, y1). */
void bitloom_conv_bases_sums(const bitloom_conv_bases *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes codes of the rows [y0, y1); sums are finite. */
void bitloom_conv_bases_threshold(const bitloom_conv_bases *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
