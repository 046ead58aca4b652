/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_rows.h"
#include "bitloom_narrow.h"

#define ROW_ELEMENTS(LAYER) ((uint32_t)(LAYER)->output_width * (LAYER)->groups * (LAYER)->outputs)

BITLOOM_NARROW_ROWS(bitloom_conv_rows_narrow, bitloom_conv_rows, bitloom_conv_rows_scores, ROW_ELEMENTS)
