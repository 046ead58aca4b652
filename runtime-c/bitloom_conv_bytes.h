/*
 * Convolution of integers (u8, i8, i16 or codes) by weights of up to 8 bits: NUMERICS, instruction `conv`.
 * Any window, any groups, depthwise too: the kernel that takes what the faster ones do not. Copyright 2026
 * the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * The window of an output pixel is gathered as int16 values, two pixels at a time, and multiplied by the int8
 * weights of two outputs at a time. Scalars lie as [row][x][channel], codes and output codes in the layout
 * `channels`.
 */
#ifndef BITLOOM_CONV_BYTES_H
#define BITLOOM_CONV_BYTES_H

#include "bitloom_runtime.h"

/* Elements of the input. */
#define BITLOOM_CONV_BYTES_U8 0
#define BITLOOM_CONV_BYTES_I8 1
#define BITLOOM_CONV_BYTES_I16 2
#define BITLOOM_CONV_BYTES_CODES 3

typedef struct {
    /*
     * [groups · outputs][kernel row][kernel column][channel], each output's weights filled up with zeros to a
     * multiple of four; of every four, the second and third have changed places, so that the bytes 0 and 2
     * are the first two.
     */
    const int8_t *weights;
    const int32_t *thresholds; /* [groups · outputs][levels], ascending; null for scores */
    int32_t weight_scale;      /* the weight is weight_scale · stored + weight_offset */
    int32_t weight_offset;
    int32_t input_scale; /* the value is input_scale · stored + input_offset, and fits int16; scale 1 but for
                            codes */
    int32_t input_offset;
    uint16_t height; /* input map */
    uint16_t width;
    uint16_t output_width;
    uint16_t groups;
    uint16_t channels; /* input channels per group */
    uint16_t outputs;  /* output channels per group */
    uint16_t kernel_height;
    uint16_t kernel_width;
    uint16_t stride_y;
    uint16_t stride_x;
    uint16_t dilation_y;
    uint16_t dilation_x;
    uint16_t pad_top;
    uint16_t pad_left;
    int16_t pad_value;     /* value of a tap outside the map */
    uint8_t input_type;    /* BITLOOM_CONV_BYTES_... */
    uint8_t input_planes;  /* of codes */
    uint8_t levels;        /* thresholds per output */
    uint8_t output_planes; /* of the output codes, 1 to 8 */
} bitloom_conv_bytes;

/* Bytes of scratch: 4 * (the inputs of an output, rounded up to a multiple of four), or 8 * taps if that is
 * more. */

/* Writes output codes of the rows [y0, y1): code = number of thresholds reached. */
void bitloom_conv_bytes_threshold(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Writes int32 sums of the rows [y0, y1). */
void bitloom_conv_bytes_scores(const bitloom_conv_bytes *layer, const bitloom_const_ring *inputs,
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
