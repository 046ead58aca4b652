/*
 * The inner loops of bitloom_conv_image for cores with Thumb-1 only (Armv6-M, Armv8-M Baseline).
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_image_arch.h"

#if BITLOOM_CONV_IMAGE_ASSEMBLY == 1

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

        .macro  push_all
        push    {r3-r7, lr}             @ r3 aligns the stack
        mov     r4, r8
        mov     r5, r9
        mov     r6, r10
        mov     r7, r11
        push    {r4-r7}
        .endm

        .macro  pop_all
        pop     {r4-r7}
        mov     r8, r4
        mov     r9, r5
        mov     r10, r6
        mov     r11, r7
        pop     {r3-r7, pc}
        .endm

        .equ    ENTRY_BYTES, 80         @ 4 * BITLOOM_CONV_IMAGE_ENTRY

/*
 * Tables are filled in the order of their entries, a Gray code: from entry to entry one input, twice whose value is in
 * r2 to r6, changes its sign. r0 is the sum; r1 goes on by two entries, as far as stores reach.
 */
        .macro  change input, bit
        .set    pattern, pattern ^ \bit
        .set    entry, entry + 1
        .if     pattern & \bit
        subs    r0, r0, \input
        .else
        adds    r0, r0, \input
        .endif
        .if     entry & 1
        str     r0, [r1, #ENTRY_BYTES]
        .else
        adds    r1, #2 * ENTRY_BYTES
        str     r0, [r1]
        .endif
        .endm

        .macro  gray1
        change  r2, 1
        .endm
        .macro  gray2
        gray1
        change  r3, 2
        gray1
        .endm
        .macro  gray3
        gray2
        change  r4, 4
        gray2
        .endm
        .macro  gray4
        gray3
        change  r5, 8
        gray3
        .endm
        .macro  gray5
        gray4
        change  r6, 16
        gray4
        .endm

/* The next value of an input whose address is in a high register: doubled to \input, added to r0. */
        .macro  next_value input, address
        mov     r7, \address
        ldm     r7!, {\input}
        mov     \address, r7
        adds    r0, r0, \input
        adds    \input, \input, \input
        .endm

/* All words of a part: lr words are left, r1 is the word of entry 0. */
        .macro  part count
9:      movs    r0, #0
        next_value r2, r8
        .if     \count > 1
        next_value r3, r9
        .endif
        .if     \count > 2
        next_value r4, r10
        .endif
        .if     \count > 3
        next_value r5, r11
        .endif
        .if     \count > 4
        next_value r6, r12
        .endif
        str     r0, [r1]
        .set    pattern, 0
        .set    entry, 0
        gray\count
        ldr     r7, =((1 << \count) - 2) * ENTRY_BYTES - 4
        subs    r1, r1, r7
        mov     r7, lr
        subs    r7, #1
        mov     lr, r7
        bne     9b
        pop_all
        .ltorg
        .endm

/*
 * void bitloom_conv_image_table(const uint32_t *const *inputs, uint32_t count, uint32_t words, uint32_t *table)
 * frame: bitloom_conv_image_table 40
 */
        function bitloom_conv_image_table
        push_all
        mov     lr, r2
        ldm     r0!, {r4-r7}            @ where there are fewer inputs the rest is not used
        mov     r8, r4
        mov     r9, r5
        mov     r10, r6
        mov     r11, r7
        ldr     r4, [r0]
        mov     r12, r4
        mov     r0, r1
        mov     r1, r3
        cmp     r0, #2
        bhi     7f
        beq     6f
        b       1f
6:      b       2f
7:      cmp     r0, #4
        bhi     5f
        beq     6f
        b       3f
6:      b       4f
5:      part    5
4:      part    4
3:      part    3
2:      part    2
1:      part    1
        .size   bitloom_conv_image_table, . - bitloom_conv_image_table

/* Offsets in bitloom_conv_image_strip. */
        .equ    LIST, 0
        .equ    TO, 4
        .equ    RESULTS, 8
        .equ    COUNT, 12
/* Locals. */
        .equ    NEXT, 0                 @ where the next result goes
        .equ    LEFT, 4                 @ results that are left
        .equ    FIRST_HALF, 8           @ its bits
        .equ    BLOCKS, 12              @ whole blocks of lookups in a half
        .equ    BLOCKS_LEFT, 16
        .equ    FIRST, 20               @ where the lookups of a half start that fill no block
        .equ    SECOND, 24
        .equ    LOCALS, 32

        .equ    BLOCK, 8                @ lookups
        .equ    LOOKUP_BYTES, 22

/* Adds the eight words of the next entry to the sums r0, r1, r8 to r12 and lr. */
        .macro  lookup
        ldm     r7!, {r6}
        ldm     r6!, {r2-r5}
        adds    r0, r0, r2
        adds    r1, r1, r3
        add     r8, r4
        add     r9, r5
        ldm     r6!, {r2-r5}
        add     r10, r2
        add     r11, r3
        add     r12, r4
        add     lr, r5
        .endm

/* The signs of a sum to bits 15 and 31 of r0, whose bits move down; r2 is the mask. */
        .macro  sign_of sum
        mov     r1, \sum
        ands    r1, r2
        lsrs    r0, r0, #1
        orrs    r0, r1
        .endm

/* A half of a result to r0; \enter has where the lookups start that fill no block. */
        .macro  half enter
        ldm     r7!, {r5, r6}
        ldm     r5!, {r0-r3}
        adds    r0, r0, r6
        adds    r1, r1, r6
        adds    r2, r2, r6
        adds    r3, r3, r6
        mov     r8, r2
        mov     r9, r3
        ldm     r5, {r2-r5}
        adds    r2, r2, r6
        adds    r3, r3, r6
        adds    r4, r4, r6
        adds    r5, r5, r6
        mov     r10, r2
        mov     r11, r3
        mov     r12, r4
        mov     lr, r5
        ldr     r2, [sp, #BLOCKS]
        ldr     r3, [sp, #\enter]
        str     r2, [sp, #BLOCKS_LEFT]
        mov     pc, r3
7:      .rept   BLOCK
        lookup
        .endr
\enter\()_end:
        ldr     r2, [sp, #BLOCKS_LEFT]
        subs    r2, #1
        bmi     9f
        str     r2, [sp, #BLOCKS_LEFT]
        b       7b
9:      ldr     r2, =0x80008000
        ands    r0, r2
        lsrs    r0, r0, #1
        ands    r1, r2
        orrs    r0, r1
        .irp    sum, r8, r9, r10, r11, r12, lr
        sign_of \sum
        .endr
        .endm

/* void bitloom_conv_image_outputs(const bitloom_conv_image_strip *strip)   frame: bitloom_conv_image_outputs 72 */
        function bitloom_conv_image_outputs
        push_all
        sub     sp, #LOCALS
        ldr     r7, [r0, #LIST]
        ldr     r1, [r0, #TO]
        ldr     r2, [r0, #RESULTS]
        ldr     r3, [r0, #COUNT]
        str     r1, [sp, #NEXT]
        str     r2, [sp, #LEFT]
        subs    r3, #1                  @ the first entry is no lookup
        lsrs    r2, r3, #3
        str     r2, [sp, #BLOCKS]
        movs    r2, #BLOCK - 1
        ands    r3, r2
        movs    r2, #LOOKUP_BYTES
        muls    r3, r2
        ldr     r2, =FIRST_end
        subs    r2, r2, r3
        str     r2, [sp, #FIRST]
        ldr     r2, =SECOND_end
        subs    r2, r2, r3
        str     r2, [sp, #SECOND]
1:      half    FIRST
        str     r0, [sp, #FIRST_HALF]
        half    SECOND
        ldr     r1, [sp, #FIRST_HALF]
        ldr     r2, [sp, #NEXT]
        ldr     r3, [sp, #LEFT]
        lsrs    r1, r1, #8
        orrs    r0, r1
        stm     r2!, {r0}
        str     r2, [sp, #NEXT]
        subs    r3, #1
        str     r3, [sp, #LEFT]
        beq     2f
        b       1b
2:      add     sp, #LOCALS
        pop_all
        .ltorg
        .size   bitloom_conv_image_outputs, . - bitloom_conv_image_outputs

#endif
