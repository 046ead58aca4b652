/*
 * Inner loops of bitloom_conv_pairs for cores with Thumb-1 only (Armv6-M, Armv8-M Baseline): the same contract as
 * bitloom_conv_pairs_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * Eight registers take part in arithmetic, which has two operands; the high ones only keep words. Still nothing is spilled
 * within 16 inputs: an entry (u, v) is loaded over its own address, the sum of u goes to plane 0, and the carry stays in
 * v. Four such carries are two pairs (a, a ^ b), for one adder of 9 operations (ADD_PAIRS).
 * Registers while weight words are summed:
 *   r1 table of the group   r2 plane 0           r7 offsets of 4 groups, a byte each
 *   r8 plane 1              r9 plane 2           r0, r3 to r6 work
 *   r10 end of the tables' list, lr the list     r11 frame         r12 weights
 *
 * With the pairs of 9 words: frame: bitloom_conv_pairs_single 200, frame: bitloom_conv_pairs_first 200,
 * frame: bitloom_conv_pairs_middle 200, frame: bitloom_conv_pairs_last 200, frame: bitloom_conv_pairs_tables 36.
 */
#include "bitloom_conv_pairs_arch.h"

#ifdef BITLOOM_CONV_PAIRS_ASSEMBLY_V6M
    .syntax unified
    .thumb
    .text

/* bitloom_conv_pairs_run */
    .equ RUN_WEIGHTS, 0
    .equ RUN_TABLES, 4
    .equ RUN_WORDS, 8
    .equ RUN_OUTPUTS, 12
    .equ RUN_PLANES, 16
    .equ RUN_THRESHOLDS, 20
    .equ RUN_LOW, 24
    .equ RUN_HIGH, 28
    .equ RUN_STATE, 32
    .equ RUN_RESULTS, 36

/* Modes: where counters come from and go to. */
    .equ FROM_STATE, 1
    .equ TO_STATE, 2

/* The frame. */
    .equ MODE, 0
    .equ RUN, 4
    .equ OUTPUTS, 8
    .equ COUNTER, 12 /* the output's counter: in the state, or `OWN` */
    .equ THRESHOLD, 16
    .equ RESULT, 20
    .equ REACHED, 24
    .equ OWN, 28     /* 12 planes */
    .equ FRAME, OWN + 48
    .if (FRAME + 36) % 8 != 0
    .error "the stack is not aligned"
    .endif

/* plane 0 + u + 2 v -> plane 0, carry in \v. u and v, never both 1, were loaded. */
.macro ADD_ENTRY u, v
    eors r2, \u
    bics \u, r2
    orrs \v, \u
.endm

/*
 * \z + two pairs -> \z and a pair of carries, first in \d, difference in \a: as in bitloom_conv_pairs_core_v7m.S, with one move
 * more for two operands. Changes \b.
 */
.macro ADD_PAIRS z, a, d, b, f
    eors \a, \z
    eors \z, \d
    orrs \a, \d
    movs \d, \a
    eors \d, \z
    eors \b, \z
    bics \b, \f
    eors \z, \f
    eors \a, \b
.endm

/* \z + the pair (\a, \d) -> \z, carry in \a. */
.macro ADD_PAIR z, a, d
    eors \a, \z
    eors \z, \d
    orrs \a, \d
    eors \a, \z
.endm

/* The 4 groups whose offsets are in r7, from the table r1 on: planes 0 and 1, carries as the pair r6, r5. */
.macro ADD_QUAD
    uxtb r4, r7
    adds r4, r4, r1
    ldm r4, {r4, r5}
    ADD_ENTRY r4, r5
    lsrs r7, r7, #8
    uxtb r4, r7
    adds r1, #128
    adds r4, r4, r1
    ldm r4, {r4, r6}
    ADD_ENTRY r4, r6
    eors r6, r5
    lsrs r7, r7, #8
    uxtb r4, r7
    adds r1, #128
    adds r4, r4, r1
    ldm r4, {r0, r4}
    ADD_ENTRY r0, r4
    lsrs r3, r7, #8
    adds r1, #128
    adds r3, r3, r1
    ldm r3, {r0, r3}
    ADD_ENTRY r0, r3
    eors r3, r4
    mov r0, r8
    ADD_PAIRS r0, r5, r6, r4, r3
    mov r8, r0
.endm

    .global bitloom_conv_pairs_single
    .type bitloom_conv_pairs_single, %function
    .thumb_func
bitloom_conv_pairs_single:
    movs r1, #0
    b run_outputs
    .global bitloom_conv_pairs_first
    .type bitloom_conv_pairs_first, %function
    .thumb_func
bitloom_conv_pairs_first:
    movs r1, #TO_STATE
    b run_outputs
    .global bitloom_conv_pairs_middle
    .type bitloom_conv_pairs_middle, %function
    .thumb_func
bitloom_conv_pairs_middle:
    movs r1, #(FROM_STATE | TO_STATE)
    b run_outputs
    .global bitloom_conv_pairs_last
    .type bitloom_conv_pairs_last, %function
    .thumb_func
bitloom_conv_pairs_last:
    movs r1, #FROM_STATE

/* r0: run, r1: mode. */
    .type run_outputs, %function
    .thumb_func
run_outputs:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    sub sp, #FRAME
    str r1, [sp, #MODE]
    str r0, [sp, #RUN]
    ldr r2, [r0, #RUN_OUTPUTS]
    str r2, [sp, #OUTPUTS]
    ldr r2, [r0, #RUN_THRESHOLDS]
    str r2, [sp, #THRESHOLD]
    ldr r2, [r0, #RUN_RESULTS]
    str r2, [sp, #RESULT]
    ldr r2, [r0, #RUN_WEIGHTS]
    mov r12, r2
    mov r11, sp
    ldr r2, [r0, #RUN_STATE]
    cmp r1, #0
    bne 1f
    add r2, sp, #OWN
1:  str r2, [sp, #COUNTER]

next_output:
    ldr r6, [sp, #RUN]
    ldr r7, [sp, #COUNTER]
    ldr r1, [sp, #MODE]
    lsrs r1, r1, #1
    bcs load_counter
    /* The version of the threshold's low bits, and the same high planes for all. */
    ldr r4, [sp, #THRESHOLD]
    ldrh r4, [r4]
    lsls r4, r4, #28
    lsrs r4, r4, #24
    ldr r5, [r6, #RUN_LOW]
    adds r4, r4, r5
    ldm r4!, {r2, r3, r5}
    mov r8, r3
    mov r9, r5
    ldr r1, [r6, #RUN_PLANES]
    subs r1, #3
    ldr r5, [r6, #RUN_HIGH]
    adds r7, #12
1:  ldm r5!, {r0}
    stm r7!, {r0}
    subs r1, #1
    bne 1b
    b sum_words
load_counter:
    ldm r7!, {r2, r3, r5}
    mov r8, r3
    mov r9, r5

sum_words:
    ldr r3, [r6, #RUN_TABLES]
    mov lr, r3
    ldr r0, [r6, #RUN_WORDS]
    lsls r0, r0, #2
    adds r3, r3, r0
    mov r10, r3

next_word:
    mov r0, lr
    ldm r0!, {r1}
    mov lr, r0
    mov r0, r12
    ldm r0!, {r7}
    mov r12, r0
    movs r0, #4
    movs r3, r7
    rors r3, r0
    ldr r0, mask
    ands r7, r0
    ands r3, r0
    push {r3}
    ADD_QUAD
    adds r1, #128
    pop {r7}
    push {r5, r6}
    ADD_QUAD
    pop {r3, r4}                /* the pair of the first four, r4 and r3 */
    mov r0, r9
    ADD_PAIRS r0, r4, r3, r6, r5
    mov r9, r0
    push {r3, r4}               /* the word's pair of carries of weight 8 */
    cmp lr, r10
    bne next_word

    /* Planes 0 to 2 to the counter; then r7 is at plane 3. */
    mov r0, r11
    ldr r7, [r0, #COUNTER]
    ldr r5, [r0, #RUN]
    mov r3, r8
    mov r4, r9
    stm r7!, {r2, r3, r4}
    /* Where the row of additions below starts for a carry to plane 5. */
    ldr r5, [r5, #RUN_PLANES]
    subs r5, #5
    lsls r5, r5, #3
    ldr r1, =end_of_row + 1
    subs r1, r1, r5
    /* Pairs are on the stack, up to the frame. */
    mov r3, sp
    subs r0, r0, r3
    lsrs r0, r0, #4
    bcc two_pairs
    pop {r3, r4}
    ldr r0, [r7]
    ADD_PAIR r0, r3, r4
    str r0, [r7]
    movs r4, r3
    movs r5, r7
    adds r5, #4
    subs r1, #8
    mov r8, r1
    adds r1, #8
    bx r8

two_pairs:
    pop {r3, r4, r5, r6}
    ldr r0, [r7]
    ADD_PAIRS r0, r3, r4, r5, r6
    str r0, [r7]
    ldr r0, [r7, #4]
    ADD_PAIR r0, r4, r3
    str r0, [r7, #4]
    movs r5, r7
    adds r5, #8
    bx r1
    /* The carry r4 to planes from r5 on: up to 8, from 4 to 11. */
    .rept 8
    ldr r0, [r5]
    eors r0, r4
    bics r4, r0
    stm r5!, {r0}
    .endr
end_of_row:
    mov r0, sp
    cmp r0, r11
    bne two_pairs

    ldr r6, [sp, #RUN]
    ldr r1, [sp, #MODE]
    cmp r1, #TO_STATE
    bhs output_done
    /* Plane by plane: planes 3 and up against t / 16; where they are equal, the version's last word decides. */
    ldr r5, [sp, #THRESHOLD]
    ldrh r4, [r5]
    lsls r2, r4, #28
    lsrs r2, r2, #24
    ldr r0, [r6, #RUN_LOW]
    adds r2, r2, r0
    ldr r2, [r2, #12]
    lsrs r4, r4, #4
    ldr r1, [r6, #RUN_PLANES]
    subs r1, #3
1:  ldm r7!, {r0}
    lsrs r4, r4, #1
    sbcs r3, r3                 /* all ones where the bit is 0 */
    movs r5, r0
    orrs r5, r2
    ands r5, r3
    ands r2, r0
    orrs r2, r5
    subs r1, #1
    bne 1b
    ldr r0, [sp, #RESULT]
    stm r0!, {r2}
    str r0, [sp, #RESULT]

output_done:
    ldr r0, [sp, #THRESHOLD]
    adds r0, #2
    str r0, [sp, #THRESHOLD]
    ldr r0, [sp, #MODE]
    cmp r0, #0
    beq 1f
    ldr r0, [r6, #RUN_PLANES]
    lsls r0, r0, #2
    ldr r1, [sp, #COUNTER]
    adds r1, r1, r0
    str r1, [sp, #COUNTER]
1:  ldr r0, [sp, #OUTPUTS]
    subs r0, #1
    str r0, [sp, #OUTPUTS]
    beq 2f
    b next_output
2:  add sp, #FRAME
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .balign 4
mask:
    .word 0x78787878
    .ltorg
    .size run_outputs, . - run_outputs

/* The entries (u, v) of the 4 F of the first pair in r4 to r7 and F of the second in r0, to r1. */
.macro STORE_ENTRIES
    .irp f, r4, r5, r6, r7
    movs r2, \f
    movs r3, \f
    eors r2, r0
    ands r3, r0
    stm r1!, {r2, r3}
    .endr
.endm

/* void bitloom_conv_pairs_tables(line, groups, rotate, mask, tables) */
    .global bitloom_conv_pairs_tables
    .type bitloom_conv_pairs_tables, %function
    .thumb_func
bitloom_conv_pairs_tables:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    mov r8, r0                  /* line */
    mov r10, r2                 /* rotate */
    mov r11, r3                 /* mask */
    mov r12, r1                 /* groups */
    ldr r1, [sp, #36]
next_group:
    mov r0, r8
    ldm r0!, {r4, r5, r6, r7}
    mov r8, r0
    mov r0, r10
    rors r4, r0
    rors r5, r0
    rors r6, r0
    rors r7, r0
    mov r0, r11
    ands r4, r0
    ands r5, r0
    ands r6, r0
    ands r7, r0
    mov r9, r6                  /* x and y of the second pair */
    mov lr, r7
    movs r7, r4
    ands r7, r5                 /* x & y */
    movs r6, r4
    mvns r6, r6
    orrs r6, r5                 /* y | ~x */
    movs r2, r5
    mvns r2, r2
    movs r5, r4
    orrs r5, r2                 /* x | ~y */
    mvns r4, r4
    ands r4, r2                 /* ~(x | y) */
    mov r0, r9
    mov r2, lr
    orrs r0, r2
    mvns r0, r0
    STORE_ENTRIES
    mov r0, lr
    mvns r0, r0
    mov r2, r9
    orrs r0, r2
    STORE_ENTRIES
    mov r0, r9
    mvns r0, r0
    mov r2, lr
    orrs r0, r2
    STORE_ENTRIES
    mov r0, r9
    mov r2, lr
    ands r0, r2
    STORE_ENTRIES
    mov r0, r12
    subs r0, #1
    mov r12, r0
    bne next_group
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .size bitloom_conv_pairs_tables, . - bitloom_conv_pairs_tables
#endif
