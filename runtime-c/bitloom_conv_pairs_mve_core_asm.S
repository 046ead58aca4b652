/*
 * MVE inner loops of bitloom_conv_pairs_mve, for each lane size.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * q0, q1, q2 are planes 0, 1, 2 of a column's sum; planes 3 and 4 are in memory; carries of weight 32 are kept and added
 * in the end. Carries of one weight travel in pairs (x, p): x is one carry, p that carry xor the other, which saves
 * operations in the adders.
 *
 * frame: bitloom_conv_pairs_mve_columns16 176, frame: bitloom_conv_pairs_mve_columns32 176
 * frame: bitloom_conv_pairs_mve_table16 64, frame: bitloom_conv_pairs_mve_table32 64
 */
#if defined(__ARM_FEATURE_MVE) && !defined(BITLOOM_PORTABLE_C)
    .syntax unified
    .thumb
    .text

/* Members of bitloom_conv_pairs_mve_column. */
    .equ COLUMN_TABLES, 0 /* and the start */
    .equ COLUMN_SUM, 8
    .equ COLUMN_HIGH_START, 12
    .equ COLUMN_SIZE, 16
/* Bytes from one column's sum to the next. */
    .equ SUM_BYTES, 144

/* Members of bitloom_conv_pairs_mve_job. */
    .equ JOB_WEIGHTS, 0
    .equ JOB_COLUMNS, 4
    .equ JOB_COLUMNS_END, 8
    .equ JOB_ENTRY_BYTES, 12
    .equ JOB_DOUBLE_WORDS, 16
    .equ JOB_REST, 20 /* 1 if an odd word follows, 2 if a half word */
    .equ JOB_CARRY_COUNT, 24 /* and the carries */
    .equ JOB_CARRIES, 28
    .equ JOB_OUTPUTS, 32
    .equ JOB_RESULTS, 36
    .equ JOB_FILLS, 40
    .equ JOB_THRESHOLDS, 44
    .equ JOB_PARITY, 48

/* Stack during a function: 8 addresses, the job, the column, whether a half word follows, carries of the first of two words. */
    .equ ADDRESSES, 0
    .equ JOB, 32
    .equ COLUMN, 36
    .equ HALF, 40
    .equ CARRY, 44
    .equ FRAME, 76

/*
 * r0: weights, r1: places of tables, r3: entry bytes. Addresses of the entries that a word selects -> r4 to r11.
 */
.macro ADDRESSES_OF_WORD
    vldrb.u32 q3, [r0], #4      /* lane j: byte j, group j low and group j + 4 high */
    vldrw.u32 q5, [r1], #16
    vshr.u32 q4, q3, #4
    vbic.i32 q3, #0xf0
    vldrw.u32 q6, [r1], #16
    vmla.u32 q5, q3, r3
    vmla.u32 q6, q4, r3
    vstrw.u32 q5, [sp, #ADDRESSES]
    vstrw.u32 q6, [sp, #ADDRESSES + 16]
    ldm sp, {r4-r11}
.endm

/* Of 4 groups -> r4 to r7. */
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

/* q\z + q\c -> q\z, carry in q\c. */
.macro ADD_ONE z, c
    veor q\z, q\z, q\c
    vbic q\c, q\c, q\z
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
    ADD_PAIR 2, 4, 3, 3
.endm

/* The entries at r8 to r11: a second carry of weight 8; both as the pair q3, q4. No register for a second pair. */
.macro ADD_SECOND_QUAD bits
    ADD_GROUP \bits, 4, 5, r8
    ADD_GROUP \bits, 5, 6, r9
    veor q5, q5, q4
    ADD_PAIR 1, 4, 5, 4
    ADD_GROUP \bits, 5, 6, r10
    ADD_GROUP \bits, 6, 7, r11
    veor q6, q6, q5
    ADD_PAIR 1, 5, 6, 5
    veor q5, q5, q4
    ADD_PAIR 2, 4, 5, 4
    veor q4, q4, q3
.endm

.macro ADD_WORD bits
    ADDRESSES_OF_WORD
    ADD_FIRST_QUAD \bits
    ADD_SECOND_QUAD \bits
.endm

/* Plane by plane: q2 = whether the number so far reaches the constant, whose complement's bits come from r6; bit in q6. */
.macro COMPARE_PLANE
    sbfx r9, r6, #0, #1
    lsrs r6, r6, #1
    vdup.32 q3, r9
    veor q4, q6, q2
    veor q3, q6, q3
    vand q4, q4, q3
    veor q2, q6, q4
.endm

.macro COLUMNS_FUNCTION bits
    .balign 4
    .global bitloom_conv_pairs_mve_columns\bits
    .type bitloom_conv_pairs_mve_columns\bits, %function
    .thumb_func
bitloom_conv_pairs_mve_columns\bits:
    vpush {d8-d15}
    push {r4-r11, lr}
    sub sp, sp, #FRAME
    str r0, [sp, #JOB]
    mov r7, r0
    ldr r3, [r7, #JOB_ENTRY_BYTES]
    ldr r0, [r7, #JOB_WEIGHTS]

.Loutput\bits:
    ldr r2, [r7, #JOB_COLUMNS]
.Lcolumn\bits:
    str r2, [sp, #COLUMN]
    ldrd r1, r4, [r2, #COLUMN_TABLES]
    ldr r12, [r2, #COLUMN_SUM]
    ldr r5, [r7, #JOB_DOUBLE_WORDS]
    ldr r2, [r7, #JOB_CARRIES]
    vldrw.u32 q3, [r4, #48]
    vldrw.u32 q4, [r4, #64]
    vldrw.u32 q0, [r4]
    vstrw.u32 q3, [r12, #48]
    vstrw.u32 q4, [r12, #64]
    vldrw.u32 q1, [r4, #16]
    vldrw.u32 q2, [r4, #32]
    wls lr, r5, .Lodd_word\bits

.Ltwo_words\bits:
    ADD_WORD \bits
    vstrw.u32 q3, [sp, #CARRY]
    vstrw.u32 q4, [sp, #CARRY + 16]
    ADD_WORD \bits
    vldrw.u32 q5, [sp, #CARRY]
    vldrw.u32 q6, [sp, #CARRY + 16]
    vldrw.u32 q7, [r12, #48]
    ADD_PAIRS 7, 5, 6, 3, 4
    vstrw.u32 q7, [r12, #48]
    vldrw.u32 q7, [r12, #64]
    ADD_PAIR 7, 6, 5, 3
    vstrw.u32 q7, [r12, #64]
    vstrw.u32 q3, [r2], #16
    le lr, .Ltwo_words\bits

.Lodd_word\bits:
    ldr r7, [sp, #JOB]
    ldr r5, [r7, #JOB_REST]
    cmp r5, #0
    beq .Lcarries\bits
    lsrs r4, r5, #1
    str r4, [sp, #HALF]
    beq .Lonly_odd_word\bits
    lsls r5, r5, #31
    beq .Lhalf_word\bits
.Lonly_odd_word\bits:
    ADD_WORD \bits
    vldrw.u32 q7, [r12, #48]
    ADD_PAIR 7, 3, 4, 3
    vstrw.u32 q7, [r12, #48]
    vldrw.u32 q7, [r12, #64]
    ADD_ONE 7, 3
    vstrw.u32 q7, [r12, #64]
    vstrw.u32 q3, [r2], #16
    ldr r5, [sp, #HALF]
    cmp r5, #0
    beq .Lcarries\bits
.Lhalf_word\bits:
    ADDRESSES_OF_HALF
    ADD_FIRST_QUAD \bits
    vldrw.u32 q7, [r12, #48]
    ADD_ONE 7, 3
    vstrw.u32 q7, [r12, #48]
    vldrw.u32 q7, [r12, #64]
    ADD_ONE 7, 3
    vstrw.u32 q7, [r12, #64]
    vstrw.u32 q3, [r2]

.Lcarries\bits:
    vstrw.u32 q0, [r12]
    vstrw.u32 q1, [r12, #16]
    vstrw.u32 q2, [r12, #32]
    ldrd r7, r2, [sp, #JOB]
    ldrd lr, r4, [r7, #JOB_CARRY_COUNT]
    ldr r5, [r2, #COLUMN_HIGH_START]
    cmp lr, #3
    bhi .Lmany_carries\bits
    /* Up to 3 carries, of which those that do not exist are 0. */
    vldrw.u32 q0, [r4]
    vldrw.u32 q1, [r4, #16]
    vldrw.u32 q2, [r4, #32]
    veor q3, q0, q1
    vand q4, q0, q1
    vand q5, q3, q2
    veor q3, q3, q2
    vorr q4, q4, q5
    cbz r5, .Lcolumn_done\bits
    /* Add them, q3 + 2 q4, to the planes that the sum starts from. */
    vldrw.u32 q0, [r5]
    vldrw.u32 q1, [r5, #16]
    vldrw.u32 q5, [r5, #32]
    vldrw.u32 q6, [r5, #48]
    vand q2, q0, q3
    veor q3, q0, q3
    veor q7, q1, q4
    vand q1, q1, q4
    vand q0, q7, q2
    veor q4, q7, q2
    vorr q1, q1, q0
    vand q0, q5, q1
    veor q5, q5, q1
    veor q6, q6, q0
    b .Lstore_high\bits
.Lmany_carries\bits:
    vldrw.u32 q3, [r5]
    vldrw.u32 q4, [r5, #16]
    vldrw.u32 q5, [r5, #32]
    vldrw.u32 q6, [r5, #48]
0:  vldrw.u32 q7, [r4], #16
    vand q0, q3, q7
    veor q3, q3, q7
    vand q1, q4, q0
    veor q4, q4, q0
    vand q0, q5, q1
    veor q5, q5, q1
    veor q6, q6, q0
    le lr, 0b
.Lstore_high\bits:
    vstrw.u32 q5, [r12, #112]
    vstrw.u32 q6, [r12, #128]
.Lcolumn_done\bits:
    vstrw.u32 q3, [r12, #80]
    vstrw.u32 q4, [r12, #96]
    ldr r4, [r7, #JOB_COLUMNS_END]
    adds r2, r2, #COLUMN_SIZE
    cmp r2, r4
    bne .Lcolumn\bits

    ldr r1, [r7, #JOB_RESULTS]
    cmp r1, #0
    beq .Lleave\bits
    /*
     * Finish: first column shifted up + middle + last shifted down >= t / 2; or the only column. q0: carries of the three, q1:
     * carry of adding those, at first A mod 2 where t is odd; r12 is the last column's sum.
     */
    ldr r8, [r7, #JOB_THRESHOLDS]
    ldr r10, [r7, #JOB_PARITY]
    ldrh r6, [r8], #2
    ldr r2, [r7, #JOB_COLUMNS]
    str r8, [r7, #JOB_THRESHOLDS]
    vldrw.u32 q1, [r10]
    sbfx r9, r6, #0, #1
    vdup.32 q0, r9
    vand q1, q1, q0
    vmvn.i32 q2, #0
    adds r6, r6, #1
    lsrs r6, r6, #1
    mvns r6, r6
    subs r4, r4, r2
    cmp r4, #COLUMN_SIZE
    beq .Lonly_column\bits
    vmov.i32 q0, #0
    ldr r2, [r7, #JOB_FILLS]
    ldrh r4, [r2], #2
    ldrh r5, [r2], #2
    str r2, [r7, #JOB_FILLS]
    ror r5, r5, #33 - \bits
    mov r8, #7
    dls lr, r8
0:  vldrw.u32 q3, [r12, #-2 * SUM_BYTES]
    vdup.\bits q4, r4
    lsrs r4, r4, #1
    vsli.\bits q4, q3, #1
    vldrw.u32 q6, [r12, #-SUM_BYTES]
    vldrw.u32 q3, [r12], #16
    vdup.\bits q5, r5
    ror r5, r5, #1
    vsri.\bits q5, q3, #1
    veor q3, q4, q5
    vand q4, q4, q5
    vand q5, q3, q6
    veor q3, q3, q6
    veor q6, q3, q0
    vand q3, q3, q0
    vand q7, q6, q1
    veor q6, q6, q1
    vorr q1, q3, q7
    vorr q0, q4, q5
    COMPARE_PLANE
    le lr, 0b
    /* Planes 7 and 8 of the middle column, and the last carry. */
    vldrw.u32 q3, [r12, #-SUM_BYTES]
    veor q6, q3, q0
    vand q3, q3, q0
    vand q7, q6, q1
    veor q6, q6, q1
    vorr q1, q3, q7
    COMPARE_PLANE
    vldrw.u32 q3, [r12, #16 - SUM_BYTES]
    veor q6, q3, q1
    vand q1, q3, q1
    COMPARE_PLANE
.Lfinished\bits:
    vmov q6, q1
    COMPARE_PLANE
    vstrw.u32 q2, [r1], #16
    ldr r4, [r7, #JOB_OUTPUTS]
    str r1, [r7, #JOB_RESULTS]
    subs r4, r4, #1
    str r4, [r7, #JOB_OUTPUTS]
    bne .Loutput\bits

.Lleave\bits:
    add sp, sp, #FRAME
    pop {r4-r11, lr}
    vpop {d8-d15}
    bx lr

.Lonly_column\bits:
    mov r8, #9
    dls lr, r8
0:  vldrw.u32 q3, [r12], #16
    veor q6, q3, q1
    vand q1, q3, q1
    COMPARE_PLANE
    le lr, 0b
    b .Lfinished\bits
    .size bitloom_conv_pairs_mve_columns\bits, . - bitloom_conv_pairs_mve_columns\bits
.endm

/* u and v of F in q\f and q6 to the entry at r2. */
.macro STORE_ENTRY bits, f
    veor q4, q\f, q6
    vand q5, q\f, q6
    vst20.\bits {q4, q5}, [r2]
    vst21.\bits {q4, q5}, [r2]
    add r2, r2, r3
.endm

.macro STORE_ENTRIES bits
    STORE_ENTRY \bits, 0
    STORE_ENTRY \bits, 1
    STORE_ENTRY \bits, 2
    STORE_ENTRY \bits, 3
.endm

/* F of the first pair in q0 to q3, by its weight bits; of the second, one after the other, in q6. */
.macro TABLE_FUNCTION bits
    .balign 4
    .global bitloom_conv_pairs_mve_table\bits
    .type bitloom_conv_pairs_mve_table\bits, %function
    .thumb_func
bitloom_conv_pairs_mve_table\bits:
    vpush {d8-d15}
    vldrw.u32 q4, [r0]
    add r0, r0, r1
    vldrw.u32 q5, [r0]
    add r0, r0, r1
    vand q3, q4, q5
    vorn q2, q5, q4
    vorn q1, q4, q5
    vbic q0, q1, q4
    vldrw.u32 q7, [r0]
    add r0, r0, r1
    vldrw.u32 q6, [r0]
    vorr q6, q6, q7
    vmvn q6, q6
    STORE_ENTRIES \bits
    vldrw.u32 q6, [r0]
    vorn q6, q7, q6
    STORE_ENTRIES \bits
    vldrw.u32 q6, [r0]
    vorn q6, q6, q7
    STORE_ENTRIES \bits
    vldrw.u32 q6, [r0]
    vand q6, q6, q7
    STORE_ENTRIES \bits
    vpop {d8-d15}
    bx lr
    .size bitloom_conv_pairs_mve_table\bits, . - bitloom_conv_pairs_mve_table\bits
.endm

    COLUMNS_FUNCTION 16
    COLUMNS_FUNCTION 32
    TABLE_FUNCTION 16
    TABLE_FUNCTION 32
#endif
