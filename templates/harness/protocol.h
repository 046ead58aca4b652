/* Frames of the vector protocol: see docs/PROTOCOL.md of bitloom. */
#ifndef BITLOOM_HARNESS_PROTOCOL_H
#define BITLOOM_HARNESS_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION 1U

#define FRAME_ASK 0x01U
#define FRAME_REQUEST 0x02U
#define FRAME_FINISH 0x03U
#define FRAME_HELLO 0x81U
#define FRAME_ACCEPTED 0x82U
#define FRAME_RESULT 0x83U
#define FRAME_REJECTED 0x84U
#define FRAME_FAULT 0x85U
#define FRAME_END 0x86U

#define FINISH_SEQUENCE 0xffffU

#define REJECTED_CRC 1U
#define REJECTED_LENGTH 2U
#define REJECTED_TYPE 3U

/* Flags of FAULT. */
#define FAULT_HAS_STATUS 1U
#define FAULT_STACK_LOST 2U
#define FAULT_STACK_OVERFLOW 4U

typedef struct {
    uint8_t type;
    uint16_t sequence;
    uint32_t length;
} frame_header;

/* One part of a payload that is sent without being copied together. */
typedef struct {
    const void *bytes;
    size_t count;
} frame_part;

/*
 * Waits for the next frame and puts its payload, at most `bound` bytes, into `payload`. Returns 0, or the
 * reason for which the frame must be rejected.
 */
uint32_t frame_receive(frame_header *header, uint8_t *payload, uint32_t bound);

/* Sends a frame whose payload is the parts in order. */
void frame_send(uint8_t type, uint16_t sequence, const frame_part *parts, size_t count);

#endif
