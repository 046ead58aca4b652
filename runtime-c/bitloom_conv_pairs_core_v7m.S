/*
 * Inner loops of bitloom_conv_pairs for Thumb-2 cores: the same contract as bitloom_conv_pairs_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * An output is summed in three steps.
 *  1. Words: up to 9 weight words, unrolled, entered where n are left. A word selects 8 (u, v), adds them to planes
 *     0 to 2 and leaves two carries of weight 8, which go to a slot on the stack as a pair (a, a ^ b).
 *  2. Tree: the n pairs are added to planes 3 and up, in code of its own for every n.
 *  3. The counters go to the state, or are compared with the threshold.
 * A run's mode is the addresses of its steps, kept in the frame: nothing depends on data.
 *
 * Why so: 32 inputs cost 73 instructions in step 1, which is all registers filled and no moves; 8 or 9 in step 2.
 * Of 8 adders' operations per two carries one in five is saved by carrying a ^ b along (PAIRS below).
 */
#include "bitloom_conv_pairs_arch.h"

#ifdef BITLOOM_CONV_PAIRS_ASSEMBLY

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

/* The frame. Word i of the unrolled 9 leaves its pair in slot 7 - i: the slots in use are the first. */
    .equ MAX_WORDS, 9
    .equ SLOTS, 0
    .equ TABLES, SLOTS + 8 * (MAX_WORDS - 1) /* table of every unrolled word */
    .equ ENTRY, TABLES + 4 * MAX_WORDS   /* step 1 for n words */
    .equ AFTER, ENTRY + 4                /* what follows step 1: step 2, or how it gets its planes */
    .equ TREE, AFTER + 4                 /* step 2 for n words, with state */
    .equ STORE, TREE + 4                 /* step 3, with state */
    .equ LOW, STORE + 4
    .equ END, LOW + 4                    /* of STATE or RESULT */
    .equ RESULT, END + 4                 /* pointers that advance */
    .equ THRESHOLD, RESULT + 4
    .equ STATE, THRESHOLD + 4            /* plane 3 of the output's counters */
    .equ HIGH, STATE + 4
    .equ REACHED, HIGH + 4               /* single: the version's last word, and t */
    .equ FRAME, REACHED + 8              /* with 9 saved registers a multiple of 8 */
    .if (FRAME + 36) % 8 != 0
    .error "the stack is not aligned"
    .endif

/*
 * Adders. z is a plane, a carry has the weight of the next one. Flags are set only because that makes short encodings.
 */

/* z + s -> z, carry in s. */
.macro ADD_ONE z, s
    eors    \z, \z, \s
    bics    \s, \s, \z
.endm

/* z + s + t -> z, carry in s. */
.macro ADD_TWO z, s, t, temp
    eors    \temp, \s, \t
    ands    \s, \s, \t
    ands    \t, \temp, \z
    eors    \z, \z, \temp
    orrs    \s, \s, \t
.endm

/* z + the pair (a, d = a ^ b) -> z, carry: 4 operations, as a ^ b is there already. */
.macro ADD_PAIR z, a, d, carry
    eors    \a, \a, \z
    eors    \z, \z, \d
    orrs    \a, \a, \d
    eors    \carry, \a, \z
.endm

/*
 * z + two pairs -> z and a pair of carries, first in d, difference in a.
 * After the first adder z1 = z ^ d, and (a ^ z) | d = carry ^ z1. The second adder's carry is z1 ^ e with
 * e = (b ^ z1) & ~f. So the carries' difference is ((a ^ z) | d) ^ e: no carry is needed by itself but the first.
 */
.macro ADD_PAIRS z, a, d, b, f
    eors    \a, \a, \z
    eors    \z, \z, \d
    orrs    \a, \a, \d
    eors    \d, \a, \z
    eors    \b, \b, \z
    bics    \b, \b, \f
    eors    \z, \z, \f
    eors    \a, \a, \b
.endm

/*
 * Step 1. r0 weights (a word before the three that come next), r1 table, r2 to r4 planes 0 to 2, r5 to r11 work, r12 offsets, lr mask of the offsets.
 */

/* Where entry `j` of the word's tables is: offset bits of `j` in r12 (one of 4 bytes, or anywhere). */
#ifdef __ARM_FEATURE_DSP
    .equ MASK, 0x78787878
.macro OFFSETS_LOW word
    and     r12, lr, \word
.endm
.macro OFFSETS_HIGH word
    and     r12, lr, \word, ror #4
.endm
.macro ENTRY_OF j, to, word
    uxtab   \to, r1, r12, ror #(8 * (\j & 3))
.endm
#else
/* Without UXTAB the mask cuts out one offset at a time. */
    .equ MASK, 0x78
.macro OFFSETS_LOW word
.endm
.macro OFFSETS_HIGH word
.endm
.macro ENTRY_OF j, to, word
  .if \j & 3 || \j >= 4
    and     \to, lr, r12, ror #((8 * (\j & 3) + 4 * (\j >> 2)) & 31)
  .else
    and     \to, lr, r12
  .endif
    add     \to, r1, \to
.endm
#endif

/* Group j: plane 0 + u + 2 v -> plane 0, carry. u and v are never both 1. */
.macro ADD_GROUP j, carry
    ENTRY_OF \j, r5
    ldrd    r5, \carry, [r5, #(table_offset + 128 * \j)]
    eors    r2, r2, r5
    bics    r5, r5, r2
    orrs    \carry, \carry, r5
.endm

/* Groups j and j + 1: carries as a pair. */
.macro ADD_GROUPS j, a, d
    ADD_GROUP \j, \a
    ADD_GROUP (\j+1), \d
    eors    \d, \d, \a
.endm

/*
 * Every third word shares the pointer of the word before it, whose tables are adjacent: pointers are BIAS into a table,
 * so that the offsets of LDRD reach two of them.
 */
    .equ BIAS, 1016
/* A weight word. r0 is moved on by every third one, whose load would overlap with no other one anyway. */
.macro LOAD_WEIGHTS i, to
  .if \i % 3 == 2
    ldr     \to, [r0, #12]!
  .else
    ldr     \to, [r0, #(4 * (\i % 3) + 4)]
  .endif
.endm
/* What r0 was moved too far for a next run of n words. */
.macro ADJUST_WEIGHTS n
  .if \n % 3
    subs    r0, #(12 - 4 * (\n % 3))
  .endif
.endm

.macro ADD_WORD i
#ifdef __ARM_FEATURE_DSP
    LOAD_WEIGHTS \i, r10
#else
    LOAD_WEIGHTS \i, r12
#endif
  .if \i % 3 == 2
    .set    table_offset, 1024 - BIAS
  .else
    .set    table_offset, -BIAS
    ldr     r1, [sp, #(TABLES + 4 * \i)]
  .endif
    OFFSETS_LOW r10
    ADD_GROUPS 0, r6, r7
    ADD_GROUPS 2, r8, r9
    ADD_PAIRS r3, r6, r7, r8, r9            /* (r7, r6) */
    OFFSETS_HIGH r10
    ADD_GROUPS 4, r8, r9
    ADD_GROUPS 6, r10, r11
    ADD_PAIRS r3, r8, r9, r10, r11          /* (r9, r8) */
    ADD_PAIRS r4, r9, r8, r7, r6            /* (r8, r9) */
  .if \i < MAX_WORDS - 1
    strd    r8, r9, [sp, #(SLOTS + 8 * (MAX_WORDS - 2 - \i))]
  .endif
.endm

    .balign 4
words:
.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8
word\i:
    ADD_WORD \i
.endr
    ldr     pc, [sp, #AFTER]

/* Entries at words that share a pointer. */
.irp i, 2, 5, 8
enter\i:
    ldr     r1, [sp, #(TABLES + 4 * \i)]
    sub     r1, r1, #1024
    b.w     word\i
.endr

/*
 * Step 2. Planes 3 to 8 in r1 to r6; the last word's pair in r8, r9; pairs from the slots in r7, r10 to r12, and two
 * more registers for 8 and 9 pairs.
 */

/* Two slots -> plane 3 and a pair of weight 16: first in d, difference in a. */
.macro TWO_SLOTS a, d, b, f
    pop     {\a, \d, \b, \f}
    ADD_PAIRS r1, \a, \d, \b, \f
.endm

/*
 * n pairs into the planes. `top` is the highest plane that the sum can reach, or 9: then what plane 8 got is left in
 * r10, for states of more planes. m1 to m4 take two slots while r7 to r10 are in use.
 */
.macro ADD_SLOTS n, top, m1, m2, m3, m4
  .if \n > 1
    pop     {r10, r11}
    ADD_PAIRS r1, r8, r9, r10, r11          /* weight 16: (r9, r8) */
  .endif
  .if \n > 3
    TWO_SLOTS r7, r10, r11, r12             /* weight 16: (r10, r7) */
    ADD_PAIRS r2, r9, r8, r10, r7           /* weight 32: (r8, r9) */
  .endif
  .if \n > 7
    TWO_SLOTS r7, r10, r11, r12             /* weight 16: (r10, r7) */
    TWO_SLOTS \m1, \m2, \m3, \m4            /* weight 16: (m2, m1) */
    ADD_PAIRS r2, r10, r7, \m2, \m1         /* weight 32: (r7, r10) */
    ADD_PAIRS r3, r8, r9, r7, r10           /* weight 64: (r9, r8) */
  .endif
  .if \n == 6 || \n == 7
    TWO_SLOTS r7, r10, r11, r12             /* weight 16: (r10, r7) */
  .endif
  .if \n == 1
    ADD_PAIR r1, r8, r9, r11                /* weight 16: r11 */
  .elseif \n & 1
    pop     {r11, r12}                      /* weight 8 */
    ADD_PAIR r1, r11, r12, r11              /* weight 16: r11 */
  .endif
    ADD_REST \n, \top
  .if \n > 1
    sub     sp, sp, #(8 * (\n - 1))
  .endif
.endm

/* What is left of the pairs and carries, plane by plane. */
.macro ADD_REST n, top
  /* plane 4 */
  .if \top == 4
    eors    r2, r2, r11
  .else
    .if \n == 2 || \n == 3
    ADD_PAIR r2, r9, r8, r10                /* weight 32: r10 */
    .endif
    .if \n == 6 || \n == 7
    ADD_PAIR r2, r10, r7, r10
    .endif
    .if \n & 1
    ADD_ONE r2, r11                         /* weight 32: r11 */
    .endif
  /* plane 5; its carries in r10 and r7 */
    .if \n & 4
    ADD_PAIR r3, r8, r9, r7                 /* weight 64: r7 */
    .endif
    .if \top == 5
    eors    r3, r3, r10
    .else
      .if (\n & 3) == 3
    ADD_TWO r3, r10, r11, r12
      .endif
      .if (\n & 3) == 2
    ADD_ONE r3, r10
      .endif
      .if (\n & 3) == 1
    eors    r3, r3, r11
    bics    r10, r11, r3
      .endif
  /* plane 6; its carries in r10 and r7 */
      .if \top == 6
        .if \n & 3
    eors    r4, r4, r10
        .endif
        .if \n & 4
    eors    r4, r4, r7
        .endif
      .else
        .if \n & 8
    ADD_PAIR r4, r9, r8, r8                 /* weight 128: r8 */
          .if \n & 3
    ADD_ONE r4, r10
          .endif
        .else
          .if (\n & 4) && (\n & 3)
    ADD_TWO r4, r10, r7, r12
          .endif
          .if (\n & 4) && !(\n & 3)
    eors    r4, r4, r7
    bics    r10, r7, r4
          .endif
          .if !(\n & 4)
    ADD_ONE r4, r10
          .endif
        .endif
  /* plane 7; its carry in r10 */
        .if \top == 7
          .if \n & 7
    eors    r5, r5, r10
          .endif
          .if \n & 8
    eors    r5, r5, r8
          .endif
        .else
          .if (\n & 8) && (\n & 7)
    ADD_TWO r5, r10, r8, r12
          .endif
          .if (\n & 8) && !(\n & 7)
    eors    r5, r5, r8
    bics    r10, r8, r5
          .endif
          .if !(\n & 8)
    ADD_ONE r5, r10
          .endif
    eors    r6, r6, r10
        .endif
      .endif
    .endif
  .endif
.endm

/*
 * Step 3. The comparison of planes 3 and up with t / 16: from the lowest plane on, `reached` is and-ed with a plane
 * where t has a 1 and or-ed where it has a 0. reached in r7, t in r12.
 */
.macro COMPARE_BIT bit, plane
  .if \bit
    ands    r7, \plane
  .else
    orrs    r7, \plane
  .endif
.endm

/* The planes from `from` on with as many bits of t: one of 4, 8, 16 or 32 sequences. */
.macro COMPARE from, p0, p1, p2, p3, p4
    .set    planes, 2
  .ifnb \p2
    .set    planes, 3
  .endif
  .ifnb \p3
    .set    planes, 4
  .endif
  .ifnb \p4
    .set    planes, 5
  .endif
    ubfx    r8, r12, #(\from + 1), #planes
    tbb     [pc, r8]
.Ltable\@:
  .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .if \k < (1 << planes)
    .byte   (.Lsequence\@_\k - .Ltable\@) / 2
    .endif
  .endr
  .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .if \k < (1 << planes)
.Lsequence\@_\k:
    COMPARE_BIT (\k & 1), \p0
    COMPARE_BIT (\k & 2), \p1
    .ifnb \p2
    COMPARE_BIT (\k & 4), \p2
    .endif
    .ifnb \p3
    COMPARE_BIT (\k & 8), \p3
    .endif
    .ifnb \p4
    COMPARE_BIT (\k & 16), \p4
    .endif
    .if \k != (1 << planes) - 1
    b       .Lcompared\@
    .endif
    .endif
  .endr
.Lcompared\@:
.endm

/* A plane with bit `bit` of t. */
.macro COMPARE_BIT_OF bit, plane
    lsls    r8, r12, #(32 - \bit)
    ite     cs
    andcs   r7, r7, \plane
    orrcc   r7, r7, \plane
.endm

/* The output bits; the next output, or the end. */
.macro STORE_RESULT next
    ldrd    r9, r8, [sp, #END]
    str     r7, [r8], #4
    str     r8, [sp, #RESULT]
    cmp     r8, r9
    beq.w   finish
    \next
.endm

/* t in r6, its version at r5. */
.macro NEXT_THRESHOLD
    ldr     r5, [sp, #THRESHOLD]
    ldr     r7, [sp, #LOW]
    ldrh    r6, [r5], #2
    str     r5, [sp, #THRESHOLD]
    and     r5, r6, #15
    add     r5, r7, r5, lsl #4
.endm

/*
 * Single: from the start to the threshold, in as many planes as n words need.
 */
.macro SINGLE_START
    ldm     r5, {r2, r3, r4, r5}
    strd    r5, r6, [sp, #REACHED]
    ldr     pc, [sp, #ENTRY]
.endm
single_next:
    NEXT_THRESHOLD
    SINGLE_START

/* The output bits; the next output, or the end, as STORE_RESULT and NEXT_THRESHOLD with both pointers loaded at once. */
.macro SINGLE_STORE
    ldrd    r8, r5, [sp, #RESULT]
    ldrd    r9, r10, [sp, #LOW]
    str     r7, [r8], #4
    cmp     r8, r10
    beq.w   finish
    ldrh    r6, [r5], #2
    strd    r8, r5, [sp, #RESULT]
    and     r5, r6, #15
    add     r5, r9, r5, lsl #4
    SINGLE_START
.endm

.macro SINGLE n, top, last
single\n:
    ADJUST_WEIGHTS \n
    ldr     r1, [sp, #HIGH]
    ldm     r1, {r1-\last}
    ADD_SLOTS \n, \top, r6, r11, r12, lr
.endm

    SINGLE 1, 4, r2
    ldrd    r7, r12, [sp, #REACHED]
    COMPARE 3, r1, r2
    SINGLE_STORE
    SINGLE 2, 5, r3
    ldrd    r7, r12, [sp, #REACHED]
    COMPARE 3, r1, r2, r3
    SINGLE_STORE
    SINGLE 3, 6, r4
    b       single_four
    SINGLE 4, 6, r4
    b       single_four
    SINGLE 5, 6, r4
single_four:
    ldrd    r7, r12, [sp, #REACHED]
    COMPARE 3, r1, r2, r3, r4
    SINGLE_STORE
    SINGLE 6, 7, r5
    b       single_five
    SINGLE 7, 7, r5
    b       single_five
    SINGLE 8, 7, r5
    mov     lr, #MASK
    b       single_five
    SINGLE 9, 7, r5
    mov     lr, #MASK
single_five:
    ldrd    r7, r12, [sp, #REACHED]
    COMPARE 3, r1, r2, r3, r4, r5
    SINGLE_STORE

/*
 * With state: 6 planes from plane 3 on are in registers; of 12 planes the last three stay in memory.
 */
.macro STATEFUL n
state\n:
    ADJUST_WEIGHTS \n
  .if \n & 8
    str     r0, [sp, #REACHED]
  .endif
    ADD_SLOTS \n, 9, r0, r11, r12, lr
  .if \n & 8
    ldr     r0, [sp, #REACHED]
    mov     lr, #MASK
  .endif
    ldr     pc, [sp, #STORE]
.endm

.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9
    STATEFUL \n
.endr

/* Planes 9 to 11 at `from` in r9 to r11, plus the carry of r10 added to plane 8. */
.macro ADD_UPPER from
    bic     r7, r10, r6
    add     r8, \from, #24
    ldm     r8, {r9, r10, r11}
    ADD_ONE r9, r7
    ADD_ONE r10, r7
    eor     r11, r11, r7
.endm

/* To the state at r7, which moves on. */
.macro STORE_NINE
    stm     r7, {r1-r6}
    adds    r7, #36
.endm
.macro STORE_TWELVE
    stm     r7!, {r1-r6}
    stm     r7!, {r9, r10, r11}
    adds    r7, #12
.endm

.macro FIRST_START
    ldm     r5, {r2, r3, r4}
    ldr     pc, [sp, #ENTRY]
.endm
/* The counters are stored; the next output, or the end, with both pointers at once: r8, r7. */
.macro FIRST_NEXT
    ldrd    r1, r2, [sp, #LOW]
    cmp     r7, r2
    beq.w   finish
    ldrh    r6, [r8], #2
    strd    r8, r7, [sp, #THRESHOLD]
    and     r5, r6, #15
    add     r5, r1, r5, lsl #4
    FIRST_START
.endm
/* The counters of the next output, plane 3 at `state`. */
.macro STATE_LOAD state
    ldmdb   \state, {r2, r3, r4}
    ldr     pc, [sp, #ENTRY]
.endm
/* The next output, or the end, by the state's pointer r7. */
.macro MIDDLE_NEXT
    ldr     r8, [sp, #END]
    str     r7, [sp, #STATE]
    cmp     r7, r8
    beq.w   finish
    STATE_LOAD r7
.endm
.macro LAST_NEXT
    ldr     r5, [sp, #STATE]
    STATE_LOAD r5
.endm

first_next:
    NEXT_THRESHOLD
    FIRST_START
first_after:
    ldr     r5, [sp, #STATE]
    stmdb   r5, {r2, r3, r4}
    ldr     r5, [sp, #HIGH]
    ldm     r5, {r1-r6}
    ldr     pc, [sp, #TREE]
first_nine:
    ldrd    r8, r7, [sp, #THRESHOLD]
    STORE_NINE
    FIRST_NEXT
first_twelve:
    ldr     r8, [sp, #HIGH]
    ADD_UPPER r8
    ldrd    r8, r7, [sp, #THRESHOLD]
    STORE_TWELVE
    FIRST_NEXT

middle_next:
    LAST_NEXT
middle_after:
    ldr     r5, [sp, #STATE]
    stmdb   r5, {r2, r3, r4}
    ldm     r5, {r1-r6}
    ldr     pc, [sp, #TREE]
middle_nine:
    ldr     r7, [sp, #STATE]
    STORE_NINE
    MIDDLE_NEXT
middle_twelve:
    ldr     r8, [sp, #STATE]
    ADD_UPPER r8
    ldr     r7, [sp, #STATE]
    STORE_TWELVE
    MIDDLE_NEXT

/* t in r12 and its version's last word in r7; the state's pointer moves on. */
.macro LAST_THRESHOLD state_bytes
    ldrd    r7, r8, [sp, #THRESHOLD]
    ldrh    r12, [r7], #2
    adds    r8, #\state_bytes
    strd    r7, r8, [sp, #THRESHOLD]
    ldr     r8, [sp, #LOW]
    and     r7, r12, #15
    add     r8, r8, r7, lsl #4
    ldr     r7, [r8, #12]
.endm

last_next:
    LAST_NEXT
last_after:
    ldr     r5, [sp, #STATE]
    ldm     r5, {r1-r6}
    ldr     pc, [sp, #TREE]
last_nine:
    LAST_THRESHOLD 36
    COMPARE 3, r1, r2, r3, r4
    COMPARE 7, r5, r6
    STORE_RESULT LAST_NEXT
last_twelve:
    ldr     r8, [sp, #STATE]
    ADD_UPPER r8
    LAST_THRESHOLD 48
    COMPARE 3, r1, r2, r3, r4
    COMPARE 7, r5, r6
    COMPARE_BIT_OF 10, r9
    COMPARE_BIT_OF 11, r10
    COMPARE_BIT_OF 12, r11
    STORE_RESULT LAST_NEXT

finish:
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}

/*
 * Entry points. r0: the run. Each sets what its mode needs and goes on with what all share.
 */
.macro ENTRY_POINT name
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    push    {r4-r11, lr}
    sub     sp, sp, #FRAME
    ldr     r1, [r0, #RUN_OUTPUTS]
    ldr     r2, [r0, #RUN_WORDS]
    ldr     r3, [r0, #RUN_PLANES]
.endm

/* Address of a step from a table by register `index`. */
.macro STEP table, index, slot
    ldr     r5, =\table
    ldr     r5, [r5, \index, lsl #2]
    str     r5, [sp, #\slot]
.endm

/* END from the results, or from the state. */
.macro END_OF_RESULTS
    ldr     r5, [r0, #RUN_RESULTS]
    add     r6, r5, r1, lsl #2
    strd    r6, r5, [sp, #END]
.endm
.macro END_OF_STATE
    ldr     r5, [sp, #STATE]
    mul     r6, r1, r3
    add     r6, r5, r6, lsl #2
    str     r6, [sp, #END]
.endm

/* The pointers to the thresholds and to plane 3 of the state. */
.macro POINTERS
    ldr     r5, [r0, #RUN_THRESHOLDS]
    ldr     r6, [r0, #RUN_STATE]
    adds    r6, #12
    strd    r5, r6, [sp, #THRESHOLD]
.endm

/* The steps of a run with state: after the words, and at the end for 9 or 12 planes. */
.macro STATE_STEPS mode
    ldr     r5, =\mode\()_after + 1
    str     r5, [sp, #AFTER]
    STEP    state_trees, r2, TREE
    ldr     r5, =\mode\()_nine + 1
    cmp     r3, #9
    beq     1f
    ldr     r5, =\mode\()_twelve + 1
1:
    str     r5, [sp, #STORE]
    ldr     r7, =\mode\()_next + 1
    b       start
.endm

    ENTRY_POINT bitloom_conv_pairs_single
    POINTERS
    END_OF_RESULTS
    STEP    single_trees, r2, AFTER
    ldr     r7, =single_next + 1
    b       start

    ENTRY_POINT bitloom_conv_pairs_first
    POINTERS
    END_OF_STATE
    STATE_STEPS first

    ENTRY_POINT bitloom_conv_pairs_middle
    POINTERS
    END_OF_STATE
    STATE_STEPS middle

    ENTRY_POINT bitloom_conv_pairs_last
    POINTERS
    END_OF_RESULTS
    STATE_STEPS last

/* The tables' addresses into the frame, for the last n of the unrolled words; then to the first output at r7. */
start:
    ldr     r5, [r0, #RUN_LOW]
    ldr     r6, [r0, #RUN_HIGH]
    str     r5, [sp, #LOW]
    str     r6, [sp, #HIGH]
    rsb     r3, r2, #MAX_WORDS
    STEP    entries, r3, ENTRY
    ldr     r4, [r0, #RUN_TABLES]
    ldr     r0, [r0, #RUN_WEIGHTS]
    sub     r0, r0, r3, lsl #2
    subs    r0, #4
0:
    subs    r3, #3
    bmi     1f
    adds    r0, #12
    b       0b
1:
    add     r3, sp, #(TABLES + 4 * MAX_WORDS)
    sub     r3, r3, r2, lsl #2
2:
    ldr     r5, [r4], #4
    subs    r2, #1
    add     r5, r5, #BIAS
    str     r5, [r3], #4
    bne     2b
    mov     lr, #MASK
    bx      r7

    .balign 4
entries:
.irp step, word0, word1, enter2, word3, word4, enter5, word6, word7, enter8
    .word   \step + 1
.endr
single_trees:
    .word   0
.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9
    .word   single\n + 1
.endr
state_trees:
    .word   0
.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9
    .word   state\n + 1
.endr
    .pool

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

/* A carry into the planes in memory; r10 counts them, r9 is where they are. */
.macro COUNT_CARRY carry
    mov     r9, r2
    subs    r10, r3, #0
    beq     .Lcounted\@
.Lhigher\@:
    ldr     r8, [r9]
    eor     r8, r8, \carry
    bic     \carry, \carry, r8
    subs    r10, #1
    str     r8, [r9], #4
    bne     .Lhigher\@
.Lcounted\@:
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
    subs    r1, #16
    blo     .Lrest
.Lsixteen:
    COUNT_TWO r11
    COUNT_TWO r7
    ADD_TWO r5, r11, r7, r8
    COUNT_TWO r12
    COUNT_TWO r7
    ADD_TWO r5, r12, r7, r8
    ADD_TWO r6, r11, r12, r8
    COUNT_CARRY r11
    subs    r1, #16
    bhs     .Lsixteen
.Lrest:
    adds    r1, #16
    beq     .Lcount_done
.Lfour:
    COUNT_TWO r7
    ADD_ONE r5, r7
    ADD_ONE r6, r7
    COUNT_CARRY r7
    subs    r1, #4
    bne     .Lfour
.Lcount_done:
    stmdb   r2, {r4, r5, r6}
    pop     {r4-r11, pc}

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

.macro GROUP_ENTRIES
    PAIR_WORDS r2, r3, r4, r5
    PAIR_WORDS r6, r7, r8, r9
    FOUR_ENTRIES r6
    FOUR_ENTRIES r7
    FOUR_ENTRIES r8
    FOUR_ENTRIES r9
.endm

/*
 * All groups; the frame holds rotate, mask and the line's end. kind 0: words as they are; 1: turned by one column, which
 * the mask's AND does; 2: turned by any number. No flag changes between the comparison and the branch.
 */
.macro BUILD kind, turn
.Lgroup\@:
    ldm     r0!, {r2, r3, r6, r7}
    ldm     sp, {r10, r11, r12}
    cmp     r0, r12
  .if \kind == 1
  .irp x, r2, r3, r6, r7
    and     \x, r11, \x, ror #\turn
  .endr
  .endif
  .if \kind == 2
  .irp x, r2, r3, r6, r7
    ror     \x, \x, r10
    and     \x, \x, r11
  .endr
  .endif
    GROUP_ENTRIES
    bne     .Lgroup\@
    add     sp, sp, #12
    pop     {r4-r11, pc}
.endm

    .global bitloom_conv_pairs_tables
    .type   bitloom_conv_pairs_tables, %function
    .thumb_func
bitloom_conv_pairs_tables:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]                   /* tables */
    add     r1, r0, r1, lsl #4              /* the line's end */
    sub     sp, sp, #12
    strd    r2, r3, [sp]
    str     r1, [sp, #8]
    mov     r1, r4
    cmp     r2, #1
    beq     turned_right
    cmp     r2, #31
    beq     turned_left
    mvn     r6, r3
    orrs    r6, r6, r2
    beq     unturned
    BUILD   2
unturned:
    BUILD   0
turned_right:
    BUILD   1, 1
turned_left:
    BUILD   1, 31

#endif
