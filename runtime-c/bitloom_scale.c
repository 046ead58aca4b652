/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_scale_rows.h"

/* Operands are the same at all positions. */
#define STEPS(LAYER, VALUE, Y, X, CHANNEL) bitloom_scale_steps(LAYER, VALUE, CHANNEL)

BITLOOM_SCALE_KERNELS(bitloom_scale_, STEPS)
