/**
 * @file
 * Rows from one place to another.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_COPY_H
#define BITLOOM_COPY_H

#include "bitloom_runtime.h"

/** What is copied. */
typedef struct {
    uint32_t bytes; /**< of a row */
} bitloom_copy;

#ifdef __cplusplus
extern "C" {
#endif

/** Copies the rows [y0, y1). */
void bitloom_copy_rows(const bitloom_copy *layer, const bitloom_const_ring *inputs,
                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#ifdef __cplusplus
}
#endif

#endif
