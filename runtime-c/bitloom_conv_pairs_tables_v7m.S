/*
 * Lines and tables of bitloom_conv_pairs for Thumb-2 cores: the same contract as bitloom_conv_pairs_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * frame: bitloom_conv_pairs_zip 32, frame: bitloom_conv_pairs_unzip 32, frame: bitloom_conv_pairs_tables 52,
 * frame: bitloom_conv_pairs_copy 32.
 */
#include "bitloom_conv_pairs_arch.h"

#ifdef BITLOOM_CONV_PAIRS_ASSEMBLY

    .syntax unified
    .thumb
    .text
    .balign 4

/*
 * Halves of words side by side: void bitloom_conv_pairs_zip(low, high, words, pairs), and back.
 */
#ifdef __ARM_FEATURE_DSP
.macro LOWER_HALVES to, a, b
    pkhbt   \to, \a, \b, lsl #16
.endm
.macro UPPER_HALVES to, a, b
    pkhtb   \to, \b, \a, asr #16
.endm
#else
.macro LOWER_HALVES to, a, b
    uxth    \to, \a
    orr     \to, \to, \b, lsl #16
.endm
.macro UPPER_HALVES to, a, b
    lsr     \to, \b, #16
    lsl     \to, \to, #16
    orr     \to, \to, \a, lsr #16
.endm
#endif

    .global bitloom_conv_pairs_zip
    .type   bitloom_conv_pairs_zip, %function
    .thumb_func
bitloom_conv_pairs_zip:
    push    {r4-r11}
.Lzip:
    ldm     r0!, {r4, r5}
    ldm     r1!, {r6, r7}
    LOWER_HALVES r8, r4, r6
    UPPER_HALVES r9, r4, r6
    LOWER_HALVES r10, r5, r7
    UPPER_HALVES r11, r5, r7
    stm     r2!, {r8, r9, r10, r11}
    subs    r3, #4
    bne     .Lzip
    pop     {r4-r11}
    bx      lr

    .global bitloom_conv_pairs_unzip
    .type   bitloom_conv_pairs_unzip, %function
    .thumb_func
bitloom_conv_pairs_unzip:
    push    {r4-r11}
.Lunzip:
    ldm     r0!, {r8, r9, r10, r11}
    LOWER_HALVES r4, r8, r9
    LOWER_HALVES r5, r10, r11
    UPPER_HALVES r6, r8, r9
    UPPER_HALVES r7, r10, r11
    stm     r1!, {r4, r5}
    stm     r2!, {r6, r7}
    subs    r3, #4
    bne     .Lunzip
    pop     {r4-r11}
    bx      lr

/*
 * Tables. void bitloom_conv_pairs_tables(line, groups, rotate, mask, tables): r0 line, r1 tables; F of the first pair
 * in r2 to r5, of the second one in r6 to r9; what is stored in r10 to r12 and lr.
 */

/* Inputs x in f0, y in f1 -> F for weights 00, 10, 01, 11 in f0 to f3. */
.macro PAIR_WORDS f0, f1, f2, f3
    and     \f3, \f0, \f1                   /* x & y */
    orn     \f2, \f1, \f0                   /* y | ~x */
    orn     \f1, \f0, \f1                   /* x | ~y */
    bic     \f0, \f1, \f0                   /* ~x & ~y */
.endm

/* Entries with F = g for the second pair. */
.macro FOUR_ENTRIES g
    eor     r10, r2, \g
    and     r11, r2, \g
    eor     r12, r3, \g
    and     lr, r3, \g
    stm     r1!, {r10, r11, r12, lr}
    eor     r10, r4, \g
    and     r11, r4, \g
    eor     r12, r5, \g
    and     lr, r5, \g
    stm     r1!, {r10, r11, r12, lr}
.endm

/*
 * The frame: how words are turned (an address), mask, the line's end, rotate. Words turned by one column need no more
 * than the mask's AND. No flag changes between the comparison and the branch.
 */
    .global bitloom_conv_pairs_tables
    .type   bitloom_conv_pairs_tables, %function
    .thumb_func
bitloom_conv_pairs_tables:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]                   /* tables */
    add     r12, r0, r1, lsl #4
    mov     r1, r4
    mvn     r6, r3
    orrs    r6, r6, r2
    ite     eq
    adreq   r11, unturned
    adrne   r11, turned
    cmp     r2, #1
    it      eq
    adreq   r11, turned_right
    cmp     r2, #31
    it      eq
    adreq   r11, turned_left
    orr     r11, r11, #1
    sub     sp, sp, #16
    strd    r11, r3, [sp]
    strd    r12, r2, [sp, #8]
next_group:
    ldm     r0!, {r2, r3, r6, r7}
    ldm     sp, {r10, r11, r12}
    bx      r10
turned:
    ldr     r10, [sp, #12]
  .irp x, r2, r3, r6, r7
    ror     \x, \x, r10
    and     \x, \x, r11
  .endr
    b       unturned
turned_right:
  .irp x, r2, r3, r6, r7
    and     \x, r11, \x, ror #1
  .endr
    b       unturned
turned_left:
  .irp x, r2, r3, r6, r7
    and     \x, r11, \x, ror #31
  .endr
unturned:
    cmp     r0, r12
    PAIR_WORDS r2, r3, r4, r5
    PAIR_WORDS r6, r7, r8, r9
    FOUR_ENTRIES r6
    FOUR_ENTRIES r7
    FOUR_ENTRIES r8
    FOUR_ENTRIES r9
    bne     next_group
    add     sp, sp, #16
    pop     {r4-r11, pc}

/* void bitloom_conv_pairs_copy(from, groups, to) */
    .global bitloom_conv_pairs_copy
    .type   bitloom_conv_pairs_copy, %function
    .thumb_func
bitloom_conv_pairs_copy:
    push    {r4-r11}
.Lcopy:
  .rept 4
    ldm     r0!, {r3-r10}
    stm     r2!, {r3-r10}
  .endr
    subs    r1, #1
    bne     .Lcopy
    pop     {r4-r11}
    bx      lr

#endif
