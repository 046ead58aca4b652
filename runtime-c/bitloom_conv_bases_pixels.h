/*
 * What all forms of bitloom_conv_bases share: the taps of a pixel, and where results go.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_BASES_PIXELS_H
#define BITLOOM_CONV_BASES_PIXELS_H

#include "bitloom_codes.h"
#include "bitloom_conv_bases.h"
#include "bitloom_gather_bits.h"

/* Rows of bits of one pixel and group, and what all its outputs share; the most significant plane first. */
typedef struct {
    uint32_t *planes;  /* [planes][words] */
    uint32_t *outside; /* [words], behind the planes */
    uint32_t
        *shared;   /* [bases][planes]: the basis' offset times the sum of the plane's inputs, modulo 2^32 */
    int32_t *dots; /* [bases][planes] of one output */
    void *work;    /* scratch behind these */
    uint32_t left_out; /* taps, channels counted; 0 where `outside` is not needed */
    uint32_t set[BITLOOM_MAX_PLANES];
} bitloom_bases_patch;

/* Results of a pixel: float32, or codes. */
typedef struct {
    float *floats;
    uint32_t *codes; /* null for float32 */
    uint32_t words[BITLOOM_MAX_PLANES];
} bitloom_bases_results;

/* Bits of a gathered row: taps, channels counted. */
static inline uint32_t bitloom_bases_inputs(const bitloom_conv_bases *layer) {
    return (uint32_t)layer->window.kernel_height * layer->window.kernel_width * layer->group_inputs;
}

bitloom_bases_patch bitloom_bases_patch_in(const bitloom_conv_bases *layer, void *scratch);

/* The patch of a pixel and group. */
void bitloom_bases_gather(const bitloom_conv_bases *layer, const bitloom_row_taps *from, uint32_t x,
                          uint32_t group, bitloom_bases_patch *taps);

/* What a pixel has in common with weights. */
uint32_t bitloom_bases_common(const uint32_t *a, const uint32_t *b, uint32_t words);

/* The results of the first pixel of row y: codes where `is_codes` is not 0. */
bitloom_bases_results bitloom_bases_results_of(const bitloom_ring *output, uint32_t y, uint32_t is_codes);

/* The next output, whose dot products are there. */
void bitloom_bases_put(const bitloom_conv_bases *layer, const bitloom_bases_patch *taps, uint32_t output,
                       bitloom_bases_results *to);

/* On to the next pixel. */
void bitloom_bases_next(const bitloom_conv_bases *layer, bitloom_bases_results *to);

/*
 * The functions of a form: NAME_sums and NAME_threshold, for rows [y0, y1). TYPE is its descriptor, which
 * BASE(layer) takes to the bitloom_conv_bases in it; SUM(layer, taps, group, results) makes all outputs of a
 * group of the pixel that has been gathered.
 */
#define BITLOOM_BASES_FORM(NAME, TYPE, BASE, SUM)                                                            \
    static void NAME##_rows_of(const TYPE *layer, const bitloom_const_ring *inputs,                          \
                               const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1,          \
                               uint32_t is_codes) {                                                          \
        const bitloom_conv_bases *base = BASE(layer);                                                        \
        bitloom_bases_patch taps = bitloom_bases_patch_in(base, scratch);                                    \
        uint32_t group, x, y;                                                                                \
        for (y = y0; y < y1; y++) {                                                                          \
            const bitloom_row_taps from = {inputs, bitloom_rows_inside(&base->window, y)};                   \
            bitloom_bases_results to = bitloom_bases_results_of(output, y, is_codes);                        \
            for (x = 0U; x < base->window.output_width; x++) {                                               \
                for (group = 0U; group < base->groups; group++) {                                            \
                    bitloom_bases_gather(base, &from, x, group, &taps);                                      \
                    SUM(layer, &taps, group, &to);                                                           \
                }                                                                                            \
                bitloom_bases_next(base, &to);                                                               \
            }                                                                                                \
        }                                                                                                    \
    }                                                                                                        \
    void NAME##_sums(const TYPE *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,        \
                     void *scratch, uint32_t y0, uint32_t y1) {                                              \
        NAME##_rows_of(layer, inputs, output, scratch, y0, y1, 0U);                                          \
    }                                                                                                        \
    void NAME##_threshold(const TYPE *layer, const bitloom_const_ring *inputs, const bitloom_ring *output,   \
                          void *scratch, uint32_t y0, uint32_t y1) {                                         \
        NAME##_rows_of(layer, inputs, output, scratch, y0, y1, 1U);                                          \
    }

#endif
