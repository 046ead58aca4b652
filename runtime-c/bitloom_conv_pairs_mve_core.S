/*
 * MVE inner loop of bitloom_conv_pairs_mve: one function for each lane size.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * q0, q1, q2 are planes 0, 1, 2 of the sum during a step; higher planes are in memory. Carries of one weight travel in
 * pairs (x, p): x is one carry, p that carry xor the other, which saves operations in the adders.
 */
#if defined(__ARM_FEATURE_MVE) && !defined(BITLOOM_PORTABLE)
    .syntax unified
    .thumb
    .text

/* Members of bitloom_conv_pairs_mve_step. */
    .equ STEP_TABLES, 0
    .equ STEP_PLANES, 4
    .equ STEP_ENTRY_BYTES, 8
    .equ STEP_WORDS, 12
    .equ STEP_HALF, 16
    .equ STEP_PLANE_COUNT, 20
    .equ STEP_CLEAR_COUNT, 24
    .equ STEP_SHIFTS, 28
    .equ STEP_BYTES, 36

/* Stack during a function. */
    .equ RIPPLE, 0 /* where the ripple of this step starts, for a carry of weight 32 */
    .equ HALF, 4   /* whether a half word is still to be added */
    .equ FILLS, 8
    .equ STEP, 12
    .equ END, 16

/* Instructions of one plane of the ripple, in bytes. */
    .equ RIPPLE_BYTES, 16

/* r0: weights, r1: table addresses, r3: entry bytes, r12: planes. Addresses of 4 entries -> r4 to r7, of 4 more -> r8 to r11. */
.macro ADDRESSES_OF_WORD
    vldrb.u32 q3, [r0], #4      /* lane j: byte j, group j low and group j + 4 high */
    vldrw.u32 q5, [r1], #16
    vshr.u32 q4, q3, #4
    vbic.i32 q3, #0xf0
    vldrw.u32 q6, [r1], #16
    vmla.u32 q5, q3, r3
    vmla.u32 q6, q4, r3
    vmov r6, r4, q5[2], q5[0]
    vmov r7, r5, q5[3], q5[1]
    vmov r10, r8, q6[2], q6[0]
    vmov r11, r9, q6[3], q6[1]
.endm

.macro ADDRESSES_OF_HALF
    vldrb.u32 q3, [r0], #4
    vldrw.u32 q5, [r1], #16
    vmla.u32 q5, q3, r3
    vmov r6, r4, q5[2], q5[0]
    vmov r7, r5, q5[3], q5[1]
.endm

/* q0 + u + 2 v of the entry at \address -> q0, carry in q\u. u and v, never both 1, go to q\u and q\v. */
.macro ADD_GROUP bits, u, v, address
    vld20.\bits {q\u, q\v}, [\address]
    vld21.\bits {q\u, q\v}, [\address]
    veor q0, q0, q\u
    vbic q\u, q\u, q0
    vorr q\u, q\u, q\v
.endm

/* q\z + x + y -> q\z, carry in q\x, with q\p = x ^ y. */
.macro ADD_PAIR z, x, p
    veor q\x, q\x, q\z
    veor q\z, q\z, q\p
    vorr q\x, q\x, q\p
    veor q\x, q\x, q\z
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

/* The entries at r4 to r7 -> q0, q1, q2, carry of weight 8 in q3. */
.macro ADD_FIRST_QUAD bits
    ADD_GROUP \bits, 3, 4, r4
    ADD_GROUP \bits, 4, 5, r5
    veor q4, q4, q3
    ADD_GROUP \bits, 5, 6, r6
    ADD_GROUP \bits, 6, 7, r7
    veor q6, q6, q5
    ADD_PAIRS 1, 3, 4, 5, 6
    veor q4, q4, q2             /* as ADD_PAIR, with the carry in q3 */
    veor q2, q2, q3
    vorr q4, q4, q3
    veor q3, q4, q2
.endm

/* The entries at r8 to r11: a second carry of weight 8; both as the pair q3, q4. No register for a second pair. */
.macro ADD_SECOND_QUAD bits
    ADD_GROUP \bits, 4, 5, r8
    ADD_GROUP \bits, 5, 6, r9
    veor q5, q5, q4
    ADD_PAIR 1, 4, 5
    ADD_GROUP \bits, 5, 6, r10
    ADD_GROUP \bits, 6, 7, r11
    veor q6, q6, q5
    ADD_PAIR 1, 5, 6
    veor q5, q5, q4
    ADD_PAIR 2, 4, 5
    veor q4, q4, q3
.endm

.macro ADD_WORD bits
    ADDRESSES_OF_WORD
    ADD_FIRST_QUAD \bits
    ADD_SECOND_QUAD \bits
.endm

/* Adds the carry q3 to the plane at r4. RIPPLE_BYTES bytes. */
.macro ADD_TO_PLANE
    vldrw.u32 q4, [r4]
    veor q5, q4, q3
    vbic q3, q3, q5
    vstrw.u32 q5, [r4], #16
.endm

/* Adds the carry q3, of weight 2^plane, to the planes from there to the last: enters the row of ADD_TO_PLANE at \row. */
.macro RIPPLE_FROM plane, row
    ldr r2, [sp, #RIPPLE]
    add r4, r12, #16 * \plane
    .if \plane != 5
    sub r2, r2, #RIPPLE_BYTES * (5 - \plane)
    .endif
    bx r2
.endm

.macro SUM_FUNCTION bits
    .balign 4
    .global bitloom_conv_pairs_mve_sum\bits
    .type bitloom_conv_pairs_mve_sum\bits, %function
    .thumb_func
bitloom_conv_pairs_mve_sum\bits:
    vpush {d8-d15}
    push {r0-r11, lr}
    sub sp, sp, #4

.Lstep\bits:
    ldr r2, [sp, #STEP]
    ldr r12, [r2, #STEP_PLANES]
    ldr r4, [r2, #STEP_CLEAR_COUNT]
    ldrd r5, r6, [r2, #STEP_HALF] /* and the count of planes */
    str r5, [sp, #HALF]
    cbz r4, 1f
    sub r4, r4, #3
    vmov.i32 q0, #0
    vmov.i32 q1, #0
    vmov.i32 q2, #0
    add r7, r12, #48
    dls lr, r4
0:  vstrw.u32 q0, [r7], #16
    le lr, 0b
    b 2f
1:  vldrw.u32 q0, [r12]
    vldrw.u32 q1, [r12, #16]
    vldrw.u32 q2, [r12, #32]
2:
    /* The row of ADD_TO_PLANE ends in one place: fewer planes start later.. */
    adr r7, .Lend_of_row\bits
    add r7, r7, #1
    sub r6, r6, #5
    sub r7, r7, r6, lsl #4
    str r7, [sp, #RIPPLE]
    ldr r3, [r2, #STEP_ENTRY_BYTES]
    ldr r1, [r2, #STEP_TABLES]
    ldr r7, [r2, #STEP_WORDS]
    lsrs lr, r7, #1
    beq .Lodd_word\bits

    .balign 4
.Ltwo_words\bits:
    ADD_WORD \bits
    vstrw.u32 q3, [r12, #-32]
    vstrw.u32 q4, [r12, #-16]
    ADD_WORD \bits
    vldrw.u32 q5, [r12, #-32]
    vldrw.u32 q6, [r12, #-16]
    vldrw.u32 q7, [r12, #48]
    ADD_PAIRS 7, 5, 6, 3, 4
    vstrw.u32 q7, [r12, #48]
    vldrw.u32 q7, [r12, #64]
    ADD_PAIR 7, 6, 5
    vstrw.u32 q7, [r12, #64]
    vmov q3, q6
    RIPPLE_FROM 5

    /* Up to 11 planes: 3 to 13. An entry comes back by lr: more words, none, or 0 for the last. */
    .rept 11
    ADD_TO_PLANE
    .endr
.Lend_of_row\bits:
    subs lr, lr, #1
    bhi .Ltwo_words\bits        /* another pair of words */
    bcc .Lhalf_word\bits        /* the odd word or the half word was added: lr was 0 */

.Lodd_word\bits:
    ldr r2, [sp, #STEP]
    ldr r7, [r2, #STEP_WORDS]
    lsls r7, r7, #31
    beq .Lhalf_word\bits
    ADD_WORD \bits
    vldrw.u32 q7, [r12, #48]
    ADD_PAIR 7, 3, 4
    vstrw.u32 q7, [r12, #48]
    mov lr, #0
    RIPPLE_FROM 4

.Lhalf_word\bits:
    ldr r2, [sp, #HALF]
    cmp r2, #0
    beq .Lstep_done\bits
    mov r2, #0
    str r2, [sp, #HALF]
    ADDRESSES_OF_HALF
    ADD_FIRST_QUAD \bits
    mov lr, #0
    RIPPLE_FROM 3

.Lstep_done\bits:
    vstrw.u32 q0, [r12]
    vstrw.u32 q1, [r12, #16]
    vstrw.u32 q2, [r12, #32]
    ldr r2, [sp, #STEP]
    ldr r4, [r2, #STEP_SHIFTS]
    cmp r4, #0
    beq .Lnext_step\bits
    ldr r7, [sp, #FILLS]
    ldr r6, [r2, #STEP_PLANE_COUNT]
    ldrh r8, [r7], #2
    str r7, [sp, #FILLS]
    blt .Lshift_down\bits

    /* Bit b of the fill enters plane b of every lane. */
.Lshift_up\bits:
    mov r7, r12
    mov r9, r8
    dls lr, r6
0:  vldrw.u32 q0, [r7]
    vdup.32 q1, r9
    .if \bits < 32
    vdup.\bits q1, r9
    .endif
    lsr r9, r9, #1
    vsli.\bits q1, q0, #1
    vstrw.u32 q1, [r7], #16
    le lr, 0b
    subs r4, r4, #1
    bne .Lshift_up\bits
    b .Lnext_step\bits

.Lshift_down\bits:
    mov r7, r12
    ror r9, r8, #33 - \bits
    dls lr, r6
0:  vldrw.u32 q0, [r7]
    vdup.\bits q1, r9
    ror r9, r9, #1
    vsri.\bits q1, q0, #1
    vstrw.u32 q1, [r7], #16
    le lr, 0b
    adds r4, r4, #1
    bne .Lshift_down\bits

.Lnext_step\bits:
    ldrd r2, r3, [sp, #STEP]
    add r2, r2, #STEP_BYTES
    str r2, [sp, #STEP]
    cmp r2, r3
    bne .Lstep\bits
    add sp, sp, #4
    pop {r0-r11, lr}
    vpop {d8-d15}
    bx lr
    .size bitloom_conv_pairs_mve_sum\bits, . - bitloom_conv_pairs_mve_sum\bits
.endm

    SUM_FUNCTION 8
    SUM_FUNCTION 16
    SUM_FUNCTION 32
#endif
