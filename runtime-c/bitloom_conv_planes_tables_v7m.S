/*
 * Rows, tables and thresholds of bitloom_conv_planes for Thumb-2 cores: the same contract as bitloom_conv_planes_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * frame: bitloom_conv_planes_sixes 72, frame: bitloom_conv_planes_threes 36, frame: bitloom_conv_planes_turn 16,
 * frame: bitloom_conv_planes_fill 24, frame: bitloom_conv_planes_codes 72.
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

/* void bitloom_conv_planes_fill(words, planes, outputs, state): three planes of all outputs at a time. */
    .global bitloom_conv_planes_fill
    .type   bitloom_conv_planes_fill, %function
    .thumb_func
bitloom_conv_planes_fill:
    push    {r4-r9}
    lsls    r9, r1, #2
1:  ldm     r0!, {r4, r5, r6}
    mov     r7, r2
    mov     r8, r3
2:  stm     r8, {r4, r5, r6}
    add     r8, r8, r9
    subs    r7, #1
    bne     2b
    adds    r3, #12
    subs    r1, #3
    bne     1b
    pop     {r4-r9}
    bx      lr

/* bitloom_conv_planes_counters */
    .equ COUNTERS_STATE, 0
    .equ COUNTERS_THRESHOLDS, 4
    .equ COUNTERS_LOWEST, 8
    .equ COUNTERS_OUTPUTS, 12
    .equ COUNTERS_PLANES, 16
    .equ COUNTERS_LEVELS, 20
    .equ COUNTERS_RESULTS, 24
    .equ COUNTERS_OUTPUT_PLANES, 28
    .equ COUNTERS_DISTANCE, 32

/* The frame of bitloom_conv_planes_codes; `lowest` and where a comparison starts are loaded together. */
    .equ LOWEST, 0
    .equ COMPARE, 4
    .equ LEVELS, 8
    .equ OUTPUTS, 12
    .equ RESULTS, 16           /* moves on, as the state does at its start */
    .equ STATE, 20
    .equ DISTANCE, 24
    .equ STORE, 28
    .equ FRAME, 36

/* A plane is and-ed where t has a 1 and or-ed where it has a 0. */
.macro REACH bit, plane
  .if \bit
    ands    r2, r2, \plane
  .else
    orrs    r2, r2, \plane
  .endif
.endm
/* The next three planes: one of 8 sequences of 8 bytes. */
.macro THREE_PLANES
    and     lr, r3, #0x38
    ldm     r0!, {r4, r5, r6}
    lsrs    r3, r3, #3
    add     pc, lr
    nop
  .irp k, 0, 1, 2, 3, 4, 5, 6, 7
    REACH   (\k & 1), r4
    REACH   (\k & 2), r5
    REACH   (\k & 4), r6
    .if \k < 7
    b       .Lthree\@
    .endif
  .endr
.Lthree\@:
.endm

/*
 * void bitloom_conv_planes_codes(counters): r0 state, r1 thresholds, r2 what is reached, r3 t, r4 to r6 planes, r7 level,
 * r9 to r12 the code.
 */
    .balign 4
    .global bitloom_conv_planes_codes
    .type   bitloom_conv_planes_codes, %function
    .thumb_func
bitloom_conv_planes_codes:
    push    {r4-r11, lr}
    sub     sp, sp, #FRAME
    ldrd    r4, r1, [r0, #COUNTERS_STATE]
    ldrd    r2, r5, [r0, #COUNTERS_LOWEST]
    ldrd    r6, r7, [r0, #COUNTERS_PLANES]
    ldrd    r8, r9, [r0, #COUNTERS_RESULTS]
    ldr     r10, [r0, #COUNTERS_DISTANCE]
    adr     r11, planes9
    cmp     r6, #12
    it      eq
    adreq   r11, planes12
    it      hi
    adrhi   r11, planes15
    adr     r12, store1
    cmp     r9, #2
    it      eq
    adreq   r12, store2
    it      hi
    adrhi   r12, store4
    cmp     r9, #3
    it      eq
    adreq   r12, store3
    orr     r11, r11, #1
    orr     r12, r12, #1
    lsls    r10, r10, #2
    strd    r2, r11, [sp, #LOWEST]
    strd    r7, r5, [sp, #LEVELS]
    strd    r8, r4, [sp, #RESULTS]
    strd    r10, r12, [sp, #DISTANCE]
next_codes:
    movs    r7, #1
    mov     r9, #0
    mov     r10, #0
    mov     r11, #0
    mov     r12, #0
next_level:
    ldrh    r3, [r1], #2
    ldr     r0, [sp, #STATE]
    ldrd    r2, lr, [sp, #LOWEST]
    lsls    r3, r3, #2
    lsls    r4, r3, #29                     /* the lowest bit of t */
    it      pl
    movpl   r2, #-1
    bx      lr
    .balign 4
planes15:
    THREE_PLANES
    .balign 4
planes12:
    THREE_PLANES
    .balign 4
planes9:
    THREE_PLANES
    THREE_PLANES
    THREE_PLANES
    eor     r9, r9, r2
    lsls    r4, r7, #31
    bne     odd_level
    eor     r10, r10, r2
    lsls    r4, r7, #30
    it      eq
    eoreq   r11, r11, r2
    lsls    r4, r7, #29
    it      eq
    eoreq   r12, r12, r2
odd_level:
    ldrd    r4, r5, [sp, #LEVELS]
    adds    r7, #1
    cmp     r7, r4
    bls     next_level
    ldrd    r2, r3, [sp, #DISTANCE]
    ldr     r6, [sp, #RESULTS]
    subs    r5, #1
    adds    r4, r6, #4
    bx      r3
    .balign 4
store4:
    add     r7, r2, r2, lsl #1
    str     r12, [r6, r7]
store3:
    str     r11, [r6, r2, lsl #1]
store2:
    str     r10, [r6, r2]
store1:
    str     r9, [r6]
    str     r5, [sp, #OUTPUTS]
    strd    r4, r0, [sp, #RESULTS]
    cmp     r5, #0
    bne     next_codes
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}

#endif
