/*
 * Runs of bitloom_conv_planes for Thumb-2 cores: the same contract as bitloom_conv_planes_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * A block is 16 groups, 4 quarters of one weight word: their u and v go into planes 0 to 2 and leave three carries of
 * weight 8, each as a pair (a, a ^ b) on the stack. Then the pairs of one or two blocks are added to planes 3 and up.
 * All carries of a quarter are pairs again, so a word costs 4 operations per full adder and half a one for its first
 * difference; a block 175 instructions. The first block of a run may be a half of it.
 *
 * Frame, saved registers and 6 pairs: frame: bitloom_conv_planes_add_sixes 112, frame: bitloom_conv_planes_add_threes 112.
 */
#include "bitloom_conv_pairs_adders.h"
#include "bitloom_conv_pairs_arch.h"

#ifdef BITLOOM_CONV_PAIRS_ASSEMBLY

    .syntax unified
    .thumb
    .text

/* bitloom_conv_planes_run */
    .equ RUN_WEIGHTS, 0
    .equ RUN_TABLES, 4
    .equ RUN_WORDS, 8
    .equ RUN_OUTPUTS, 12
    .equ RUN_PLANES, 16
    .equ RUN_STATE, 20

/*
 * The frame. A block moves the stack pointer 24 bytes down, and so finds what follows the second block 24 bytes below
 * what follows the first one.
 */
    .equ NEXT, 48              /* what follows a block: at 24 and at 0 */
    .equ STATE, 4              /* of the output */
    .equ TABLES, 8
    .equ END, 12               /* of the state */
    .equ STORE, 16             /* planes 8 and up */
    .equ ENTRY, 20             /* half a block or a whole one */
    .equ FRAME, 28
    .if (FRAME + 36) % 8 != 0
    .error "the stack is not aligned"
    .endif

/*
 * Registers of a block: r0 weights, r1 tables, r2 to r4 planes 0 to 2, r5 to r12 work; lr the mask of two offsets for
 * sixes, the weight word for threes.
 */
    .equ BIAS, 1016            /* into the tables, so that offsets of LDRD reach 2 KB */
#ifdef __ARM_FEATURE_DSP
    .equ MASK, 0x01f801f8
#else
    .equ MASK, 0x1f8
#endif

/* The next weight word, or the same once more. */
.macro LOAD kind, word
  .if \kind == 6
    ldr     \word, [r0], #4
  .else
    ldr     lr, [r0], #4
  .endif
.endm
.macro RELOAD kind, word
  .if \kind == 6
    ldr     \word, [r0, #-4]
  .endif
.endm

/* Offsets of groups 0 and 1, or 2 and 3, in r12. */
.macro OFFSETS_LOW kind, word
#ifdef __ARM_FEATURE_DSP
  .if \kind == 6
    and     r12, lr, \word
  .endif
#endif
.endm
.macro OFFSETS_HIGH kind, word
#ifdef __ARM_FEATURE_DSP
  .if \kind == 6
    and     r12, lr, \word, ror #6
  .endif
#endif
.endm

/* Entry (u, v) of group j. */
.macro GROUP kind, j, u, v, word
#ifdef __ARM_FEATURE_DSP
  .if \kind == 3
    uxtab   \u, r1, lr, ror #(8 * \j)
  .elseif \j & 1
    add     \u, r1, r12, lsr #16
  .else
    uxtah   \u, r1, r12
  .endif
#else
  .if \kind == 3
    ubfx    \u, lr, #(8 * \j), #8
  .elseif \j == 0
    and     \u, lr, \word
  .else
    and     \u, lr, \word, ror #(16 * (\j & 1) + 6 * (\j >> 1))
  .endif
    add     \u, \u, r1
#endif
  .if \kind == 6
    ldrd    \u, \v, [\u, #(512 * \j - BIAS)]
  .else
    ldrd    \u, \v, [\u, #(216 * \j + table_offset - BIAS)]
  .endif
.endm

/* To the tables of the next word; those of two words of threes are within reach. */
.macro NEXT_TABLES kind
  .if \kind == 6
    add     r1, r1, #2048
  .elseif table_offset == 0
    .set    table_offset, 864
  .else
    .set    table_offset, 0
    add     r1, r1, #1728
  .endif
.endm

/* A word while r5 to r12 are free: leaves a pair (r7, r5) of weight 2 and a pair (r8, r6) of weight 4. */
.macro FIRST_WORD kind
    LOAD \kind, r11
    OFFSETS_LOW \kind, r11
    GROUP \kind, 0, r5, r6, r11
    GROUP \kind, 1, r7, r8, r11
    eors    r7, r7, r5
    eor     r8, r8, r6
    OFFSETS_HIGH \kind, r11
    GROUP \kind, 2, r9, r10, r11
    GROUP \kind, 3, r11, r12, r11
    eor     r11, r11, r9
    eor     r12, r12, r10
    ADD_PAIRS r2, r5, r7, r9, r11
    ADD_PAIRS r3, r6, r8, r10, r12
    NEXT_TABLES \kind
.endm

/* The word after it: leaves a pair (r6, r8) of weight 8 and a pair (r9, r11) of weight 4. */
.macro SECOND_WORD kind
    LOAD \kind, r12
    OFFSETS_LOW \kind, r12
    GROUP \kind, 0, r9, r10, r12
    GROUP \kind, 1, r11, r12, r12
    eor     r11, r11, r9
    eor     r12, r12, r10
    ADD_PAIRS r3, r7, r5, r10, r12
    ADD_PAIRS r4, r8, r6, r5, r7
    RELOAD \kind, r12
    OFFSETS_HIGH \kind, r12
    GROUP \kind, 2, r5, r10, r12
    GROUP \kind, 3, r7, r12, r12
    eors    r7, r7, r5
    eor     r12, r12, r10
    ADD_PAIRS r2, r9, r11, r5, r7
    ADD_PAIRS r3, r11, r9, r10, r12
    NEXT_TABLES \kind
.endm

/* Half a block, first of a run: two pairs, of which one has a single carry, and a pair of zeros. */
.macro HALF_BLOCK kind
    .set    table_offset, 0
    FIRST_WORD \kind
    SECOND_WORD \kind
    ADD_PAIR r4, r9, r11, r9
    movs    r5, #0
    movs    r7, #0
    mov     r10, r9
    push    {r5, r7, r9, r10}
    strd    r6, r8, [sp, #-8]!
    ldr     pc, [sp, #NEXT]
.endm

.macro BLOCK kind
    .set    table_offset, 0
    FIRST_WORD \kind
    SECOND_WORD \kind
    strd    r6, r8, [sp, #-8]!
    strd    r9, r11, [sp, #-8]!
    FIRST_WORD \kind
    SECOND_WORD \kind
    ldrd    r5, r7, [sp]
    ADD_PAIRS r4, r9, r11, r5, r7
    strd    r11, r9, [sp]
    strd    r6, r8, [sp, #-8]!
    ldr     pc, [sp, #NEXT]
.endm

/* The next output: its planes 0 to 2, and the first tables. */
.macro START
    ldrd    r5, r1, [sp, #STATE]
    ldm     r5, {r2, r3, r4}
    ldr     pc, [sp, #ENTRY]
.endm

    .balign 4
six_output:
    START
six_block:
    BLOCK 6
six_half:
    HALF_BLOCK 6

three_output:
    START
three_block:
    BLOCK 3
three_half:
    HALF_BLOCK 3

/*
 * Planes 3 to 8 in r1 to r6, the pairs of the blocks, last one first, on the stack. What is added to plane 8 is left in
 * r8: it may carry to plane 9.
 */
.macro LOAD_PLANES blocks
    ldr     r7, [sp, #(STATE + 24 * \blocks)]
    stm     r7!, {r2, r3, r4}
    ldm     r7, {r1-r6}
    pop     {r7, r8, r9, r10}
    ADD_PAIRS r1, r7, r8, r9, r10            /* weight 16: (r8, r7) */
.endm

one_block:
    LOAD_PLANES 1
    pop     {r9, r10}
    ADD_PAIR r1, r9, r10, r9                /* weight 16: r9 */
    ADD_PAIR r2, r8, r7, r8                 /* weight 32: r8 */
    ADD_ONE r2, r9                          /* weight 32: r9 */
    ADD_TWO r3, r8, r9, r10
    ADD_ONE r4, r8
    ADD_ONE r5, r8
    ldr     pc, [sp, #STORE]

two_blocks:
    LOAD_PLANES 2
    pop     {r9-r12}
    ADD_PAIRS r1, r9, r10, r11, r12          /* weight 16: (r10, r9) */
    ADD_PAIRS r2, r8, r7, r10, r9            /* weight 32: (r7, r8) */
    pop     {r9-r12}
    ADD_PAIRS r1, r9, r10, r11, r12          /* weight 16: (r10, r9) */
    ADD_PAIR r2, r10, r9, r10               /* weight 32: r10 */
    ADD_PAIR r3, r7, r8, r8                 /* weight 64: r8 */
    ADD_ONE r3, r10
    ADD_TWO r4, r8, r10, r9
    ADD_ONE r5, r8
    ldr     pc, [sp, #STORE]

/* Planes 3 to 8 to the state; r7 moves on. */
.macro STORE_PLANES
    ldr     r7, [sp, #STATE]
    adds    r7, #12
    stm     r7!, {r1-r6}
.endm
/* The carry in r8 goes through three planes more. */
.macro THREE_MORE
    ldm     r7, {r1, r2, r3}
    ADD_ONE r1, r8
    ADD_ONE r2, r8
    ADD_ONE r3, r8
    stm     r7!, {r1, r2, r3}
.endm
/* The next output at r7, or the end. */
.macro NEXT_OUTPUT kind
    ldr     r8, [sp, #END]
    str     r7, [sp, #STATE]
    cmp     r7, r8
  .if \kind == 6
    bne     six_output
  .else
    bne     three_output
  .endif
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
.endm

.macro STORES kind, name
\name\()_nine:
    eors    r6, r6, r8
    STORE_PLANES
    NEXT_OUTPUT \kind
\name\()_fifteen:
    ADD_ONE r6, r8
    STORE_PLANES
    THREE_MORE
    THREE_MORE
    NEXT_OUTPUT \kind
\name\()_twelve:
    ADD_ONE r6, r8
    STORE_PLANES
    THREE_MORE
    NEXT_OUTPUT \kind
.endm
    STORES 6, six
    STORES 3, three

/* What runs need: a block, the start of an output, half a block, and how 9, 12 and 15 planes are stored. */
.macro ADDRESSES name
    .balign 4
\name\()_addresses:
    .word   \name\()_block + 1, \name\()_output + 1, \name\()_half + 1, \name\()_nine + 1, \name\()_twelve + 1, \name\()_fifteen + 1
.endm
    ADDRESSES six
    ADDRESSES three

.macro ENTRY_POINT name, addresses
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    adr     r12, \addresses
    b       begin
.endm
    ENTRY_POINT bitloom_conv_planes_add_sixes, six_addresses
    ENTRY_POINT bitloom_conv_planes_add_threes, three_addresses

begin:
    push    {r4-r11, lr}
    sub     sp, sp, #FRAME
    ldm     r12, {r4-r9}
    ldr     r1, [r0, #RUN_WORDS]
    ldr     r2, [r0, #RUN_OUTPUTS]
    ldr     r3, [r0, #RUN_PLANES]
    cmp     r3, #12
    it      eq
    moveq   r7, r8
    it      hi
    movhi   r7, r9
    tst     r1, #2
    it      eq
    moveq   r6, r4
    strd    r7, r6, [sp, #STORE]
    adr     r9, one_block
    adr     r10, two_blocks
    orr     r9, r9, #1
    orr     r10, r10, #1
    cmp     r1, #4
    it      hi
    movhi   r9, r4
    str     r9, [sp, #(NEXT - 24)]
    str     r10, [sp, #(NEXT - 48)]
    ldr     r6, [r0, #RUN_STATE]
    ldr     r7, [r0, #RUN_TABLES]
    muls    r2, r3, r2
    add     r8, r6, r2, lsl #2
    add     r7, r7, #BIAS
    strd    r6, r7, [sp, #STATE]
    str     r8, [sp, #END]
    ldr     r0, [r0, #RUN_WEIGHTS]
#ifdef __ARM_FEATURE_DSP
    ldr     lr, =MASK
#else
    mov     lr, #MASK
#endif
    bx      r5
    .ltorg

#endif
