/*
 * CRC-32 (IEEE 802.3, reflected, as in zlib), bit by bit: small, for self-tests and links.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CRC32_H
#define BITLOOM_CRC32_H

#include <stddef.h>
#include <stdint.h>

#define BITLOOM_CRC32_START 0xffffffffU
#define BITLOOM_CRC32_END(crc) ((crc) ^ 0xffffffffU)

static inline uint32_t bitloom_crc32(uint32_t crc, const void *data, size_t bytes) {
    const uint8_t *p = (const uint8_t *)data;
    while (bytes-- > 0U) {
        uint32_t bit;
        crc ^= *p++;
        for (bit = 0U; bit < 8U; bit++) {
            crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
        }
    }
    return crc;
}

#endif
