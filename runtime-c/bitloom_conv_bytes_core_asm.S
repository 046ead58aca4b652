/*
 * The multiply-accumulate loop of bitloom_conv_bytes for cores with Thumb-2 and the DSP extension.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)

        .syntax unified
        .thumb
        .text

/* Four weights of an output, whose bytes 0 and 2 are the first two, by the values r8, r9 and r10, r11 of two pixels. */
        .macro  multiply_four weights, sum0, sum1
        ldr     r12, [\weights], #4
        sxtb16  lr, r12
        sxtb16  r12, r12, ror #8
        smlad   \sum0, lr, r8, \sum0
        smlad   \sum1, lr, r10, \sum1
        smlad   \sum0, r12, r9, \sum0
        smlad   \sum1, r12, r11, \sum1
        .endm

        .macro  four_inputs
        ldrd    r8, r9, [r0], #8
        ldrd    r10, r11, [r1], #8
        multiply_four r2, r4, r6
        multiply_four r3, r5, r7
        .endm

/*
 * void bitloom_conv_bytes_multiply(const int16_t *x0, const int16_t *x1, const int8_t *w0, const int8_t *w1, uint32_t fours,
 *                                  int32_t *sums)   frame: bitloom_conv_bytes_multiply 40
 * sums: pixel 0 output 0, pixel 0 output 1, pixel 1 output 0, pixel 1 output 1.
 */
        .global bitloom_conv_bytes_multiply
        .type   bitloom_conv_bytes_multiply, %function
        .thumb_func
        .balign 4
bitloom_conv_bytes_multiply:
        push    {r3-r11, lr}
        ldr     r12, [sp, #40]
        add     r8, r0, r12, lsl #3     @ end of x0
        str     r8, [sp]
        movs    r4, #0
        movs    r5, #0
        movs    r6, #0
        movs    r7, #0
        lsls    r12, r12, #31
        beq     2f                      @ an odd number of fours starts in the middle
        b       3f
2:      four_inputs
3:      four_inputs
        ldr     r12, [sp]
        cmp     r0, r12
        bne     2b
        ldr     r0, [sp, #44]
        stm     r0, {r4-r7}
        pop     {r3-r11, pc}
        .size   bitloom_conv_bytes_multiply, . - bitloom_conv_bytes_multiply

/* The same for one pixel, whose values are r8 and r9. */
        .macro  multiply_four_once weights, sum
        ldr     r10, [\weights], #4
        sxtb16  r11, r10
        sxtb16  r10, r10, ror #8
        smlad   \sum, r11, r8, \sum
        smlad   \sum, r10, r9, \sum
        .endm

        .macro  four_inputs_once
        ldrd    r8, r9, [r0], #8
        multiply_four_once r1, r4
        multiply_four_once r2, r5
        .endm

/*
 * void bitloom_conv_bytes_multiply_once(const int16_t *x, const int8_t *w0, const int8_t *w1, uint32_t fours, int32_t *sums)
 * frame: bitloom_conv_bytes_multiply_once 32
 */
        .global bitloom_conv_bytes_multiply_once
        .type   bitloom_conv_bytes_multiply_once, %function
        .thumb_func
        .balign 4
bitloom_conv_bytes_multiply_once:
        push    {r4, r5, r7-r11, lr}
        add     r7, r0, r3, lsl #3      @ end of x
        movs    r4, #0
        movs    r5, #0
        lsls    r3, r3, #31
        bne     3f
2:      four_inputs_once
3:      four_inputs_once
        cmp     r0, r7
        bne     2b
        ldr     r0, [sp, #32]
        strd    r4, r5, [r0]
        pop     {r4, r5, r7-r11, pc}
        .size   bitloom_conv_bytes_multiply_once, . - bitloom_conv_bytes_multiply_once

/* int32_t bitloom_conv_bytes_sum(const int16_t *values, uint32_t fours)   frame: bitloom_conv_bytes_sum 8 */
        .global bitloom_conv_bytes_sum
        .type   bitloom_conv_bytes_sum, %function
        .thumb_func
        .balign 4
bitloom_conv_bytes_sum:
        push    {r4, lr}
        mov     lr, #0x00010001
        movs    r4, #0
1:      ldrd    r2, r3, [r0], #8
        smlad   r4, r2, lr, r4
        smlad   r4, r3, lr, r4
        subs    r1, r1, #1
        bne     1b
        mov     r0, r4
        pop     {r4, pc}
        .size   bitloom_conv_bytes_sum, . - bitloom_conv_bytes_sum

#endif
