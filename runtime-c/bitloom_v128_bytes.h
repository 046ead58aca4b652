/*
 * Words of 128 bits as 16 bytes. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_V128_BYTES_H
#define BITLOOM_V128_BYTES_H

#include "bitloom_v128.h"

#ifdef BITLOOM_V128_MVE

static inline bitloom_v128 bitloom_v128_bytes(uint32_t byte) {
    return vreinterpretq_u32_u8(vdupq_n_u8((uint8_t)byte));
}

/* from[offset] for each byte. */
static inline bitloom_v128 bitloom_v128_gather(const uint8_t *from, bitloom_v128 offsets) {
    return vreinterpretq_u32_u8(vldrbq_gather_offset_u8(from, vreinterpretq_u8_u32(offsets)));
}

/* All bits of the bytes whose bit in the mask is set. */
static inline bitloom_v128 bitloom_v128_of_mask(uint32_t mask) {
    return vpselq_u32(vdupq_n_u32(0xffffffffU), vdupq_n_u32(0U), (mve_pred16_t)mask);
}

/* All bits of the bytes that are equal. */
static inline bitloom_v128 bitloom_v128_equal(bitloom_v128 a, uint32_t byte) {
    return bitloom_v128_of_mask(vcmpeqq_n_u8(vreinterpretq_u8_u32(a), (uint8_t)byte));
}

/* Bytes 0 to `count` - 1 of `a` to to[offset]. */
static inline void bitloom_v128_scatter(uint8_t *to, const uint16_t *offsets, const uint8_t *a,
                                        uint32_t count) {
    vstrbq_scatter_offset_p_u16(to, vldrhq_u16(offsets), vldrbq_u16(a), vctp16q(count));
    if (count > 8U) {
        vstrbq_scatter_offset_p_u16(to, vldrhq_u16(offsets + 8), vldrbq_u16(a + 8), vctp16q(count - 8U));
    }
}

/* Byte i of a, b, c, d at to[4 i] and on. */
static inline void bitloom_v128_interleave(uint8_t *to, bitloom_v128 a, bitloom_v128 b, bitloom_v128 c,
                                           bitloom_v128 d) {
    const uint8x16x4_t all = {
        {vreinterpretq_u8_u32(a), vreinterpretq_u8_u32(b), vreinterpretq_u8_u32(c), vreinterpretq_u8_u32(d)}};
    vst4q_u8(to, all);
}

#else

static inline bitloom_v128 bitloom_v128_bytes(uint32_t byte) {
    return bitloom_v128_all(byte * 0x01010101U);
}

static inline bitloom_v128 bitloom_v128_gather(const uint8_t *from, bitloom_v128 offsets) {
    uint8_t bytes[16];
    uint32_t i;
    bitloom_v128_store(bytes, offsets);
    for (i = 0U; i < 16U; i++)
        bytes[i] = from[bytes[i]];
    return bitloom_v128_load(bytes);
}

static inline bitloom_v128 bitloom_v128_of_mask(uint32_t mask) {
    uint8_t bytes[16];
    uint32_t i;
    for (i = 0U; i < 16U; i++)
        bytes[i] = (mask >> i & 1U) != 0U ? 0xffU : 0U;
    return bitloom_v128_load(bytes);
}

static inline bitloom_v128 bitloom_v128_equal(bitloom_v128 a, uint32_t byte) {
    uint8_t bytes[16];
    uint32_t i;
    bitloom_v128_store(bytes, a);
    for (i = 0U; i < 16U; i++)
        bytes[i] = bytes[i] == byte ? 0xffU : 0U;
    return bitloom_v128_load(bytes);
}

static inline void bitloom_v128_scatter(uint8_t *to, const uint16_t *offsets, const uint8_t *a,
                                        uint32_t count) {
    uint32_t i;
    for (i = 0U; i < 16U && i < count; i++)
        to[offsets[i]] = a[i];
}

static inline void bitloom_v128_interleave(uint8_t *to, bitloom_v128 a, bitloom_v128 b, bitloom_v128 c,
                                           bitloom_v128 d) {
    uint8_t bytes[64];
    uint32_t i;
    bitloom_v128_store(bytes, a);
    bitloom_v128_store(bytes + 16, b);
    bitloom_v128_store(bytes + 32, c);
    bitloom_v128_store(bytes + 48, d);
    for (i = 0U; i < 64U; i++)
        to[i] = bytes[16U * (i & 3U) + i / 4U];
}

#endif

#endif
