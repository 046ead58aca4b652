/*
 * What the boot ROM of the i.MX RT1060 reads at the start of flash: how to read the flash chip, and where the
 * image is. i.MX RT1060 reference manual, 9.6.3 (FlexSPI NOR configuration block) and 9.7.1 (image vector
 * table, boot data). Flash is read by the command 03h on one line at 30 MHz, which every flash chip knows.
 */
#include "harness_board.h"

#include <stdint.h>

extern uint32_t linker_vectors[];
extern uint8_t linker_flash_start[];

/* An instruction of FlexSPI: what to do, on how many lines (0: one), and its operand. */
#define FLEXSPI(instruction, operand) (((uint32_t)(instruction) << 10) | (operand))
#define SEND_COMMAND 0x01U
#define SEND_ROW_ADDRESS 0x02U
#define READ_DATA 0x09U
#define FLASH_READ 0x03U
#define ADDRESS_BITS 24U
/* Bytes per burst. */
#define READ_BYTES 4U

/* Byte offsets in the block, as word numbers. */
#define WORD(offset) ((offset) / 4U)
#define CONFIGURATION_TAG 0x42464346U
#define CONFIGURATION_VERSION 0x56010400U
/* Chip select is held, and set up, for 3 cycles; the read strobe is looped back inside. */
#define CHIP_SELECT_TIMES 0x00030300U
/* Serial NOR flash, on one line, at 30 MHz. */
#define SERIAL_NOR_1_LINE_30_MHZ 0x00010101U

typedef union {
    uint32_t word;
    const void *address;
} entry;

typedef struct {
    uint32_t configuration[WORD(0x1000U)];
    entry image[WORD(0x1000U)];
} boot_header;

/* In the second half: the image vector table, and behind it the boot data. */
#define IVT_HEADER 0x432000D1U
#define BOOT_DATA 8U

__attribute__((section(".boot"), used)) static const boot_header header = {
    .configuration =
        {
            [WORD(0x00U)] = CONFIGURATION_TAG,
            [WORD(0x04U)] = CONFIGURATION_VERSION,
            [WORD(0x0CU)] = CHIP_SELECT_TIMES,
            [WORD(0x44U)] = SERIAL_NOR_1_LINE_30_MHZ,
            [WORD(0x50U)] = BOARD_FLASH_SIZE,
            [WORD(0x80U)] = FLEXSPI(SEND_COMMAND, FLASH_READ) | FLEXSPI(SEND_ROW_ADDRESS, ADDRESS_BITS) << 16,
            [WORD(0x84U)] = FLEXSPI(READ_DATA, READ_BYTES),
            [WORD(0x1C0U)] = 256U,
            [WORD(0x1C4U)] = 4096U,
        },
    .image =
        {
            {.word = IVT_HEADER},
            {.address = linker_vectors},
            {.word = 0U},
            {.word = 0U},
            {.address = &header.image[BOOT_DATA]},
            {.address = &header.image[0]},
            {.word = 0U},
            {.word = 0U},
            {.address = linker_flash_start},
            {.word = BOARD_FLASH_SIZE},
            {.word = 0U},
        },
};
