/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_general.h"
#include "bitloom_narrow.h"

#define ROW_ELEMENTS(LAYER)                                                                                  \
    ((uint32_t)(LAYER)->window.output_width * (LAYER)->groups * (LAYER)->group_outputs)

BITLOOM_NARROW_ROWS(bitloom_conv_general_narrow, bitloom_conv_general, bitloom_conv_general_sums,
                    ROW_ELEMENTS)
