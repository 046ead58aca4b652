/*
 * Rows, tables and thresholds of bitloom_conv_planes for Thumb-2 cores: the same contract as bitloom_conv_planes_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * frame: bitloom_conv_planes_sixes 72, frame: bitloom_conv_planes_threes 36, frame: bitloom_conv_planes_turn 16,
 * frame: bitloom_conv_planes_reached 12.
 */
#include "bitloom_conv_pairs_arch.h"

#ifdef BITLOOM_CONV_PAIRS_ASSEMBLY

    .syntax unified
    .thumb
    .text
    .balign 4

/* Inputs x in f0, y in f1 -> F for weights 00, 10, 01, 11 in f0 to f3. */
.macro PAIR_WORDS f0, f1, f2, f3
    and     \f3, \f0, \f1                   /* x & y */
    orn     \f2, \f1, \f0                   /* y | ~x */
    orn     \f1, \f0, \f1                   /* x | ~y */
    bic     \f0, \f1, \f0                   /* ~x & ~y */
.endm

/* (u, v) in r8, r9 and F of a third pair: u ^ F, v | (u & F). */
.macro TWO_ENTRIES f, g
    eor     r10, r8, \f
    and     r11, r8, \f
    eor     r12, r8, \g
    and     lr, r8, \g
    orr     r11, r11, r9
    orr     lr, lr, r9
    stm     r2!, {r10, r11, r12, lr}
.endm

/* void bitloom_conv_planes_sixes(line, groups, tables): F of the first pair in r3 to r6, of the others on the stack. */
    .global bitloom_conv_planes_sixes
    .type   bitloom_conv_planes_sixes, %function
    .thumb_func
bitloom_conv_planes_sixes:
    push    {r4-r11, lr}
    sub     sp, sp, #36
next_six:
    ldm     r0!, {r3, r4, r7, r8}
    PAIR_WORDS r3, r4, r5, r6
    PAIR_WORDS r7, r8, r9, r10
    ldm     r0!, {r11, r12}
    stm     sp, {r7, r8, r9, r10}
    PAIR_WORDS r11, r12, r7, lr
    strd    r11, r12, [sp, #16]
    strd    r7, lr, [sp, #24]
  .irp k, 16, 20, 24, 28
    ldr     r7, [sp, #\k]
  .irp j, 0, 4, 8, 12
    ldr     r8, [sp, #\j]
    and     r9, r8, r7
    eors    r8, r8, r7
    TWO_ENTRIES r3, r4
    TWO_ENTRIES r5, r6
  .endr
  .endr
    subs    r1, #1
    bne     next_six
    add     sp, sp, #36
    pop     {r4-r11, pc}

/*
 * The three entries of a sum (u, v) in r8, r9 of two weights: without x (r3), with nothing, with x. `v` is 0 where the
 * sum is at most 1.
 */
.macro THREE_ENTRIES v
    eor     r10, r8, r3
    bic     r7, r8, r3
    and     r11, r8, r3
    mvn     r6, r10
  .if \v
    orr     r7, r7, r9
    orr     r11, r11, r9
  .endif
    stm     r2!, {r6-r11}
.endm

/* void bitloom_conv_planes_threes(line, groups, tables): inputs in r3 to r5. */
    .global bitloom_conv_planes_threes
    .type   bitloom_conv_planes_threes, %function
    .thumb_func
bitloom_conv_planes_threes:
    push    {r4-r11, lr}
next_three:
    ldm     r0!, {r3, r4, r5}
    orr     r9, r4, r5
    eor     r8, r4, r5
    mvn     r9, r9
    THREE_ENTRIES 1                         /* -1, -1 */
    movs    r9, #0
    mvn     r8, r5
    THREE_ENTRIES 0                         /* 0, -1 */
    eor     r8, r4, r5
    bic     r9, r4, r5
    mvn     r8, r8
    THREE_ENTRIES 1                         /* +1, -1 */
    movs    r9, #0
    mvn     r8, r4
    THREE_ENTRIES 0                         /* -1, 0 */
    movs    r8, #0
    THREE_ENTRIES 0
    mov     r8, r4
    THREE_ENTRIES 0                         /* +1, 0 */
    eor     r8, r4, r5
    bic     r9, r5, r4
    mvn     r8, r8
    THREE_ENTRIES 1                         /* -1, +1 */
    movs    r9, #0
    mov     r8, r5
    THREE_ENTRIES 0                         /* 0, +1 */
    eor     r8, r4, r5
    and     r9, r4, r5
    THREE_ENTRIES 1                         /* +1, +1 */
    subs    r1, #1
    bne     next_three
    pop     {r4-r11, pc}

/* void bitloom_conv_planes_turn(words, count, rotate, mask, to): `to` in r12. */
    .global bitloom_conv_planes_turn
    .type   bitloom_conv_planes_turn, %function
    .thumb_func
bitloom_conv_planes_turn:
    push    {r4-r7}
    ldr     r12, [sp, #16]
    subs    r1, #4
    blo     2f
1:  ldm     r0!, {r4-r7}
  .irp x, r4, r5, r6, r7
    rors    \x, \x, r2
    ands    \x, \x, r3
  .endr
    subs    r1, #4
    stm     r12!, {r4-r7}
    bhs     1b
2:  adds    r1, #4
    beq     4f
3:  ldr     r4, [r0], #4
    rors    r4, r4, r2
    ands    r4, r4, r3
    subs    r1, #1
    str     r4, [r12], #4
    bne     3b
4:  pop     {r4-r7}
    bx      lr

/* A bit of t is shifted out: a counter's plane is and-ed where it is 1, or-ed where it is 0. */
.macro REACH plane
    lsrs    r3, r3, #1
    ite     cs
    andcs   r2, r2, \plane
    orrcc   r2, r2, \plane
.endm

/* uint32_t bitloom_conv_planes_reached(counter, planes, lowest, t) */
    .global bitloom_conv_planes_reached
    .type   bitloom_conv_planes_reached, %function
    .thumb_func
bitloom_conv_planes_reached:
    push    {r4-r6}
    lsrs    r3, r3, #1
    it      cc
    movcc   r2, #-1
1:  ldm     r0!, {r4, r5, r6}
    REACH   r4
    REACH   r5
    REACH   r6
    subs    r1, #3
    bne     1b
    mov     r0, r2
    pop     {r4-r6}
    bx      lr

#endif
