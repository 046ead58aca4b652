/*
 * A block that the RP2350's boot ROM looks for in the first 4 KB of flash: the image is an executable for the
 * Arm cores, in the secure state, entered by the vector table at its start. RP2350 data sheet, 5.9; the
 * numbers are those of boot/picobin.h in Raspberry Pi's pico-sdk.
 */
#include <stdint.h>

#define BLOCK_START 0xFFFFDED3U
#define BLOCK_END 0xAB123579U
/* An item of 1 word: its kind, its length, and flags: executable (1), secure (2 << 4), Arm (0 << 8), RP2350
 * (1 << 12). */
#define ITEM_IMAGE_TYPE (0x42U | (1U << 8) | (0x1021U << 16))
/* The last item: how many words of items precede. */
#define ITEM_LAST (0xFFU | (1U << 8))
/* The blocks form a ring: this is the only one. */
#define NEXT_BLOCK 0U

__attribute__((section(".boot_block"), used)) static const uint32_t block[5] = {
    BLOCK_START, ITEM_IMAGE_TYPE, ITEM_LAST, NEXT_BLOCK, BLOCK_END,
};
