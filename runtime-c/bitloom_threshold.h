/*
 * Turns scalars into codes: NUMERICS, instruction `threshold`. Used for model inputs and for sums that no
 * other kernel has thresholded itself. Copyright 2026 the bitloom authors. SPDX-License-Identifier:
 * Apache-2.0
 *
 * float32 needs no float instructions: thresholds are keys, the order-preserving map of float bits to int32.
 * The functions for it return BITLOOM_ERROR_INPUT, with the rest of the output unwritten, at a NaN or an
 * infinity.
 */
#ifndef BITLOOM_THRESHOLD_H
#define BITLOOM_THRESHOLD_H

#include "bitloom_runtime.h"

typedef struct {
    const int32_t *thresholds; /* [rows][levels], ascending; rows is 1 or channels */
    const uint8_t *flipped;    /* [rows], 1 = levels - code; null if no row is and there is no table */
    const uint8_t *table;      /* [levels + 1], what is stored for a code; null for the code itself */
    uint32_t channels;         /* channels per pixel */
    uint32_t width;            /* pixels per row of the map */
    uint8_t per_channel;       /* 0: one row of thresholds for all channels */
    uint8_t levels;            /* thresholds per row */
    uint8_t planes;            /* planes of an output pixel, 1 to 8; 0 for bytes */
    uint16_t unit_bytes;       /* of the layout pixels; else 0 */
} bitloom_threshold;

/* Codes in the layout channels, of the rows [y0, y1) of a map of the named scalar type. */
void bitloom_threshold_u8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_i8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_i16(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_i32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                           const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
int bitloom_threshold_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                          const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Codes in the layout pixels. */
void bitloom_threshold_pixels_u8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_pixels_i8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_pixels_i16(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_pixels_i32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
int bitloom_threshold_pixels_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

/* Codes as uint8. */
void bitloom_threshold_bytes_u8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_bytes_i8(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_bytes_i16(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
void bitloom_threshold_bytes_i32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                 const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);
int bitloom_threshold_bytes_f32(const bitloom_threshold *layer, const bitloom_const_ring *inputs,
                                const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
