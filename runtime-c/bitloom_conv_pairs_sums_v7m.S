/*
 * Bit-sliced sums of x ^ y of bitloom_conv_pairs for Thumb-2 cores: the same contract as bitloom_conv_pairs_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * frame: bitloom_conv_pairs_add 24, frame: bitloom_conv_pairs_add_rows 36, frame: bitloom_conv_pairs_add_columns 36,
 * frame: bitloom_conv_pairs_versions 16, frame: bitloom_conv_pairs_count 36.
 */
#include "bitloom_conv_pairs_adders.h"
#include "bitloom_conv_pairs_arch.h"

#ifdef BITLOOM_CONV_PAIRS_ASSEMBLY

    .syntax unified
    .thumb
    .text

/*
 * void bitloom_conv_pairs_add(sum, total, number, planes, rotate, mask): r0 sum, r1 total, r2 number, r3 planes, r4 rotate,
 * r5 mask, carry in r12.
 */
    .global bitloom_conv_pairs_add
    .type   bitloom_conv_pairs_add, %function
    .thumb_func
bitloom_conv_pairs_add:
    push    {r4-r8, lr}
    ldrd    r4, r5, [sp, #24]
    subs    r1, r1, r3
    mov     r12, #0
.Lplane:
    ldr     r6, [r2], #4
    ldr     r7, [r0]
    rors    r6, r4
    ands    r6, r5
    eor     r8, r6, r7
    ands    r6, r7
    eor     r7, r8, r12
    and     r8, r8, r12
    orr     r12, r6, r8
    subs    r3, #1
    str     r7, [r0], #4
    bne     .Lplane
    cbz     r1, .Ladded
.Lcarry:
    ldr     r7, [r0]
    eor     r7, r7, r12
    bic     r12, r12, r7
    subs    r1, #1
    str     r7, [r0], #4
    bne     .Lcarry
.Ladded:
    pop     {r4-r8, pc}

/* a + b + c -> a and b ^ c, the carry; c is kept. */
.macro ADD_THREE a, b, c
    eor     \a, \a, \b
    eor     \b, \b, \c
    bic     \b, \b, \a
    eor     \a, \a, \c
.endm

/*
 * A plane of a sum of three: r11 + r12 + lr, with the last plane's carries in r9 and r10, to r0. What is above the
 * numbers' planes are the last carries, and zeros.
 */
.macro ADD_PLANE
    ADD_THREE r11, r12, lr
    ADD_THREE r11, r9, r10
    eor     r10, r9, r10
    eor     r9, r12, lr
    str     r11, [r0], #4
.endm
.macro ADD_TOP
    eor     r11, r9, r10
    and     r12, r9, r10
    movs    r7, #0
    strd    r11, r12, [r0], #8
    subs    r1, #2
    beq     .Lwhole\@
.Lzero\@:
    subs    r1, #1
    str     r7, [r0], #4
    bne     .Lzero\@
.Lwhole\@:
    pop     {r4-r11, pc}
.endm

/* void bitloom_conv_pairs_add_rows(sum, total, numbers, planes): numbers in r4 to r6. */
    .global bitloom_conv_pairs_add_rows
    .type   bitloom_conv_pairs_add_rows, %function
    .thumb_func
bitloom_conv_pairs_add_rows:
    push    {r4-r11, lr}
    ldm     r2, {r4, r5, r6}
    subs    r1, r1, r3
    mov     r9, #0
    mov     r10, #0
.Lrows:
    ldr     r11, [r4], #4
    ldr     r12, [r5], #4
    ldr     lr, [r6], #4
    ADD_PLANE
    subs    r3, #1
    bne     .Lrows
    ADD_TOP

/* void bitloom_conv_pairs_add_columns(sum, total, number, planes, columns): rotate and mask in r2 and r4, r5 and r6, r7
 * and r8; total on the stack. */
    .global bitloom_conv_pairs_add_columns
    .type   bitloom_conv_pairs_add_columns, %function
    .thumb_func
bitloom_conv_pairs_add_columns:
    push    {r4-r11, lr}
    subs    r4, r1, r3
    mov     r1, r2
    ldr     r2, [sp, #36]
    str     r4, [sp, #36]
    ldrd    r7, r8, [r2, #28]
    ldrd    r5, r6, [r2, #16]
    ldrd    r2, r4, [r2, #4]
    mov     r9, #0
    mov     r10, #0
.Lcolumns:
    ldr     lr, [r1], #4
    ror     r11, lr, r2
    ror     r12, lr, r5
    ror     lr, lr, r7
    and     r11, r11, r4
    and     r12, r12, r6
    and     lr, lr, r8
    ADD_PLANE
    subs    r3, #1
    bne     .Lcolumns
    ldr     r1, [sp, #36]
    ADD_TOP

/* void bitloom_conv_pairs_versions(sum, low): planes in r2 and r4 to r6, what is reached in r7; the lowest one is
 * complemented by every step. */
    .global bitloom_conv_pairs_versions
    .type   bitloom_conv_pairs_versions, %function
    .thumb_func
bitloom_conv_pairs_versions:
    push    {r4-r7}
    ldm     r0, {r2, r4, r5, r6}
    mvn     r7, #0
    mov     r0, #5
    stm     r1!, {r4, r5, r6, r7}
.Lversion:
  .rept 3
    mvns    r2, r2
    eors    r4, r2
    and     r3, r4, r2
    eors    r5, r3
    ands    r3, r5
    eors    r6, r3
    ands    r3, r6
    bics    r7, r3
    stm     r1!, {r4, r5, r6, r7}
  .endr
    subs    r0, #1
    bne     .Lversion
    pop     {r4-r7}
    bx      lr

/*
 * void bitloom_conv_pairs_count(line, words, number, planes): planes 0 to 2 in r4 to r6, the others in memory.
 */

/* Two pairs into plane 0, their carry in `carry`. */
.macro COUNT_TWO carry
    ldm     r0!, {r7, r8, r9, r10}
    eors    r7, r7, r8
    eor     r9, r9, r10
    ADD_TWO r4, r7, r9, r8
  .ifnc \carry, r7
    mov     \carry, r7
  .endif
.endm

    .global bitloom_conv_pairs_count
    .type   bitloom_conv_pairs_count, %function
    .thumb_func
bitloom_conv_pairs_count:
    push    {r4-r11, lr}
    movs    r4, #0
    movs    r5, #0
    movs    r6, #0
    adds    r2, #12
    subs    r3, #3
    mov     r9, r2
    mov     r10, r3
    b       .Lcleared
.Lclear:
    str     r4, [r9], #4
.Lcleared:
    subs    r10, #1
    bpl     .Lclear
.Lcount:
    subs    r1, #16
    blo     .Lfour
    COUNT_TWO r11
    COUNT_TWO r7
    ADD_TWO r5, r11, r7, r8
    COUNT_TWO r12
    COUNT_TWO r7
    ADD_TWO r5, r12, r7, r8
    ADD_TWO r6, r11, r12, r8
    b       .Lcarry_of_words
.Lfour:
    adds    r1, #12
    bmi     .Lcount_done
    COUNT_TWO r11
    ADD_ONE r5, r11
    ADD_ONE r6, r11
.Lcarry_of_words:
    mov     r9, r2
    subs    r10, r3, #0
    beq     .Lcount
.Lhigher:
    ldr     r8, [r9]
    eor     r8, r8, r11
    bic     r11, r11, r8
    subs    r10, #1
    str     r8, [r9], #4
    bne     .Lhigher
    b       .Lcount
.Lcount_done:
    stmdb   r2, {r4, r5, r6}
    pop     {r4-r11, pc}

#endif
