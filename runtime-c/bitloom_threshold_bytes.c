/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_threshold_code.h"

#define BYTES_ROW(LAYER, FROM, TO, KEY)                                                                      \
    do {                                                                                                     \
        uint32_t c, x;                                                                                       \
        for (x = 0U; x < (LAYER)->width; x++) {                                                              \
            for (c = 0U; c < (LAYER)->channels; c++) {                                                       \
                *(TO)++ = (uint8_t)bitloom_threshold_code(LAYER, c, KEY(*(FROM)));                           \
                (FROM)++;                                                                                    \
            }                                                                                                \
        }                                                                                                    \
    } while (0)

BITLOOM_THRESHOLD_KERNELS(bitloom_threshold_bytes_, uint8_t, BYTES_ROW)
