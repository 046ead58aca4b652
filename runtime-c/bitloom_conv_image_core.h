/*
 * The inner loops of bitloom_conv_image, on words of two integers.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * A word holds the pair (low, high) as low + 65536 * high, modulo 2^32: pairs are added and subtracted as
 * words, and no core needs instructions for halves. A sum of pairs that starts from limits with 2^15 added to
 * both ends with both in 0 to 65535, where they can be read off as the halves.
 */
#ifndef BITLOOM_CONV_IMAGE_CORE_H
#define BITLOOM_CONV_IMAGE_CORE_H

#include <stdint.h>

#include "bitloom_conv_image_arch.h"

/* Packs pixels: from[i * step] below from[i * step + distance], then (word ^ signs) - centers. */
void bitloom_conv_image_pack(const uint8_t *from, uint32_t step, uint32_t distance, uint32_t count,
                             uint32_t signs, uint32_t centers, uint32_t *to);

/*
 * Fills the table of a part of 1 to 5 inputs, each given by `words` packed words. Entry e is the sum of
 * -value where bit i of the Gray code of e, e ^ (e >> 1), is set, else of +value.
 */
void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words, uint32_t *table);

/* What the results of a strip are made of. */
typedef struct {
    /*
     * Per result two halves. Each: place of the first entry, the pair to start from, places of the other
     * entries.
     */
    const uint32_t *list;
    uint32_t *to; /* the results */
    uint32_t results;
    uint32_t count; /* entries that a half adds */
    const uint32_t *tables;
} bitloom_conv_image_strip;

/* The place of the word `offset` of the tables: its address for assembly. */
#if BITLOOM_CONV_IMAGE_ASSEMBLY
#define BITLOOM_CONV_IMAGE_PLACE(tables, offset) ((uint32_t)(uintptr_t)((tables) + (offset)))
#else
#define BITLOOM_CONV_IMAGE_PLACE(tables, offset) (offset)
#endif

/*
 * Each half of a result is made of eight words of each entry. Of the first half, bit 15 of word i goes to bit
 * i of the result, and bit 31 to bit 16 + i; of the second half, to bit 8 + i and bit 24 + i.
 */
void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip);

#endif
