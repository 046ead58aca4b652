/*
 * The multiply-accumulate loops of bitloom_conv_bytes_packed for cores with Thumb-2 and the DSP extension.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#if defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(BITLOOM_PORTABLE_C)

        .syntax unified
        .thumb
        .text

/* Two inputs of the values x0 and x1 of two pixels by the fields of the word r3 that begin at `bit` and 16 above it. */
        .macro  multiply_fields bit, x0, x1, sum0, sum1
        .if     \bit
        and     r12, lr, r3, lsr #\bit
        .else
        and     r12, lr, r3
        .endif
        smlad   \sum0, r12, \x0, \sum0
        smlad   \sum1, r12, \x1, \sum1
        .endm

        .macro  four_inputs bit
        ldrd    r8, r9, [r0], #8
        ldrd    r10, r11, [r1], #8
        multiply_fields (\bit), r8, r10, r4, r6
        multiply_fields (\bit + 4), r9, r11, r4, r6
        multiply_fields (\bit + 8), r8, r10, r5, r7
        multiply_fields (\bit + 12), r9, r11, r5, r7
        .endm

/* Goes on at `again` before the end of the inputs. */
        .macro  repeat again
        ldr     r12, [sp]
        cmp     r0, r12
        bne     \again
        .endm

/*
 * void bitloom_conv_bytes_packed_multiply(const int16_t *x0, const int16_t *x1, const uint32_t *words, uint32_t fours,
 *                                         uint32_t bits, int32_t *sums)   frame: bitloom_conv_bytes_packed_multiply 40
 */
        .section .text.bitloom_conv_bytes_packed_multiply, "ax", %progbits
        .global bitloom_conv_bytes_packed_multiply
        .type   bitloom_conv_bytes_packed_multiply, %function
        .thumb_func
        .balign 4
bitloom_conv_bytes_packed_multiply:
        push    {r3-r11, lr}
        add     r12, r0, r3, lsl #3     @ end of x0
        str     r12, [sp]
        movs    r4, #0
        movs    r5, #0
        movs    r6, #0
        movs    r7, #0
        ldr     r12, [sp, #40]
        cmp     r12, #2
        beq     2f
        bhi     4f
        mov     lr, #0x00010001
1:      ldr     r3, [r2], #4
        four_inputs 0
        four_inputs 1
        four_inputs 2
        four_inputs 3
        repeat  1b
        b       9f
2:      mov     lr, #0x00030003
3:      ldr     r3, [r2], #4
        four_inputs 0
        four_inputs 2
        repeat  3b
        b       9f
4:      mov     lr, #0x000f000f
        lsls    r3, r3, #31
        bne     6f                      @ an odd number of fours starts in the middle
5:      ldr     r3, [r2], #4
        four_inputs 0
6:      ldr     r3, [r2], #4
        four_inputs 0
        repeat  5b
9:      ldr     r0, [sp, #44]
        stm     r0, {r4-r7}
        pop     {r3-r11, pc}
        .size   bitloom_conv_bytes_packed_multiply, . - bitloom_conv_bytes_packed_multiply

/* The same for one pixel, whose values are r6 and r7, with the end of its inputs in r5. */
        .macro  multiply_fields_once bit, x, sum
        .if     \bit
        and     r12, lr, r8, lsr #\bit
        .else
        and     r12, lr, r8
        .endif
        smlad   \sum, r12, \x, \sum
        .endm

        .macro  four_inputs_once bit
        ldrd    r6, r7, [r0], #8
        multiply_fields_once (\bit), r6, r3
        multiply_fields_once (\bit + 4), r7, r3
        multiply_fields_once (\bit + 8), r6, r4
        multiply_fields_once (\bit + 12), r7, r4
        .endm

/*
 * void bitloom_conv_bytes_packed_multiply_once(const int16_t *x, const uint32_t *words, uint32_t fours, uint32_t bits,
 *                                              int32_t *sums)   frame: bitloom_conv_bytes_packed_multiply_once 24
 */
        .section .text.bitloom_conv_bytes_packed_multiply_once, "ax", %progbits
        .global bitloom_conv_bytes_packed_multiply_once
        .type   bitloom_conv_bytes_packed_multiply_once, %function
        .thumb_func
        .balign 4
bitloom_conv_bytes_packed_multiply_once:
        push    {r4-r8, lr}
        add     r5, r0, r2, lsl #3
        mov     r12, r3
        movs    r3, #0
        movs    r4, #0
        cmp     r12, #2
        beq     2f
        bhi     4f
        mov     lr, #0x00010001
1:      ldr     r8, [r1], #4
        four_inputs_once 0
        four_inputs_once 1
        four_inputs_once 2
        four_inputs_once 3
        cmp     r0, r5
        bne     1b
        b       9f
2:      mov     lr, #0x00030003
3:      ldr     r8, [r1], #4
        four_inputs_once 0
        four_inputs_once 2
        cmp     r0, r5
        bne     3b
        b       9f
4:      mov     lr, #0x000f000f
5:      ldr     r8, [r1], #4
        four_inputs_once 0
        cmp     r0, r5
        bne     5b
9:      ldr     r0, [sp, #24]
        strd    r3, r4, [r0]
        pop     {r4-r8, pc}
        .size   bitloom_conv_bytes_packed_multiply_once, . - bitloom_conv_bytes_packed_multiply_once

#endif
