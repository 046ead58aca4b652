/*
 * Convolutions of float32 by weights whose magnitudes are equal, or 0, any geometry: NUMERICS, instruction
 * `conv-float`. Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_SIGNS_H
#define BITLOOM_CONV_SIGNS_H

#include "bitloom_runtime.h"
#include "bitloom_window.h"

typedef struct {
    /* [outputs][words]: taps in the order [kernel rows][kernel columns][group_inputs], the first one in bit 0
     */
    const uint32_t *negative; /* set where a weight is below 0 */
    const uint32_t *used;     /* set where it is not 0; NULL where none is 0 */
    const float *magnitudes;  /* one for all outputs, or one for each */
    bitloom_window window;
    uint32_t groups;
    uint32_t group_inputs;  /* input channels of a group */
    uint32_t group_outputs; /* output channels of a group */
    uint32_t words;
    uint32_t per_output; /* 1 where outputs have magnitudes of their own, else 0 */
} bitloom_conv_signs;

/*
 * Writes float32 of the rows [y0, y1): products and sums are rounded one by one, in the order of the taps.
 * `scratch` holds the taps of one pixel and group: one float each.
 */
void bitloom_conv_signs_f32(const bitloom_conv_signs *layer, const bitloom_const_ring *inputs,
                            const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
