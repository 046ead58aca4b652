/*
 * Runs of bitloom_conv_pairs for Thumb-2 cores: the same contract as bitloom_conv_pairs_core.c.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 *
 * An output is summed in three steps.
 *  1. Words, three by three: a word selects 8 (u, v), adds them to planes 0 to 2 and leaves two carries of weight 8 as a
 *     pair (a, a ^ b). The next word pushes it, so that all pairs but the last are on the stack in the end.
 *  2. Tree: the n pairs are added to planes 3 and up, in code of its own for every n. It takes the pairs off the stack.
 *  3. The counters go to the state, or are compared with the threshold.
 * A run's mode is the addresses of its steps, kept in the frame: nothing depends on data.
 *
 * Why so: 32 inputs cost 73 instructions in step 1, which is all registers filled and no moves; 8 or 9 in step 2.
 * Of 8 adders' operations per two carries one in five is saved by carrying a ^ b along (PAIRS below).
 *
 * Frame, saved registers and 8 pairs: frame: bitloom_conv_pairs_single 240, frame: bitloom_conv_pairs_first 240,
 * frame: bitloom_conv_pairs_middle 240, frame: bitloom_conv_pairs_last 240.
 */
#include "bitloom_conv_pairs_adders.h"
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

/*
 * The frame. The stack pointer moves 8 bytes down with every word and so finds other words at the same offset: the
 * tables of chunk k are 24 k bytes below those of the first one, and likewise what follows chunk k.
 */
    .equ TABLES, 48            /* of the first words; of later threes, down to 0 */
    .equ NEXT, TABLES + 20     /* what follows three words: the next three, or step 2 */
    .equ ENTRY, NEXT + 4       /* step 1 for n words */
    .equ STORE, ENTRY + 4      /* what follows step 2, with state */
    .equ FINAL, STORE + 4      /* what follows the comparison */
    .equ LOW, FINAL + 4
    .equ END, LOW + 4          /* of STATE or RESULT */
    .equ RESULT, END + 4       /* pointers that advance */
    .equ THRESHOLD, RESULT + 4
    .equ SOURCE, THRESHOLD + 4 /* where step 2 finds planes 3 and up: the state, or the same for all outputs */
    .equ STATE, SOURCE + 4     /* plane 3 of the output's counters; last: nothing is kept there */
    .equ BESIDE, STATE + 4     /* first: THRESHOLD; middle: END */
    .equ REACHED, BESIDE + 4   /* single: the version's last word, and t */
    .equ SAVED, REACHED + 8
    .equ UNUSED, SAVED + 4     /* single: planes 0 to 2 of a state that is not kept */
    .equ CARRY, UNUSED + 12    /* of a pair that was added by itself, to plane 9 */
    .equ FRAME, CARRY + 4
    .if (FRAME + 36) % 8 != 0
    .error "the stack is not aligned"
    .endif

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
 * Three words share one pointer, as their tables are adjacent: BIAS into the first, so that the offsets of LDRD reach
 * two of them; then it moves on by two.
 */
    .equ BIAS, 1016
/* r0 is moved on by the third word, whose load would overlap with no other one anyway. */
.macro LOAD_WEIGHTS i, word
  .if \i == 2
    ldr     \word, [r0, #12]!
  .else
    ldr     \word, [r0, #(4 * \i + 4)]
  .endif
.endm
.macro ADD_WORD i
#ifdef __ARM_FEATURE_DSP
    LOAD_WEIGHTS \i, r10
#else
    LOAD_WEIGHTS \i, r12
#endif
  .if \i == 2
    add     r1, r1, #2048
  .endif
    .set    table_offset, 1024 * (\i & 1) - BIAS
    OFFSETS_LOW r10
    ADD_GROUPS 0, r6, r7
    ADD_GROUPS 2, r8, r9
    ADD_PAIRS r3, r6, r7, r8, r9            /* (r7, r6) */
    OFFSETS_HIGH r10
    ADD_GROUPS 4, r8, r9
    ADD_GROUPS 6, r10, r11
    ADD_PAIRS r3, r8, r9, r10, r11          /* (r9, r8) */
    ADD_PAIRS r4, r9, r8, r7, r6            /* (r8, r9) */
.endm
/* What r0 was moved too far for a next run of n words. */
.macro ADJUST_WEIGHTS n
  .if \n % 3
    subs    r0, #(12 - 4 * (\n % 3))
  .endif
.endm

    .balign 4
next_words:
    strd    r8, r9, [sp, #-8]!
    ldr     r1, [sp, #TABLES]
word0:
    ADD_WORD 0
    strd    r8, r9, [sp, #-8]!
word1:
    ADD_WORD 1
    strd    r8, r9, [sp, #-8]!
word2:
    ADD_WORD 2
    ldr     pc, [sp, #NEXT]

/* Step 1 of the next output. Where n is no multiple of 3, the first words are fewer. */
.macro ENTER
    ldr     r1, [sp, #TABLES]
    ldr     pc, [sp, #ENTRY]
.endm

/*
 * Step 2. Planes 3 to 8 in r1 to r6; the last word's pair in r8, r9; pairs from the stack in r7, r10 to r12, and two
 * more registers for 8 and 9 pairs.
 */

/* Two pushed pairs -> plane 3 and a pair of weight 16: first in d, difference in a. */
.macro TWO_PUSHED a, d, b, f
    pop     {\a, \d, \b, \f}
    ADD_PAIRS r1, \a, \d, \b, \f
.endm

/*
 * n pairs into the planes. `top` is the highest plane that the sum can reach, or 9: then what plane 8 got is left in
 * r10, for states of more planes. m1 to m4 take two of them while r7 to r10 are in use.
 */
.macro ADD_PUSHED n, top, m1, m2, m3, m4
  .if \n > 1
    pop     {r10, r11}
    ADD_PAIRS r1, r8, r9, r10, r11          /* weight 16: (r9, r8) */
  .endif
  .if \n > 3
    TWO_PUSHED r7, r10, r11, r12             /* weight 16: (r10, r7) */
    ADD_PAIRS r2, r9, r8, r10, r7           /* weight 32: (r8, r9) */
  .endif
  .if \n > 7
    TWO_PUSHED r7, r10, r11, r12             /* weight 16: (r10, r7) */
    TWO_PUSHED \m1, \m2, \m3, \m4            /* weight 16: (m2, m1) */
    ADD_PAIRS r2, r10, r7, \m2, \m1         /* weight 32: (r7, r10) */
    ADD_PAIRS r3, r8, r9, r7, r10           /* weight 64: (r9, r8) */
  .endif
  .if \n == 6 || \n == 7
    TWO_PUSHED r7, r10, r11, r12             /* weight 16: (r10, r7) */
  .endif
  .if \n == 1
    ADD_PAIR r1, r8, r9, r11                /* weight 16: r11 */
  .elseif \n & 1
    pop     {r11, r12}                      /* weight 8 */
    ADD_PAIR r1, r11, r12, r11              /* weight 16: r11 */
  .endif
    ADD_REST \n, \top
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

/* Planes 3 and up, in r1 and up, with as many bits of t: one of 4, 8 or 32 sequences, each of which ends with `next`. */
.macro COMPARE planes, next:vararg
    ubfx    r8, r12, #4, #\planes
    tbb     [pc, r8]
.Ltable\@:
  .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .if \k < (1 << \planes)
    .byte   (.Lsequence\@_\k - .Ltable\@) / 2
    .endif
  .endr
  .irp k, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .if \k < (1 << \planes)
.Lsequence\@_\k:
    COMPARE_BIT (\k & 1), r1
    COMPARE_BIT (\k & 2), r2
    .if \planes > 2
    COMPARE_BIT (\k & 4), r3
    .endif
    .if \planes > 3
    COMPARE_BIT (\k & 8), r4
    COMPARE_BIT (\k & 16), r5
    .endif
    \next
    .endif
  .endr
.endm

/* A plane with bit `bit` of t. */
.macro COMPARE_BIT_OF bit, plane
    lsls    r8, r12, #(32 - \bit)
    ite     cs
    andcs   r7, r7, \plane
    orrcc   r7, r7, \plane
.endm

/* t in r6, its version at r5. */
.macro NEXT_THRESHOLD pointer
    ldr     r5, [sp, #\pointer]
    ldr     r7, [sp, #LOW]
    ldrh    r6, [r5], #2
    str     r5, [sp, #\pointer]
    and     r5, r6, #15
    add     r5, r7, r5, lsl #4
.endm

/*
 * Single: from the start to the threshold. The few words of small kernels, and 9, in as many planes as they need; the
 * others in the code for runs with state.
 */
.macro SINGLE_START
    ldm     r5, {r2, r3, r4, r5}
    strd    r5, r6, [sp, #REACHED]
    ENTER
.endm
.macro SINGLE n, top, last
single\n:
    ADJUST_WEIGHTS \n
    ldr     r1, [sp, #(SOURCE + 8 * (\n - 1))]
    ldm     r1, {r1-\last}
    ADD_PUSHED \n, \top, r6, r11, r12, lr
.endm

single_next:
    NEXT_THRESHOLD THRESHOLD
    SINGLE_START

    SINGLE 1, 4, r2
    ldrd    r7, r12, [sp, #REACHED]
    COMPARE 2, b single_store

    SINGLE 2, 5, r3
    ldrd    r7, r12, [sp, #REACHED]
    COMPARE 3, b single_store

/* The output bits; the next output, or the end, with both pointers loaded at once. */
single_store:
    ldrd    r8, r5, [sp, #RESULT]
    ldrd    r9, r10, [sp, #LOW]
    str     r7, [r8], #4
    cmp     r8, r10
    beq     finish
    ldrh    r6, [r5], #2
    strd    r8, r5, [sp, #RESULT]
    and     r5, r6, #15
    add     r5, r9, r5, lsl #4
    SINGLE_START

    SINGLE 3, 6, r5
    b       single_compare
    SINGLE 4, 6, r5
    b       single_compare
    SINGLE 9, 7, r5
    mov     lr, #MASK
single_compare:
    ldrd    r7, r12, [sp, #REACHED]
compare:
    COMPARE 5, ldr pc, [sp, #FINAL]

finish:
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}

/*
 * With state: 6 planes from plane 3 on are in registers; of 12 planes the last three stay in memory. Planes 0 to 2 are
 * final.
 */
.macro STATEFUL_START n
state\n:
    ADJUST_WEIGHTS \n
    ldrd    r5, r7, [sp, #(SOURCE + 8 * (\n - 1))]
    stmdb   r7, {r2, r3, r4}
    ldm     r5, {r1-r6}
.endm
.macro STATEFUL n
    STATEFUL_START \n
add\n:
  .if \n & 8
    str     r0, [sp, #(SAVED + 8 * (\n - 1))]
  .endif
    ADD_PUSHED \n, 9, r0, r11, r12, lr
  .if \n & 8
    ldr     r0, [sp, #SAVED]
    mov     lr, #MASK
  .endif
    ldr     pc, [sp, #STORE]
.endm

/* One pair by itself, then the even rest. What it carries to plane 9 meets the rest's carry, never both. */
.macro STATEFUL_ODD n, rest
    STATEFUL_START \n
    pop     {r11, r12}
    ADD_PAIR r1, r11, r12, r11
    ADD_ONE r2, r11
    ADD_ONE r3, r11
    ADD_ONE r4, r11
    ADD_ONE r5, r11
    ADD_ONE r6, r11
    str     r11, [sp, #(CARRY + 8 * (\n - 2))]
    b       add\rest
.endm

.irp n, 1, 2, 3, 4, 6, 7, 8
    STATEFUL \n
.endr
    STATEFUL_ODD 5, 4
    STATEFUL_ODD 9, 8

/* Planes 9 to 11 of the source in r9 to r11, plus the carries to plane 9. */
.macro ADD_UPPER
    ldr     r7, [sp, #CARRY]
    ldr     r8, [sp, #SOURCE]
    bic     r10, r10, r6
    orrs    r7, r7, r10
    adds    r8, #24
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

first_next:
    NEXT_THRESHOLD BESIDE
    ldm     r5, {r2, r3, r4}
    ENTER
first_twelve:
    ADD_UPPER
    ldrd    r7, r8, [sp, #STATE]
    STORE_TWELVE
    b       first_stored
first_nine:
    ldrd    r7, r8, [sp, #STATE]
    STORE_NINE
/* The next output, or the end, with both pointers at once: r7, r8. */
first_stored:
    ldrd    r1, r2, [sp, #LOW]
    cmp     r7, r2
    beq     finish
    ldrh    r6, [r8], #2
    strd    r7, r8, [sp, #STATE]
    and     r5, r6, #15
    add     r5, r1, r5, lsl #4
    ldm     r5, {r2, r3, r4}
    ENTER

middle_twelve:
    ADD_UPPER
    ldrd    r7, r8, [sp, #STATE]
    STORE_TWELVE
    b       middle_stored
middle_nine:
    ldrd    r7, r8, [sp, #STATE]
    STORE_NINE
middle_stored:
    strd    r7, r7, [sp, #SOURCE]
    cmp     r7, r8
    beq     finish
    ldmdb   r7, {r2, r3, r4}
    ENTER

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
    b       compare
.endm
last_twelve:
    ADD_UPPER
    LAST_THRESHOLD 48
last_nine:
    LAST_THRESHOLD 36

last_final_twelve:
    COMPARE_BIT_OF 9, r6
    COMPARE_BIT_OF 10, r9
    COMPARE_BIT_OF 11, r10
    COMPARE_BIT_OF 12, r11
    b       last_store
last_final_nine:
    COMPARE_BIT_OF 9, r6
last_store:
    ldrd    r9, r8, [sp, #END]
    str     r7, [r8], #4
    str     r8, [sp, #RESULT]
    cmp     r8, r9
    beq     finish
state_next:
    ldr     r5, [sp, #SOURCE]
    ldmdb   r5, {r2, r3, r4}
    ENTER

/*
 * Entry points, r0: the run. What a mode needs: its trees, step 3 and what follows its comparison, for 9 planes and for
 * 12, where the first output starts, and whether counters come from (1) and go to (2) the state.
 */
    .equ FROM_STATE, 1
    .equ TO_STATE, 2

.macro MODE name, trees, store, final, store12, final12, next, states
    .balign 4
\name\()_mode:
    .word   \trees, \store + 1, \final + 1, \store12 + 1, \final12 + 1, \next + 1, \states
.endm
    MODE    single, single_trees, single_compare, single_store, single_compare, single_store, single_next, 0
    MODE    first, state_trees, first_nine, 0, first_twelve, 0, first_next, TO_STATE
    MODE    middle, state_trees, middle_nine, 0, middle_twelve, 0, state_next, (FROM_STATE | TO_STATE)
    MODE    last, state_trees, last_nine, last_final_nine, last_twelve, last_final_twelve, state_next, FROM_STATE

entries:
    .word   word2 + 1, word1 + 1, word0 + 1, next_words + 1
single_trees:
    .word   single1 + 1, single2 + 1, single3 + 1, single4 + 1, state5 + 1, state6 + 1, state7 + 1, state8 + 1, single9 + 1
state_trees:
.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9
    .word   state\n + 1
.endr

.macro ENTRY_POINT name, mode
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    adr     r12, \mode\()_mode
    b       start
.endm
    ENTRY_POINT bitloom_conv_pairs_single, single
    ENTRY_POINT bitloom_conv_pairs_first, first
    ENTRY_POINT bitloom_conv_pairs_middle, middle
    ENTRY_POINT bitloom_conv_pairs_last, last

start:
    push    {r4-r11, lr}
    sub     sp, sp, #FRAME
    ldm     r12, {r4-r10}
    ldr     r1, [r0, #RUN_PLANES]
    cmp     r1, #12
    itt     eq
    moveq   r5, r7
    moveq   r6, r8
    strd    r5, r6, [sp, #STORE]
    mov     r12, r4                         /* trees */
    mov     lr, r9                          /* where the first output starts */
    ldr     r9, [r0, #RUN_OUTPUTS]
    ldr     r2, [r0, #RUN_LOW]
    ldr     r5, [r0, #RUN_THRESHOLDS]
    ldrd    r6, r7, [r0, #RUN_HIGH]         /* and the state */
    ldr     r4, [r0, #RUN_RESULTS]
    adds    r7, #12
    mov     r3, r4
    mov     r8, r5
    lsls    r10, r10, #31                   /* carry: to the state; negative: from the state */
    itt     cs
    movcs   r3, r7
    mulcs   r9, r9, r1
    add     r3, r3, r9, lsl #2              /* end of the state, or of the results */
    itt     mi
    movmi   r6, r7
    movmi   r8, r3
    it      cc
    addcc   r7, sp, #(UNUSED + 12)
    add     r10, sp, #LOW
    stm     r10, {r2-r8}
    movs    r2, #0
    str     r2, [sp, #CARRY]

    ldr     r2, [r0, #RUN_WORDS]
    ldr     r4, [r0, #RUN_TABLES]
    ldr     r0, [r0, #RUN_WEIGHTS]
    add     r12, r12, r2, lsl #2
    ldr     r12, [r12, #-4]                 /* the tree of n words */
    mov     r5, r2
0:  subs    r5, #3
    bgt     0b
    /* r5: minus the words that the first three lack. */
    add     r0, r0, r5, lsl #2
    subs    r0, #4
    adr     r7, entries
    add     r6, r7, r5, lsl #2
    ldr     r6, [r6, #8]
    str     r6, [sp, #ENTRY]
    ldr     r7, [r7, #12]
    ldr     r6, [r4]
    add     r6, r6, #BIAS
    add     r6, r6, r5, lsl #10
    str     r6, [sp, #TABLES]
    adds    r5, #3
    add     r4, r4, r5, lsl #2
    add     r6, sp, #(TABLES + 24)
    sub     r6, r6, r5, lsl #3
    subs    r2, r2, r5
    beq     2f
1:  str     r7, [r6, #4]
    ldr     r8, [r4], #12
    add     r8, r8, #BIAS
    str     r8, [r6, #-24]!
    subs    r2, #3
    bne     1b
2:  str     r12, [r6, #4]
    mov     r12, lr
    mov     lr, #MASK
    bx      r12

#endif
