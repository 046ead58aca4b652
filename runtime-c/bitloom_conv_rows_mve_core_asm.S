/*
 * MVE inner loop of bitloom_conv_rows_mve.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * q0, q1, q2 are planes 0, 1, 2 of the sum; plane 3 is in memory; carries of weight 16 are kept and added in the end.
 * Carries of one weight travel in pairs (x, p): x is one carry, p that carry xor the other, which saves operations in
 * the adders.
 *
 * frame: bitloom_conv_rows_mve_add 120
 */
#if defined(__ARM_FEATURE_MVE) && !defined(BITLOOM_PORTABLE_C)
    .syntax unified
    .thumb
    .text

/* Members of bitloom_conv_rows_mve_job. */
    .equ JOB_LIST, 0 /* and the sum */
    .equ JOB_SIXTEENS, 8
    .equ JOB_CARRY_PAIRS, 12
    .equ JOB_CARRIES, 16
    .equ JOB_MORE_PLANES, 20

/* q\z + x + y -> q\z, carry in q\carry. Changes q\x; q\p = x ^ y. */
.macro ADD_PAIR z, x, p, carry
    veor q\x, q\x, q\z
    veor q\z, q\z, q\p
    vorr q\x, q\x, q\p
    veor q\carry, q\x, q\z
.endm

/* q\z + x1 + y1 + x2 + y2 -> q\z, two carries: one in q\p1, xor of both in q\x1. Changes q\x2. */
.macro ADD_PAIRS z, x1, p1, x2, p2
    veor q\x1, q\x1, q\z
    veor q\z, q\z, q\p1
    vorr q\x1, q\x1, q\p1
    veor q\p1, q\x1, q\z
    veor q\x2, q\x2, q\z
    vbic q\x2, q\x2, q\p2
    veor q\z, q\z, q\p2
    veor q\x1, q\x1, q\x2
.endm

/* x and p of two rows. */
.macro LOAD_PAIR x, p, first, second
    vldrw.u32 q\x, [\first], #16
    vldrw.u32 q\p, [\second], #16
    veor q\p, q\p, q\x
.endm

/* 8 rows -> q0, q1, q2, carry of weight 8 in q3. */
.macro ADD_EIGHT
    ldm r0, {r4-r11}
    LOAD_PAIR 3, 4, r4, r5
    LOAD_PAIR 5, 6, r6, r7
    ADD_PAIRS 0, 3, 4, 5, 6
    LOAD_PAIR 5, 6, r8, r9
    ADD_PAIR 0, 5, 6, 5
    LOAD_PAIR 6, 7, r10, r11
    ADD_PAIR 0, 6, 7, 6
    veor q6, q6, q5
    ADD_PAIRS 1, 4, 3, 5, 6
    ADD_PAIR 2, 3, 4, 3
    stm r0!, {r4-r11}
.endm

    .balign 4
    .global bitloom_conv_rows_mve_add
    .type bitloom_conv_rows_mve_add, %function
    .thumb_func
bitloom_conv_rows_mve_add:
    vpush {d8-d15}
    push {r4-r11, lr}
    sub sp, sp, #20
    mov r3, r0
    ldrd r0, r1, [r3, #JOB_LIST]
    ldr lr, [r3, #JOB_SIXTEENS]
    ldr r2, [r3, #JOB_CARRIES]
    vldrw.u32 q0, [r1]
    vldrw.u32 q1, [r1, #16]
    vldrw.u32 q2, [r1, #32]
1:  ADD_EIGHT
    vstrw.u32 q3, [sp]
    ADD_EIGHT
    vldrw.u32 q4, [sp]
    vldrw.u32 q5, [r1, #48]
    veor q4, q4, q3
    ADD_PAIR 5, 3, 4, 3
    vstrw.u32 q5, [r1, #48]
    vstrw.u32 q3, [r2], #16
    le lr, 1b
    vstrw.u32 q0, [r1]
    vstrw.u32 q1, [r1, #16]
    vstrw.u32 q2, [r1, #32]
    /* Carries, two at a time, to planes 4 to 8; at most one goes beyond: q2. */
    vmov.i32 q2, #0
    vstrw.u32 q2, [r2]
    ldrd lr, r2, [r3, #JOB_CARRY_PAIRS]
    vldrw.u32 q3, [r1, #64]
    vldrw.u32 q4, [r1, #80]
    vldrw.u32 q5, [r1, #96]
    vldrw.u32 q6, [r1, #112]
    vldrw.u32 q7, [r1, #128]
2:  vldrw.u32 q0, [r2], #16
    vldrw.u32 q1, [r2], #16
    veor q1, q1, q0
    ADD_PAIR 3, 0, 1, 1
    vand q0, q4, q1
    veor q4, q4, q1
    vand q1, q5, q0
    veor q5, q5, q0
    vand q0, q6, q1
    veor q6, q6, q1
    vand q1, q7, q0
    veor q7, q7, q0
    vorr q2, q2, q1
    le lr, 2b
    vstrw.u32 q3, [r1, #64]
    vstrw.u32 q4, [r1, #80]
    vstrw.u32 q5, [r1, #96]
    vstrw.u32 q6, [r1, #112]
    vstrw.u32 q7, [r1, #128]
    ldr r4, [r3, #JOB_MORE_PLANES]
    wls lr, r4, 4f
3:  vldrw.u32 q0, [r1, #144]
    vand q1, q0, q2
    veor q0, q0, q2
    vstrw.u32 q0, [r1, #144]
    vmov q2, q1
    adds r1, r1, #16
    le lr, 3b
4:  add sp, sp, #20
    pop {r4-r11, lr}
    vpop {d8-d15}
    bx lr
    .size bitloom_conv_rows_mve_add, . - bitloom_conv_rows_mve_add
#endif
