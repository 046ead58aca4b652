/*
 * The second stage of the RP2040's boot process: 252 bytes and their checksum at the start of flash. The boot ROM copies
 * them to RAM and calls them there, with 0 in LR, while flash cannot be read as memory yet. This one asks the boot ROM
 * to have flash read by the command 03h, which every flash chip knows, and enters the image behind it.
 * RP2040 data sheet, 2.8.1 and 2.8.3.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .section .boot, "a", %progbits
    .thumb_func
boot_rp2040:
    /* Halfwords in the boot ROM: address of the table of functions, address of the function that searches it. */
    movs r3, #0x14
    ldrh r0, [r3, #0]
    ldrh r2, [r3, #4]
    ldr r1, enter_command_xip
    blx r2
    blx r0
    /* As after a reset: vector table, stack, reset handler. */
    ldr r0, vector_table
    ldr r1, vtor
    str r0, [r1]
    ldm r0!, {r1, r2}
    msr msp, r1
    bx r2

    .balign 4
enter_command_xip:
    .word 'C' | 'X' << 8
vector_table:
    .word linker_vectors
vtor:
    .word 0xE000ED08

    .org 252
    /* CRC-32 of what precedes: polynomial 04C11DB7, highest bit first, all ones at the start. A test computes it. */
    .word 0xF121AB3D
