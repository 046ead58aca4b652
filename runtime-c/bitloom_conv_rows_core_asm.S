/*
 * bitloom_conv_rows_core.c for cores with Thumb-2 (v7-M, v7E-M, v8-M mainline). The DSP extension, where there is one,
 * makes lists faster.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#if defined(__thumb2__) && !defined(BITLOOM_PORTABLE_C)

        .syntax unified
        .thumb
        .text

        .macro  function name
        .global \name
        .type   \name, %function
        .thumb_func
        .balign 4
\name:
        .endm

/*
 * Numbers from 0 to 2 travel as (x, p) with p = x ^ y and x + y their value, one per bit position.
 *   z + (x1 + y1) + (x2 + y2) = z + 2 * (a + b)
 * takes two of them into counter plane z and leaves the number (a, a ^ b): two full adders in eight instructions. The first
 * carry a is ((x1 ^ z) | p1) ^ z ^ p1; the second differs from the new z in (x2 ^ z) & ~p2.
 * The result lies in (p1, x1): its words have changed places.
 */
        .macro  add_two z, x1, p1, x2, p2
        eor     \x1, \x1, \z
        eor     \z, \z, \p1
        orr     \x1, \x1, \p1           @ a ^ z
        eor     \p1, \x1, \z            @ a
        eor     \x2, \x2, \z
        bic     \x2, \x2, \p2           @ b ^ z
        eor     \z, \z, \p2
        eor     \x1, \x1, \x2           @ a ^ b
        .endm

/* The words at four offsets that are already in registers. */
        .macro  load_rows a, b, c, d
        ldr     \a, [r1, \a, lsl #2]
        ldr     \b, [r1, \b, lsl #2]
        ldr     \c, [r1, \c, lsl #2]
        ldr     \d, [r1, \d, lsl #2]
        .endm

/* Four rows into plane z; leaves a number of weight 2 in (b, a). */
        .macro  add_rows z, a, b, c, d
        eor     \b, \b, \a
        eor     \d, \d, \c
        add_two \z, \a, \b, \c, \d
        .endm

/* Sixteen rows of the list r0 into planes r2 to r4, and a number of weight 8 to lr. */
        .macro  add_sixteen
        ldm     r0!, {r5-r12}
        load_rows r5, r6, r7, r8
        load_rows r9, r10, r11, r12
        add_rows r2, r5, r6, r7, r8
        add_rows r2, r9, r10, r11, r12
        add_two r3, r6, r5, r10, r9
        ldm     r0!, {r7-r10}
        load_rows r7, r8, r9, r10
        add_rows r2, r7, r8, r9, r10
        ldm     r0!, {r9-r12}
        load_rows r9, r10, r11, r12
        add_rows r2, r9, r10, r11, r12
        add_two r3, r8, r7, r10, r9
        add_two r4, r5, r6, r7, r8
        strd    r6, r5, [lr], #8
        .endm

/* Eight numbers at r0 into planes r2 to r4, and one of eight times the weight to r1: the same tree. */
        .macro  add_eight
        ldm     r0!, {r5-r12}
        add_two r2, r5, r6, r7, r8
        add_two r2, r9, r10, r11, r12
        add_two r3, r6, r5, r10, r9
        ldm     r0!, {r7-r10}
        add_two r2, r7, r8, r9, r10
        ldm     r0!, {r9-r12}
        add_two r2, r9, r10, r11, r12
        add_two r3, r8, r7, r10, r9
        add_two r4, r5, r6, r7, r8
        strd    r6, r5, [r1], #8
        .endm

/* One number (r2, r3) into the plane at r12, its carry into those above, up to the end r1. Uses r4, r5. */
        .macro  ripple
        cmp     r12, r1
        beq     92f
        ldr     r4, [r12]
        eor     r2, r2, r4
        orr     r2, r2, r3
        eor     r4, r4, r3
        str     r4, [r12], #4
        eor     r2, r2, r4
91:     cmp     r12, r1
        beq     92f
        ldr     r4, [r12]
        eor     r5, r4, r2
        and     r2, r2, r4
        str     r5, [r12], #4
        b       91b
92:
        .endm

/* Offsets in bitloom_conv_rows_sum. */
        .equ    LIST, 0
        .equ    ROWS, 4
        .equ    COUNTERS, 8
        .equ    PAIRS, 12
        .equ    SIXTEENS, 16
        .equ    PLANES, 20
        .equ    WORDS, 24
/* Locals on the stack. */
        .equ    LIST_END, 0
        .equ    COUNT, 4                @ numbers that wait in `pairs`
        .equ    PLANE, 8                @ counter plane of their weight
        .equ    PLANES_END, 12
        .equ    WORD, 16                @ words done
        .equ    NUMBERS, 20             @ where they are
        .equ    LOCALS, 24
        .equ    SUM, LOCALS             @ the argument, saved

/* void bitloom_conv_rows_add(const bitloom_conv_rows_sum *sum)   frame: bitloom_conv_rows_add 64 */
        function bitloom_conv_rows_add
        push    {r0, r4-r11, lr}
        sub     sp, #LOCALS
        ldr     r1, [r0, #SIXTEENS]
        ldr     r2, [r0, #LIST]
        add     r1, r2, r1, lsl #6
        str     r1, [sp, #LIST_END]
        ldr     r12, [r0, #COUNTERS]
        movs    r1, #0
next_word:                              @ r0 sum, r1 words done, r12 counters of the word
        str     r1, [sp, #WORD]
        ldr     r2, [r0, #PLANES]
        add     r2, r12, r2, lsl #2
        str     r2, [sp, #PLANES_END]
        add     r12, #4
        str     r12, [sp, #PLANE]
        ldr     r3, [r0, #ROWS]
        ldr     lr, [r0, #PAIRS]
        str     lr, [sp, #NUMBERS]
        ldr     r5, [r0, #SIXTEENS]
        str     r5, [sp, #COUNT]
        ldr     r0, [r0, #LIST]
        add     r1, r3, r1, lsl #2
        ldm     r12, {r2-r4}
        and     r5, r5, #7              @ what is over eight sixteens starts in the middle
        tbh     [pc, r5, lsl #1]
starts: .short  (sixteens_8 - starts) / 2, (sixteens_1 - starts) / 2, (sixteens_2 - starts) / 2
        .short  (sixteens_3 - starts) / 2, (sixteens_4 - starts) / 2, (sixteens_5 - starts) / 2
        .short  (sixteens_6 - starts) / 2, (sixteens_7 - starts) / 2
sixteens_8:
        add_sixteen
sixteens_7:
        add_sixteen
sixteens_6:
        add_sixteen
sixteens_5:
        add_sixteen
sixteens_4:
        add_sixteen
sixteens_3:
        add_sixteen
sixteens_2:
        add_sixteen
sixteens_1:
        add_sixteen
        ldr     r12, [sp, #LIST_END]
        cmp     r0, r12
        bne     sixteens_8
        ldr     r12, [sp, #PLANE]
        stm     r12!, {r2-r4}
        ldr     r0, [sp, #NUMBERS]

/* Levels: r12 plane, r0 pairs. */
level:
        ldr     lr, [sp, #COUNT]
        cmp     lr, #4
        bls     last_level
        and     r2, lr, #7
        cmp     r2, #1
        beq     one_more
        cbz     r2, eights
        movs    r5, #0                  @ zeros fill up the last eight
        movs    r6, #0
        movs    r7, #0
        mov     r8, #0
        add     r1, r0, lr, lsl #3
        stm     r1!, {r5-r8}
        stm     r1!, {r5-r8}
        stm     r1!, {r5-r8}
        stm     r1!, {r5-r8}
        add     lr, #7
eights:
        lsr     r5, lr, #3
        str     r5, [sp, #COUNT]
        add     lr, r0, r5, lsl #6
        mov     r1, r0
        str     r12, [sp, #PLANE]
        ldm     r12, {r2-r4}
        lsls    r5, r5, #31
        bne     odd_eight
even_eight:
        add_eight
odd_eight:
        add_eight
        cmp     r0, lr
        bne     even_eight
        ldr     r12, [sp, #PLANE]
        stm     r12!, {r2-r4}
        ldr     r0, [sp, #NUMBERS]
        b       level

/* One number more than eights: cheaper into the counters than with seven zeros. */
one_more:
        ldr     r1, [sp, #PLANES_END]
        sub     lr, #1
        add     r2, r0, lr, lsl #3
        ldrd    r2, r3, [r2]
        mov     r6, r12
        ripple
        mov     r12, r6
        b       eights

/* One to four numbers. */
last_level:
        ldr     r1, [sp, #PLANES_END]
        cmp     lr, #1
        beq     last_number
        cmp     lr, #4
        beq     last_four
        movs    r5, #0
        movs    r6, #0
        add     r2, r0, lr, lsl #3
        strd    r5, r6, [r2]
        strd    r5, r6, [r2, #8]
last_four:
        ldm     r0, {r4-r11}
        ldm     r12, {r2, r3}
        add_two r2, r4, r5, r6, r7
        add_two r2, r8, r9, r10, r11
        add_two r3, r5, r4, r9, r8
        stm     r12!, {r2, r3}
        mov     r2, r4
        mov     r3, r5
        b       last_ripple
last_number:
        ldrd    r2, r3, [r0]
last_ripple:
        ripple
        ldr     r0, [sp, #SUM]
        ldr     r1, [sp, #WORD]
        ldr     r2, [r0, #WORDS]
        ldr     r12, [sp, #PLANES_END]  @ where the counters of the next word begin
        add     r1, #1
        cmp     r1, r2
        bne     next_word
        add     sp, #LOCALS
        pop     {r0, r4-r11, pc}
        .size   bitloom_conv_rows_add, . - bitloom_conv_rows_add

/* void bitloom_conv_rows_copy(const uint32_t *from, uint32_t words, uint32_t *to)   frame: bitloom_conv_rows_copy 32 */
        function bitloom_conv_rows_copy
        push    {r4-r10, lr}
        subs    r1, #8
        blo     2f
1:      ldm     r0!, {r3-r10}
        stm     r2!, {r3-r10}
        subs    r1, #8
        bhs     1b
2:      adds    r1, #8
        beq     4f
3:      ldr     r3, [r0], #4
        str     r3, [r2], #4
        subs    r1, #1
        bne     3b
4:      pop     {r4-r10, pc}
        .size   bitloom_conv_rows_copy, . - bitloom_conv_rows_copy

/*
 * A step of the addition counters + shift of two words that only keeps the carries r8 and r9: the bit of the shift moves
 * into C.
 */
        .macro  carry a, b
        lsrs    r12, r12, #1
        ittee   cs
        orrcs   r8, r8, \a
        orrcs   r9, r9, \b
        andcc   r8, r8, \a
        andcc   r9, r9, \b
        .endm

        .equ    SIGN_PLANES, 8          @ the arguments on the stack
        .equ    SIGN_SHIFT, 12
        .equ    SIGN_WORDS, 16
        .equ    SIGN_FLIP, 56
        .equ    SIGN_SIGNS, 60

/*
 * void bitloom_conv_rows_signs(const uint32_t *counters, uint32_t planes, int32_t shift, uint32_t words,
 *                              uint32_t flip, uint32_t *signs)   frame: bitloom_conv_rows_signs 56
 */
        function bitloom_conv_rows_signs
        push    {r0-r11, lr}
        sub     sp, #4
two_signs:
        ldr     lr, [sp, #SIGN_PLANES]
        ldr     r12, [sp, #SIGN_SHIFT]
        ldr     r4, [sp, #SIGN_WORDS]
        mov     r3, r0
        cmp     r4, #1                  @ a last word alone is its own neighbour
        it      ne
        addne   r3, r0, lr, lsl #2
        mov     r8, #0
        mov     r9, #0
        subs    lr, #5                  @ planes but the sign, four at a time
        blo     2f
1:      ldm     r0!, {r4-r7}
        ldm     r3!, {r1, r2, r10, r11}
        carry   r4, r1
        carry   r5, r2
        carry   r6, r10
        carry   r7, r11
        subs    lr, #4
        bhs     1b
2:      adds    lr, #4
        beq     4f
3:      ldr     r4, [r0], #4
        ldr     r1, [r3], #4
        carry   r4, r1
        subs    lr, #1
        bne     3b
4:      ldr     r4, [r0]
        ldr     r1, [r3], #4
        mov     r0, r3
        ldr     r5, [sp, #SIGN_FLIP]
        ldr     r6, [sp, #SIGN_SIGNS]
        eor     r4, r4, r8
        eor     r1, r1, r9
        lsrs    r12, r12, #1
        it      cs
        mvncs   r5, r5
        eor     r4, r4, r5
        eor     r1, r1, r5
        str     r4, [r6], #4
        ldr     r7, [sp, #SIGN_WORDS]
        subs    r7, #2
        it      hs
        strhs   r1, [r6], #4
        str     r6, [sp, #SIGN_SIGNS]
        str     r7, [sp, #SIGN_WORDS]
        bhi     two_signs
        add     sp, #20
        pop     {r4-r11, pc}
        .size   bitloom_conv_rows_signs, . - bitloom_conv_rows_signs

/* One byte of r3 added to a base. */
        .macro  add_byte to, base, byte
#ifdef __ARM_FEATURE_DSP
        uxtab   \to, \base, r3, ror #8 * \byte
#else
        ubfx    \to, r3, #8 * \byte, #8
        add     \to, \base, \to
#endif
        .endm

/*
 * Pairs i, i + 4, i + 8 and i + 12 of the word r2. The row of pair j has the offset 4 * j + code in rows, the code being
 * the pair's two bits: i * 4 + code fits a byte, even times the words of a row, so that four are made at once.
 */
        .macro  select_four i, shift:vararg
        and     r3, r12, r2 \shift
        .if     \i
        orr     r3, r3, #0x04040404 * \i
        .endif
        mul     r3, r3, lr
        add_byte r8, r4, 0
        add_byte r9, r5, 1
        add_byte r10, r6, 2
        add_byte r11, r7, 3
        stm     r1!, {r8-r11}
        .endm

/*
 * void bitloom_conv_rows_select(const uint32_t *inputs, uint32_t words, uint32_t offset, uint32_t row_step,
 *                               uint32_t *list)   frame: bitloom_conv_rows_select 48
 */
        function bitloom_conv_rows_select
        add     r1, r0, r1, lsl #2
        push    {r1, r3, r4-r11, lr}
        sub     sp, #4
        ldr     r1, [sp, #48]
        mov     lr, r3
        mov     r4, r2                  @ offsets of pairs 0, 4, 8 and 12
        add     r5, r4, lr, lsl #4
        add     r6, r5, lr, lsl #4
        add     r7, r6, lr, lsl #4
        mov     r12, #0x03030303
1:      ldr     r2, [r0], #4
        select_four 0
        select_four 1, , lsr #2
        select_four 2, , lsr #4
        select_four 3, , lsr #6
        add     r4, r4, lr, lsl #6
        add     r5, r5, lr, lsl #6
        add     r6, r6, lr, lsl #6
        add     r7, r7, lr, lsl #6
        ldr     r2, [sp, #4]
        cmp     r0, r2
        bne     1b
        add     sp, #4
        pop     {r1, r3, r4-r11, pc}
        .size   bitloom_conv_rows_select, . - bitloom_conv_rows_select

/* void bitloom_conv_rows_clear(uint32_t *list, uint32_t count)   frame: bitloom_conv_rows_clear 8 */
        function bitloom_conv_rows_clear
        push    {r4, lr}
        movs    r2, #0
        movs    r3, #0
        movs    r4, #0
        mov     r12, #0
        subs    r1, #4
        blo     2f
1:      stm     r0!, {r2-r4, r12}
        subs    r1, #4
        bhs     1b
2:      adds    r1, #4
        beq     4f
3:      str     r2, [r0], #4
        subs    r1, #1
        bne     3b
4:      pop     {r4, pc}
        .size   bitloom_conv_rows_clear, . - bitloom_conv_rows_clear

/* Two inputs from the top of the word r6: one moves into C, the next becomes the sign. Rows r2 and r7 are theirs. */
        .macro  select_two shift
        lsls    r6, r6, #\shift
        it      cs
        strcs   r2, [r5], #4
        it      mi
        strmi   r7, [r5], #4
        sub     r2, r2, r3, lsl #1
        sub     r7, r7, r3, lsl #1
        .endm

/*
 * uint32_t *bitloom_conv_rows_select_inputs(const uint32_t *inputs, uint32_t words, uint32_t offset,
 *                                           uint32_t row_step, uint32_t flip, uint32_t *list)
 * frame: bitloom_conv_rows_select_inputs 24
 */
        function bitloom_conv_rows_select_inputs
        push    {r4-r8, lr}
        ldrd    r4, r5, [sp, #24]
        sub     r2, r2, r3
        add     r1, r0, r1, lsl #2
1:      cmp     r0, r1
        beq     2f
        ldr     r6, [r0], #4
        add     r2, r2, r3, lsl #5      @ the row of input 31
        eor     r6, r6, r4
        sub     r7, r2, r3
        mov     r8, r2
        select_two 1
        .rept   15
        select_two 2
        .endr
        mov     r2, r8
        b       1b
2:      mov     r0, r5
        pop     {r4-r8, pc}
        .size   bitloom_conv_rows_select_inputs, . - bitloom_conv_rows_select_inputs

/* v6-M and v8-M baseline: C, but for the loop that adds rows. */
#elif defined(__thumb__) && !defined(BITLOOM_PORTABLE_C)

        .syntax unified
        .thumb
        .text

/* As above: two numbers into plane z, the result in (p1, x1). Two operands per instruction cost one move. */
        .macro  add_two z, x1, p1, x2, p2
        eors    \x1, \z
        eors    \z, \p1
        orrs    \x1, \p1
        movs    \p1, \x1
        eors    \p1, \z
        eors    \x2, \z
        bics    \x2, \p2
        eors    \z, \p2
        eors    \x1, \x2
        .endm

/* Four rows of the list r0 into plane r2; leaves a number of weight 2 in (r5, r4). */
        .macro  add_four
        ldm     r0!, {r4-r7}
        ldr     r4, [r1, r4]
        ldr     r5, [r1, r5]
        ldr     r6, [r1, r6]
        ldr     r7, [r1, r7]
        eors    r5, r4
        eors    r7, r6
        add_two r2, r4, r5, r6, r7
        .endm

/* The number in (r5, r4) and an earlier one in the high registers x, p into the plane in r10; leaves (r7, r6). */
        .macro  add_earlier x, p
        mov     r3, r10
        mov     r6, \x
        mov     r7, \p
        add_two r3, r6, r7, r5, r4
        mov     r10, r3
        .endm

/*
 * void bitloom_conv_rows_sixteens(const uint32_t *list, const uint32_t *rows, uint32_t *counters, uint32_t *pairs,
 *                                 const uint32_t *list_end)   frame: bitloom_conv_rows_sixteens 48
 */
        .global bitloom_conv_rows_sixteens
        .type   bitloom_conv_rows_sixteens, %function
        .thumb_func
        .balign 4
bitloom_conv_rows_sixteens:
        push    {r4-r7, lr}
        mov     r4, r8
        mov     r5, r9
        mov     r6, r10
        mov     r7, r11
        push    {r4-r7}
        ldr     r4, [sp, #36]
        movs    r5, r2
        push    {r3-r5}                 @ pairs, end of the list, counters
        ldr     r3, [r2, #4]
        mov     r10, r3                 @ plane of weight 2
        ldr     r3, [r2, #8]
        mov     lr, r3                  @ plane of weight 4
        ldr     r2, [r2]
1:      add_four
        mov     r8, r5
        mov     r9, r4
        add_four
        add_earlier r8, r9
        mov     r8, r7
        mov     r9, r6
        add_four
        mov     r11, r5
        mov     r12, r4
        add_four
        add_earlier r11, r12
        mov     r3, lr
        mov     r5, r8
        mov     r4, r9
        add_two r3, r5, r4, r7, r6
        mov     lr, r3
        ldr     r3, [sp]
        stm     r3!, {r4, r5}
        str     r3, [sp]
        ldr     r3, [sp, #4]
        cmp     r0, r3
        bne     1b
        ldr     r3, [sp, #8]
        str     r2, [r3]
        mov     r4, r10
        str     r4, [r3, #4]
        mov     r4, lr
        str     r4, [r3, #8]
        add     sp, #12
        pop     {r4-r7}
        mov     r8, r4
        mov     r9, r5
        mov     r10, r6
        mov     r11, r7
        pop     {r4-r7, pc}
        .size   bitloom_conv_rows_sixteens, . - bitloom_conv_rows_sixteens

#endif
