#include "protocol.h"
#include "uart.h"

#define SYNC_0 0xb1U
#define SYNC_1 0x7bU
#define HEADER_BYTES 7U /* without the sync */

/* Four bits at a time: 64 bytes of table are a fair price for a link that checks every byte. */
static const uint32_t crc_table[16] = {
    0x00000000U, 0x1db71064U, 0x3b6e20c8U, 0x26d930acU, 0x76dc4190U, 0x6b6b51f4U, 0x4db26158U, 0x5005713cU,
    0xedb88320U, 0xf00f9344U, 0xd6d6a3e8U, 0xcb61b38cU, 0x9b64c2b0U, 0x86d3d2d4U, 0xa00ae278U, 0xbdbdf21cU};

static uint32_t crc_add(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    crc = (crc >> 4) ^ crc_table[crc & 15U];
    return (crc >> 4) ^ crc_table[crc & 15U];
}

static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t count) {
    size_t i;
    for (i = 0U; i < count; i++) {
        crc = crc_add(crc, bytes[i]);
    }
    return crc;
}

static void wait_for_sync(void) {
    uint8_t byte = harness_link_read();
    for (;;) {
        while (byte != SYNC_0) {
            byte = harness_link_read();
        }
        byte = harness_link_read();
        if (byte == SYNC_1) {
            return;
        }
    }
}

static void put_u32(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    to[2] = (uint8_t)(value >> 16);
    to[3] = (uint8_t)(value >> 24);
}

static uint32_t get_u32(const uint8_t *from) {
    return (uint32_t)from[0] | ((uint32_t)from[1] << 8) | ((uint32_t)from[2] << 16) |
           ((uint32_t)from[3] << 24);
}

uint32_t frame_receive(frame_header *header, uint8_t *payload, uint32_t bound) {
    uint8_t bytes[HEADER_BYTES];
    uint32_t crc;
    uint32_t i;
    wait_for_sync();
    for (i = 0U; i < HEADER_BYTES; i++) {
        bytes[i] = harness_link_read();
    }
    header->type = bytes[0];
    header->sequence = (uint16_t)(bytes[1] | (bytes[2] << 8));
    header->length = get_u32(&bytes[3]);
    if (header->length > bound) {
        return REJECTED_LENGTH;
    }
    crc = crc_of(0xffffffffU, bytes, HEADER_BYTES);
    for (i = 0U; i < header->length; i++) {
        payload[i] = harness_link_read();
        crc = crc_add(crc, payload[i]);
    }
    for (i = 0U; i < 4U; i++) {
        bytes[i] = harness_link_read();
    }
    return get_u32(bytes) == (crc ^ 0xffffffffU) ? 0U : REJECTED_CRC;
}

void frame_send(uint8_t type, uint16_t sequence, const frame_part *parts, size_t count) {
    uint8_t bytes[2U + HEADER_BYTES];
    uint32_t length = 0U;
    uint32_t crc;
    size_t i;
    for (i = 0U; i < count; i++) {
        length += (uint32_t)parts[i].count;
    }
    bytes[0] = SYNC_0;
    bytes[1] = SYNC_1;
    bytes[2] = type;
    bytes[3] = (uint8_t)sequence;
    bytes[4] = (uint8_t)(sequence >> 8);
    put_u32(&bytes[5], length);
    harness_link_write(bytes, sizeof bytes);
    crc = crc_of(0xffffffffU, &bytes[2], HEADER_BYTES);
    for (i = 0U; i < count; i++) {
        const uint8_t *part = (const uint8_t *)parts[i].bytes;
        harness_link_write(part, parts[i].count);
        crc = crc_of(crc, part, parts[i].count);
    }
    put_u32(bytes, crc ^ 0xffffffffU);
    harness_link_write(bytes, 4U);
}
