/*
 * The inner loops of bitloom_conv_image for cores with Thumb-2.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image_arch.h"

#if BITLOOM_CONV_IMAGE_ASSEMBLY == 2

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
 * void bitloom_conv_image_pack(const uint8_t *from, uint32_t step, uint32_t distance, uint32_t count, uint32_t signs,
 *                              uint32_t centers, uint32_t *to)   frame: bitloom_conv_image_pack 32
 */
        function bitloom_conv_image_pack
        push    {r4-r10, lr}
        ldrd    r9, r10, [sp, #32]
        ldr     r6, [sp, #40]
        lsrs    r3, #1                  @ two pixels at a time; an odd one first
        bcc     1f
        ldrb    r4, [r0]
        ldrb    r5, [r0, r2]
        add     r0, r1
        orr     r4, r4, r5, lsl #16
        eor     r4, r9
        sub     r4, r10
        str     r4, [r6], #4
        cbz     r3, 9f
1:      add     lr, r1, r2
        cmp     r10, #0                 @ signs come with centers
        bne     3f
2:      ldrb    r4, [r0]
        ldrb    r5, [r0, r2]
        ldrb    r7, [r0, r1]
        ldrb    r8, [r0, lr]
        add     r0, r0, r1, lsl #1
        orr     r4, r4, r5, lsl #16
        orr     r7, r7, r8, lsl #16
        strd    r4, r7, [r6], #8
        subs    r3, #1
        bne     2b
9:      pop     {r4-r10, pc}
3:      ldrb    r4, [r0]
        ldrb    r5, [r0, r2]
        ldrb    r7, [r0, r1]
        ldrb    r8, [r0, lr]
        add     r0, r0, r1, lsl #1
        orr     r4, r4, r5, lsl #16
        orr     r7, r7, r8, lsl #16
        eor     r4, r9
        eor     r7, r9
        sub     r4, r10
        sub     r7, r10
        strd    r4, r7, [r6], #8
        subs    r3, #1
        bne     3b
        pop     {r4-r10, pc}
        .size   bitloom_conv_image_pack, . - bitloom_conv_image_pack

#if !BITLOOM_CONV_IMAGE_MVE

/*
 * Tables are filled in the order of their entries, a Gray code: from entry to entry one input, whose value is in a
 * register, changes its sign. r0 is the sum, r1 the word of entry 0.
 */
        .macro  change input, bit
        .set    pattern, pattern ^ \bit
        .set    entry, entry + 1
        .if     pattern & \bit
        sub     r0, r0, \input, lsl #1
        .else
        add     r0, r0, \input, lsl #1
        .endif
        str     r0, [r1, #entry * ENTRY_BYTES + offset]
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

/* Entry 0, the sum of the values, is in r0: stores it and all others at word r1 + \at. */
        .macro  entries gray, at
        .set    pattern, 0
        .set    entry, 0
        .set    offset, \at
        str     r0, [r1, #offset]
        \gray
        .endm

        .macro  word1 at
        ldr     r4, [r5], #4
        mov     r0, r4
        entries gray1, \at
        .endm
        .macro  word2 at
        ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        add     r0, r4, r10
        entries gray2, \at
        .endm
        .macro  word3 at
        ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        ldr     r11, [r7], #4
        add     r0, r4, r10
        add     r0, r11
        entries gray3, \at
        .endm
        .macro  word4 at
        ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        ldr     r11, [r7], #4
        ldr     r12, [r8], #4
        add     r0, r4, r10
        add     r0, r11
        add     r0, r12
        entries gray4, \at
        .endm
        .macro  word5 at
        ldr     r4, [r5], #4
        ldr     r10, [r6], #4
        ldr     r11, [r7], #4
        ldr     r12, [r8], #4
        ldr     lr, [r9], #4
        add     r0, r4, r10
        add     r0, r11
        add     r0, r12
        add     r0, lr
        entries gray5, \at
        .endm

/* All words, two at a time; an odd number starts with the second. */
        .macro  all_words word
        beq     8f
        subs    r1, #4
        b       9f
8:      \word  0
9:      \word  4
        adds    r1, #8
        cmp     r1, r2
        bne.w   8b
        pop     {r3-r11, pc}
        .endm

/*
 * void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words, uint32_t *table)
 * frame: bitloom_conv_image_table 40
 */
        function bitloom_conv_image_table
        push    {r3-r11, lr}
        mov     r12, r1
        mov     r1, r3
        mov     r4, r2
        add     r2, r1, r2, lsl #2
        ldm     r0, {r5-r9}             @ where there are fewer inputs the rest is not used
        cmp     r12, #2
        blo     one_input
        beq     two_inputs
        cmp     r12, #4
        blo     three_inputs
        beq.w   four_inputs
        tst     r4, #1
        all_words word5
four_inputs:
        tst     r4, #1
        all_words word4
three_inputs:
        tst     r4, #1
        all_words word3
two_inputs:
        tst     r4, #1
        all_words word2
one_input:
        tst     r4, #1
        all_words word1
        .size   bitloom_conv_image_table, . - bitloom_conv_image_table

/*
 * Adds the eight words at lr to the sums r1 to r8. The next entry of the list r0 is loaded straight after other words, when
 * a load takes one cycle.
 */
        .macro  add_entry next=
        ldm     lr!, {r9-r12}
        add     r1, r1, r9
        add     r2, r2, r10
        add     r3, r3, r11
        add     r4, r4, r12
        ldm     lr, {r9-r12}
        .ifc    \next,next
        ldr     lr, [r0], #4
        .endif
        add     r5, r5, r9
        add     r6, r6, r10
        add     r7, r7, r11
        add     r8, r8, r12
        .endm

/* The first entry and the pair r10 to start from. */
        .macro  first_entry
        ldm     r9, {r1-r8}
        .irp    sum, r1, r2, r3, r4, r5, r6, r7, r8
        add     \sum, \sum, r10
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
        .equ    LIST, 0
        .equ    TO, 4
        .equ    RESULTS, 8
        .equ    COUNT, 12
/* Locals. The first three are taken together: where the next result goes, the end of the list, the first half's bits. */
        .equ    LOW_HALF, 8
        .equ    LOOKUPS, 12             @ all but the first
        .equ    LEFT, 16
        .equ    LOCALS, 20

/* After the sums of the second half. */
        .macro  store_word
        ldm     sp, {r2-r4}
        orr     r1, r1, r4, lsr #8
        str     r1, [r2], #4
        str     r2, [sp]
        .endm

/* Goes on while there are results. */
        .macro  go_on again
        cmp     r0, r3
        bne.w   \again
        add     sp, #LOCALS
        pop     {r4-r11, pc}
        .endm

/* A half with a fixed number of lookups, at least two. */
        .macro  half count
        ldm     r0!, {r9, r10, lr}
        first_entry
        .rept   \count - 2
        add_entry next
        .endr
        add_entry
        signs
        .endm

/* All results, with a fixed number of lookups; two at a time, an odd number starts with the second. */
        .macro  fixed count
        lsls    r5, r5, #31
        bne.w   7f
6:      half    \count
        str     r1, [sp, #LOW_HALF]
        half    \count
        store_word
7:      half    \count
        str     r1, [sp, #LOW_HALF]
        half    \count
        store_word
        go_on   6b
        .endm

/* A half with any number of lookups. */
        .macro  half_of_any
        ldm     r0!, {r9, r10}
        first_entry
        ldr     r9, [sp, #LOOKUPS]
        cmp     r9, #0
        beq     82f
81:     str     r9, [sp, #LEFT]
        ldr     lr, [r0], #4
        add_entry
        ldr     r9, [sp, #LEFT]
        subs    r9, #1
        bne     81b
82:     signs
        .endm

/* void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip)   frame: bitloom_conv_image_outputs 56 */
        function bitloom_conv_image_outputs
        push    {r4-r11, lr}
        sub     sp, #LOCALS
        ldr     r1, [r0, #COUNT]
        ldr     r2, [r0, #TO]
        ldr     r3, [r0, #RESULTS]
        ldr     r0, [r0, #LIST]
        mov     r5, r3
        add     r4, r1, #1
        mul     r3, r3, r4
        add     r3, r0, r3, lsl #3      @ two halves of count + 1 words
        strd    r2, r3, [sp]
        subs    r4, r1, #1
        str     r4, [sp, #LOOKUPS]
        cmp     r1, #6
        beq.w   six
        cmp     r1, #5
        beq.w   five
        cmp     r1, #3
        beq.w   three
any:
        half_of_any
        str     r1, [sp, #LOW_HALF]
        half_of_any
        store_word
        go_on   any
six:    fixed   6
five:   fixed   5
three:  fixed   3
        .size   bitloom_conv_image_outputs, . - bitloom_conv_image_outputs

#endif
#endif
