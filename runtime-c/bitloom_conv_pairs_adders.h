/*
 * Bit-sliced adders of bitloom_conv_pairs and bitloom_conv_planes: macros for assembly. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_ADDERS_H
#define BITLOOM_CONV_PAIRS_ADDERS_H

/* clang-format off */
#ifdef __ASSEMBLER__

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

#endif
/* clang-format on */

#endif
