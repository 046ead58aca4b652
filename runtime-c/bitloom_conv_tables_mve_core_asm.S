/*
 * MVE inner loops of bitloom_conv_tables_mve.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * q0, q1, q2 are planes 0, 1, 2 of the sum; planes 3 and up are in memory; carries of weight 32 are kept and added in
 * the end. Carries of one weight travel in pairs (x, p): x is one carry, p that carry xor the other, which saves
 * operations in the adders. q7 holds the pixels' positions.
 *
 * frame: bitloom_conv_tables_mve_add 152, frame: bitloom_conv_tables_mve_tables 168,
 * frame: bitloom_conv_tables_mve_spread 56
 */
#if defined(__ARM_FEATURE_MVE) && !defined(BITLOOM_PORTABLE_C)
    .syntax unified
    .thumb
    .text

/* Members of bitloom_conv_tables_mve_job. */
    .equ JOB_LIST, 0 /* and the positions */
    .equ JOB_POSITIONS, 4
    .equ JOB_SUM, 8
    .equ JOB_SUM_STEP, 12
    .equ JOB_FOUR_FOURS, 16 /* and the fours after them */
    .equ JOB_CARRY_PAIRS, 24
    .equ JOB_CARRIES, 28 /* and their end */
    .equ JOB_PLANES, 36
    .equ JOB_IS_FIRST, 40
    .equ JOB_MASKS, 44
    .equ JOB_MASK_STEP, 48
    .equ JOB_THRESHOLDS, 52
    .equ JOB_RESULTS, 56
    .equ JOB_VECTORS, 60

/* The carries of weight 8 of three fours; then whether the sum reaches the threshold so far. */
    .equ FRAME, 48

/* q0 + u + 2 v of 4 inputs -> q0, carry in q\u: u and v are never both 1. r1: u of slot 0, r2: v. */
.macro ADD_QUAD u, v, index, image
    vldrb.u8 q\index, [\image, q7]
    vldrb.u8 q\u, [r1, q\index]
    vldrb.u8 q\v, [r2, q\index]
    veor q0, q0, q\u
    vbic q\u, q\u, q0
    vorr q\u, q\u, q\v
.endm

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

/* 16 inputs -> q0, q1, q2, carry of weight 8 in q3. The last quad takes q7: no register is left. */
.macro ADD_FOUR
    ldm r0!, {r1, r2, r4-r7}
    ADD_QUAD 3, 4, 5, r4
    ADD_QUAD 4, 5, 6, r5
    veor q4, q4, q3
    ADD_PAIR 1, 3, 4, 3
    ADD_QUAD 4, 5, 6, r6
    vldrb.u8 q5, [r7, q7]
    vldrb.u8 q6, [r1, q5]
    vldrb.u8 q7, [r2, q5]
    veor q0, q0, q6
    vbic q6, q6, q0
    vorr q6, q6, q7
    vldrw.u32 q7, [r9]
    veor q6, q6, q4
    ADD_PAIR 1, 4, 6, 4
    veor q4, q4, q3
    ADD_PAIR 2, 3, 4, 3
.endm

/* The next plane of A / 2, from a mask at r11. q3: ones, q4: zeros. */
.macro START_PLANE plane
    ldrh r4, [r11, #2]!
    vmsr p0, r4
    vpsel q\plane, q3, q4
.endm

/* q\reached = whether the number so far reaches the constant, by its next plane. r11: thresholds. Changes q\a, q\b. */
.macro COMPARE_PLANE plane, reached, a, b
    ldrb r5, [r11], #1
    vdup.8 q\b, r5
    veor q\a, q\plane, q\reached
    veor q\b, q\plane, q\b
    vand q\a, q\a, q\b
    veor q\reached, q\plane, q\a
.endm

/* Planes 9 and up: q0 + q2 -> q0, and the carry in q2. */
.macro MORE_PLANE
    vldrw.u32 q0, [r10, #144]
    vand q1, q0, q2
    veor q0, q0, q2
    vmov q2, q1
.endm

/* The same for planes 5 to 8; r4: planes that are left. */
.macro COMPARE_HIGH plane
    COMPARE_PLANE \plane, 7, 0, 1
    subs r4, r4, #1
    beq .Lreached
.endm

    .balign 4
    .global bitloom_conv_tables_mve_add
    .type bitloom_conv_tables_mve_add, %function
    .thumb_func
bitloom_conv_tables_mve_add:
    vpush {d8-d15}
    push {r4-r11, lr}
    sub sp, sp, #FRAME + 4
    mov r8, r0
.Lvector:
    ldrd r0, r9, [r8, #JOB_LIST]
    ldr r10, [r8, #JOB_SUM]
    ldr r12, [r8, #JOB_CARRIES]
    ldr r4, [r8, #JOB_IS_FIRST]
    cbz r4, .Lcontinue
    ldr r11, [r8, #JOB_MASKS]
    vmvn.i32 q3, #0
    vmov.i32 q4, #0
    START_PLANE 0
    START_PLANE 1
    START_PLANE 2
    START_PLANE 5
    vstrw.u32 q5, [r10, #48]
    START_PLANE 5
    vstrw.u32 q5, [r10, #64]
    ldr r5, [r8, #JOB_PLANES]
    subs r5, r5, #9
    bls .Lstarted
    adds r11, r11, #8
    add r6, r10, #144
0:  START_PLANE 5
    vstrw.u32 q5, [r6], #16
    subs r5, r5, #1
    bne 0b
    b .Lstarted
.Lcontinue:
    vldrw.u32 q0, [r10]
    vldrw.u32 q1, [r10, #16]
    vldrw.u32 q2, [r10, #32]
.Lstarted:
    vldrw.u32 q7, [r9]
    ldrd r4, r3, [r8, #JOB_FOUR_FOURS]
    wls lr, r4, 2f
1:  ADD_FOUR
    vstrw.u32 q3, [sp]
    ADD_FOUR
    vstrw.u32 q3, [sp, #16]
    ADD_FOUR
    vstrw.u32 q3, [sp, #32]
    ADD_FOUR
    vldrw.u32 q4, [sp, #32]
    vldrw.u32 q5, [sp, #16]
    vldrw.u32 q6, [sp]
    veor q4, q4, q3
    veor q6, q6, q5
    vldrw.u32 q7, [r10, #48]
    ADD_PAIRS 7, 3, 4, 5, 6
    vstrw.u32 q7, [r10, #48]
    vldrw.u32 q7, [r10, #64]
    ADD_PAIR 7, 4, 3, 3
    vstrw.u32 q7, [r10, #64]
    vstrw.u32 q3, [r12], #16
    vldrw.u32 q7, [r9]
    le lr, 1b
2:  vmov.i32 q6, #0
    wls lr, r3, .Ladded
    vstrw.u32 q6, [r12]
3:  ADD_FOUR
    vldrw.u32 q4, [r10, #48]
    vldrw.u32 q5, [r10, #64]
    veor q4, q4, q3
    vbic q3, q3, q4
    veor q5, q5, q3
    vbic q3, q3, q5
    vldrw.u32 q6, [r12]
    vstrw.u32 q4, [r10, #48]
    vstrw.u32 q5, [r10, #64]
    vorr q3, q3, q6
    vstrw.u32 q3, [r12]
    le lr, 3b
    vmov.i32 q6, #0
    adds r12, r12, #16
.Ladded:
    /* Carries are added two at a time. */
    vstrw.u32 q6, [r12]
    ldr r11, [r8, #JOB_THRESHOLDS]
    ldr r6, [r8, #JOB_MASKS]
    cmp r11, #0
    beq .Lstore_low
    /* At first 1 where A and t are odd, and where the output is always 1. */
    ldrh r4, [r6]
    ldrb r5, [r11], #1
    vmsr p0, r4
    vmov.i32 q4, #0
    vdup.8 q3, r5
    ldrb r5, [r11], #1
    vpsel q3, q3, q4
    vdup.8 q4, r5
    vorr q3, q3, q4
    COMPARE_PLANE 0, 3, 4, 5
    COMPARE_PLANE 1, 3, 4, 5
    COMPARE_PLANE 2, 3, 4, 5
    vldrw.u32 q0, [r10, #48]
    COMPARE_PLANE 0, 3, 4, 5
    vldrw.u32 q0, [r10, #64]
    COMPARE_PLANE 0, 3, 4, 5
    vstrw.u32 q3, [sp]
    b .Lhigh
.Lstore_low:
    vstrw.u32 q0, [r10]
    vstrw.u32 q1, [r10, #16]
    vstrw.u32 q2, [r10, #32]
.Lhigh:
    /* Carries to planes 5 to 8; at most one goes beyond: q2. */
    ldr r4, [r8, #JOB_IS_FIRST]
    ldrd lr, r12, [r8, #JOB_CARRY_PAIRS]
    vmov.i32 q2, #0
    cbz r4, .Lcontinue_high
    vmvn.i32 q7, #0
    .irp plane, 3, 4, 5, 6
    ldrh r4, [r6, #2 * \plane + 6]
    vmsr p0, r4
    vpsel q\plane, q7, q2
    .endr
    b 4f
.Lcontinue_high:
    vldrw.u32 q3, [r10, #80]
    vldrw.u32 q4, [r10, #96]
    vldrw.u32 q5, [r10, #112]
    vldrw.u32 q6, [r10, #128]
4:  vldrw.u32 q0, [r12], #16
    vldrw.u32 q1, [r12], #16
    veor q1, q1, q0
    ADD_PAIR 3, 0, 1, 1
    vand q0, q4, q1
    veor q4, q4, q1
    vand q1, q5, q0
    veor q5, q5, q0
    vand q0, q6, q1
    veor q6, q6, q1
    vorr q2, q2, q0
    le lr, 4b
    ldr r4, [r8, #JOB_PLANES]
    cmp r11, #0
    beq .Lstore_high
    vldrw.u32 q7, [sp]
    subs r4, r4, #5
    COMPARE_HIGH 3
    COMPARE_HIGH 4
    COMPARE_HIGH 5
    COMPARE_HIGH 6
5:  MORE_PLANE
    COMPARE_PLANE 0, 7, 4, 5
    adds r10, r10, #16
    subs r4, r4, #1
    bne 5b
.Lreached:
    ldr r5, [r8, #JOB_RESULTS]
    vstrw.u32 q7, [r5], #16
    str r5, [r8, #JOB_RESULTS]
.Lnext:
    adds r9, r9, #16
    str r9, [r8, #JOB_POSITIONS]
    ldr r4, [r8, #JOB_MASK_STEP]
    add r6, r6, r4
    str r6, [r8, #JOB_MASKS]
    ldrd r4, r5, [r8, #JOB_SUM]
    add r4, r4, r5
    str r4, [r8, #JOB_SUM]
    ldr r4, [r8, #JOB_VECTORS]
    subs r4, r4, #1
    str r4, [r8, #JOB_VECTORS]
    bne .Lvector
    add sp, sp, #FRAME + 4
    pop {r4-r11, lr}
    vpop {d8-d15}
    bx lr
.Lstore_high:
    vstrw.u32 q3, [r10, #80]
    vstrw.u32 q4, [r10, #96]
    vstrw.u32 q5, [r10, #112]
    vstrw.u32 q6, [r10, #128]
    subs r4, r4, #9
    bls .Lnext
6:  MORE_PLANE
    vstrw.u32 q0, [r10, #144]
    adds r10, r10, #16
    subs r4, r4, #1
    bne 6b
    b .Lnext
    .size bitloom_conv_tables_mve_add, . - bitloom_conv_tables_mve_add

/* F of 16 pairs, by their two input bits, to the stack: 4 bytes each. */
.macro WRITE_ROWS
    vldrb.u8 q4, [r0], #16
    vldrb.u8 q5, [r0], #16
    vand q0, q4, q5
    vmvn q0, q0
    vbic q1, q4, q5
    vbic q2, q5, q4
    vorr q3, q4, q5
    vst40.8 {q0, q1, q2, q3}, [sp]
    vst41.8 {q0, q1, q2, q3}, [sp]
    vst42.8 {q0, q1, q2, q3}, [sp]
    vst43.8 {q0, q1, q2, q3}, [sp]
.endm

/* u -> q2, v -> q3 of 4 inputs whose F are at \rows. */
.macro MAKE_TABLE rows
    vldrb.u8 q0, [\rows, q6]
    vldrb.u8 q1, [\rows, q7]
    veor q2, q0, q1
    vand q3, q0, q1
.endm

    .balign 4
.Lentry_bits:
    .word 0x03020100, 0x03020100, 0x03020100, 0x03020100 /* of the first pair */
    .word 0x04040404, 0x05050505, 0x06060606, 0x07070707 /* of the second, whose F follow */
    .global bitloom_conv_tables_mve_tables
    .type bitloom_conv_tables_mve_tables, %function
    .thumb_func
bitloom_conv_tables_mve_tables:
    vpush {d8-d15}
    push {r4-r11, lr}
    sub sp, sp, #68
    adr r4, .Lentry_bits
    vldrw.u32 q6, [r4]
    vldrw.u32 q7, [r4, #16]
    mov r4, sp
    add r5, sp, #8
    add r6, sp, #16
    add r7, sp, #24
    add r8, sp, #32
    add r9, sp, #40
    add r10, sp, #48
    add r11, sp, #56
    ldr lr, [sp, #168]
    cmp r3, #0
    bne 2f
    add r2, r2, r1
1:  WRITE_ROWS
    .irp rows, r4, r5, r6, r7, r8, r9, r10, r11
    MAKE_TABLE \rows
    vstrw.u32 q2, [r1], #16
    vstrw.u32 q3, [r2], #16
    .endr
    le lr, 1b
    b 3f
2:  WRITE_ROWS
    .irp rows, r4, r5, r6, r7, r8, r9, r10, r11
    MAKE_TABLE \rows
    ldrh r12, [r3], #2
    add r12, r12, r1
    vstrw.u32 q2, [r12]
    add r12, r12, r2
    vstrw.u32 q3, [r12]
    .endr
    le lr, 2b
3:  add sp, sp, #68
    pop {r4-r11, lr}
    vpop {d8-d15}
    bx lr
    .size bitloom_conv_tables_mve_tables, . - bitloom_conv_tables_mve_tables

/* q3: bits of a quad of channels. */
.macro SPREAD_QUAD
    ldrb r5, [r3], #1
    vadd.i8 q4, q3, r5
    vpst
    vstrbt.8 q4, [r1]
    vldrb.u8 q4, [r7, q3]
    vadd.i8 q0, q0, q4
    add r1, r1, r2
.endm

    .balign 4
    .global bitloom_conv_tables_mve_spread
    .type bitloom_conv_tables_mve_spread, %function
    .thumb_func
bitloom_conv_tables_mve_spread:
    vpush {d8-d11}
    push {r4-r7, r12, lr}
    mov r12, r0
    ldm r12!, {r0-r5}
    ldm r12, {r6, r7, r12}
    vctp.8 r5
    mov lr, #0
    vidup.u8 q1, lr, #1
    vmul.i8 q1, q1, r4
    vmov.i8 q5, #15
    vmov.i8 q0, #0
    lsrs r4, r6, #1
    wls lr, r4, 2f
1:  vpst
    vldrbt.u8 q2, [r0, q1]
    adds r0, r0, #1
    vand q3, q2, q5
    SPREAD_QUAD
    vshr.u8 q3, q2, #4
    SPREAD_QUAD
    le lr, 1b
2:  lsls r6, r6, #31
    beq 3f
    vpst
    vldrbt.u8 q2, [r0, q1]
    vand q3, q2, q5
    SPREAD_QUAD
3:  vpst
    vstrbt.8 q0, [r12]
    pop {r4-r7, r12, lr}
    vpop {d8-d11}
    bx lr
    .size bitloom_conv_tables_mve_spread, . - bitloom_conv_tables_mve_spread
#endif
