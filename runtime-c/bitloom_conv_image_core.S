/*
 * bitloom_conv_image_core.c for cores with Thumb-2 and the DSP extension: two int16 per word are added at once.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)

        .syntax unified
        .thumb
        .text

        .macro  function name
        .global \name
        .type   \name, %function
        .thumb_func
        .balign 4
\name:
        .endm

        .equ    ENTRY_BYTES, 80         @ 4 * BITLOOM_CONV_IMAGE_ENTRY

/*
 * void bitloom_conv_image_pack(const uint8_t *from, uint32_t step, uint32_t count, int32_t center, uint32_t *to)
 * frame: bitloom_conv_image_pack 16
 */
        function bitloom_conv_image_pack
        push    {r4-r6, lr}
        ldr     r6, [sp, #16]
        lsl     r12, r1, #4
        cbnz    r3, 3f
        lsrs    r2, #1                  @ two pixels at a time; an odd one first
        bcc     2f
        ldrb    r4, [r0]
        ldrb    r5, [r0, r12]
        add     r0, r1
        orr     r4, r4, r5, lsl #16
        lsls    r4, #1
        str     r4, [r6], #4
        cbz     r2, 9f
2:      ldrb    r4, [r0]
        ldrb    r5, [r0, r12]
        add     r0, r1
        orr     r4, r4, r5, lsl #16
        ldrb    r5, [r0]
        ldrb    lr, [r0, r12]
        add     r0, r1
        orr     r5, r5, lr, lsl #16
        lsls    r4, #1
        lsls    r5, #1
        strd    r4, r5, [r6], #8
        subs    r2, #1
        bne     2b
9:      pop     {r4-r6, pc}
3:      pkhbt   r3, r3, r3, lsl #16
4:      ldrb    r4, [r0]
        ldrb    r5, [r0, r12]
        add     r0, r1
        orr     r4, r4, r5, lsl #16
        ssub16  r4, r4, r3
        sadd16  r4, r4, r4
        str     r4, [r6], #4
        subs    r2, #1
        bne     4b
        pop     {r4-r6, pc}
        .size   bitloom_conv_image_pack, . - bitloom_conv_image_pack

/*
 * Tables are filled in the order of a Gray code: from entry to entry one input, whose doubled value is in a register, changes
 * its sign. r0 is the sum, r1 the word of entry 0.
 */
        .macro  change input, bit
        .set    pattern, pattern ^ \bit
        .if     pattern & \bit
        ssub16  r0, r0, \input
        .else
        sadd16  r0, r0, \input
        .endif
        str     r0, [r1, #pattern * ENTRY_BYTES]
        .endm

        .macro  gray1
        change  r4, 1
        .endm
        .macro  gray2
        gray1
        change  r10, 2
        gray1
        .endm
        .macro  gray3
        gray2
        change  r11, 4
        gray2
        .endm
        .macro  gray4
        gray3
        change  r12, 8
        gray3
        .endm
        .macro  gray5
        gray4
        change  lr, 16
        gray4
        .endm

/* Entry 0, the sum of the values, is in r0: stores it and all others, then goes on to the next word. */
        .macro  entries gray
        .set    pattern, 0
        str     r0, [r1]
        \gray
        adds    r1, #4
        cmp     r1, r2
        .endm

/*
 * void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words, uint32_t *table)
 * frame: bitloom_conv_image_table 40
 */
        function bitloom_conv_image_table
        push    {r3-r11, lr}
        add     r2, r3, r2, lsl #2
        ldm     r0, {r5-r9}             @ where there are fewer inputs the rest is not used
        mov     r12, r1
        mov     r1, r3
        mov     r3, #0
        cmp     r12, #2
        blo     1f
        beq     2f
        cmp     r12, #4
        blo.w   3f
        beq.w   4f
5:      ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        ldr     r11, [r7], #4
        ldr     r12, [r8], #4
        ldr     lr, [r9], #4
        sadd16  r0, r4, r10
        sadd16  r3, r12, lr
        sadd16  r0, r0, r11
        shadd16 r0, r0, r3              @ half the sum of the doubled values
        entries gray5
        bne.w   5b
        pop     {r3-r11, pc}
4:      ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        ldr     r11, [r7], #4
        ldr     r12, [r8], #4
        sadd16  r0, r4, r10
        sadd16  r3, r11, r12
        shadd16 r0, r0, r3
        entries gray4
        bne.w   4b
        pop     {r3-r11, pc}
3:      ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        ldr     r11, [r7], #4
        sadd16  r0, r4, r10
        shadd16 r0, r0, r11
        entries gray3
        bne     3b
        pop     {r3-r11, pc}
2:      ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        shadd16 r0, r4, r10
        entries gray2
        bne     2b
        pop     {r3-r11, pc}
1:      ldr     r4, [r5], #4
        shadd16 r0, r4, r3
        entries gray1
        bne     1b
        pop     {r3-r11, pc}
        .size   bitloom_conv_image_table, . - bitloom_conv_image_table

/* Adds eight words of the next entry of the list r0 to the sums r1 to r8. */
        .macro  lookup
        ldr     lr, [r0], #4
        ldm     lr!, {r9-r12}
        sadd16  r1, r1, r9
        sadd16  r2, r2, r10
        sadd16  r3, r3, r11
        sadd16  r4, r4, r12
        ldm     lr, {r9-r12}
        sadd16  r5, r5, r9
        sadd16  r6, r6, r10
        sadd16  r7, r7, r11
        sadd16  r8, r8, r12
        .endm

/* The first entry and the limit. */
        .macro  first_lookup
        ldr     lr, [r0], #4
        ldm     lr, {r1-r8}
        ldr     lr, [r0], #4
        .irp    sum, r1, r2, r3, r4, r5, r6, r7, r8
        sadd16  \sum, \sum, lr
        .endr
        .endm

/* The signs of r1 to r8 to bits 8 to 15 and 24 to 31 of r1. */
        .macro  signs
        and     r1, r1, #0x80008000
        .irp    sum, r2, r3, r4, r5, r6, r7, r8
        and     \sum, \sum, #0x80008000
        orr     r1, \sum, r1, lsr #1
        .endr
        .endm

/* Offsets in bitloom_conv_image_strip. */
        .equ    LIST, 12
        .equ    TO, 16
        .equ    STEP, 20
        .equ    MASK, 24
        .equ    OUTPUTS, 28
        .equ    KERNEL_WIDTH, 32
        .equ    PARTS, 36
/* Locals: output, step, mask and end of the list first, as the loop takes them. */
        .equ    LOW_HALF, 16
        .equ    LOOKUPS, 20             @ all but the first
        .equ    LEFT, 24
        .equ    LOCALS, 28

/* What follows the sums of the second half: stores the word, and goes on while there are outputs. */
        .macro  finish again
        ldr     r9, [sp, #LOW_HALF]
        orr     r1, r1, r9, lsr #8
        ldm     sp, {r2-r5}
        and     r1, r1, r4
        str     r1, [r2]
        add     r2, r2, r3
        str     r2, [sp]
        cmp     r0, r5
        bne.w   \again
        add     sp, #LOCALS
        pop     {r4-r11, pc}
        .endm

/* All outputs, with a fixed number of lookups. */
        .macro  fixed count
7:      first_lookup
        .rept   \count - 1
        lookup
        .endr
        signs
        str     r1, [sp, #LOW_HALF]
        first_lookup
        .rept   \count - 1
        lookup
        .endr
        signs
        finish  7b
        .endm

/* All outputs, with any number of lookups. */
        .macro  half_of_any
        first_lookup
        ldr     r9, [sp, #LOOKUPS]
        cbz_high r9, 82f
81:     str     r9, [sp, #LEFT]
        lookup
        ldr     r9, [sp, #LEFT]
        subs    r9, #1
        bne     81b
82:     signs
        .endm

        .macro  cbz_high register, target
        cmp     \register, #0
        beq     \target
        .endm

/* void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip)   frame: bitloom_conv_image_outputs 64 */
        function bitloom_conv_image_outputs
        push    {r4-r11, lr}
        sub     sp, #LOCALS
        ldr     r1, [r0, #KERNEL_WIDTH]
        ldr     r2, [r0, #PARTS]
        mul     r1, r1, r2              @ lookups
        ldr     r2, [r0, #TO]
        ldr     r3, [r0, #STEP]
        ldr     r4, [r0, #MASK]
        ldr     r5, [r0, #OUTPUTS]
        ldr     r0, [r0, #LIST]
        add     r6, r1, #1
        mul     r5, r5, r6
        add     r5, r0, r5, lsl #3      @ two halves of lookups + 1 words
        stm     sp, {r2-r5}
        subs    r6, r1, #1
        str     r6, [sp, #LOOKUPS]
        cmp     r1, #6
        beq     six
        cmp     r1, #5
        beq.w   five
        cmp     r1, #3
        beq.w   three
any:
        half_of_any
        str     r1, [sp, #LOW_HALF]
        half_of_any
        finish  any
six:    fixed   6
five:   fixed   5
three:  fixed   3
        .size   bitloom_conv_image_outputs, . - bitloom_conv_image_outputs

#endif
