/*
 * The inner loops of bitloom_conv_image, on words of two int16.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_IMAGE_CORE_H
#define BITLOOM_CONV_IMAGE_CORE_H

#include <stdint.h>

/* Cores with Thumb-2 and the DSP extension take bitloom_conv_image_core_asm.S. */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)
#define BITLOOM_CONV_IMAGE_ASSEMBLY 1
#else
#define BITLOOM_CONV_IMAGE_ASSEMBLY 0
#endif

/* Packs pixels: twice (from[i * step] - center) below twice (from[16 * step + i * step] - center). */
void bitloom_conv_image_pack(const uint8_t *from, uint32_t step, uint32_t count, int32_t center,
                             uint32_t *to);

/*
 * Fills the table of a part of 1 to 5 inputs, each given by `words` packed words of twice its values. Entry p
 * is the sum of -value where bit i of p is set, else +value.
 */
void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words, uint32_t *table);

/* What the outputs of a strip of 32 pixels are made of. */
typedef struct {
    const uint32_t *tables;
    const uint16_t *lookups; /* [outputs][count] */
    const int16_t *limits;
    uint32_t *list; /* room for 2 * outputs * (count + 1) words */
    uint32_t *to;   /* a word of pixels for each output */
    uint32_t outputs;
    uint32_t count; /* lookups per output */
} bitloom_conv_image_strip;

/* Makes the list, which serves all strips. */
void bitloom_conv_image_prepare(const bitloom_conv_image_strip *strip);

/* The 32 output bits of each output. */
void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip);

#endif
