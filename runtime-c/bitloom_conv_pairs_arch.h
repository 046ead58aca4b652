/*
 * Which version of the inner loops a core gets: shared by C and assembly. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_PAIRS_ARCH_H
#define BITLOOM_CONV_PAIRS_ARCH_H

/* Thumb-2 cores, and Thumb-1 cores for the most of it; BITLOOM_PORTABLE_C builds the C version on them too.
 */
#if defined(__ARM_ARCH_ISA_THUMB) && !defined(BITLOOM_PORTABLE_C)
#if __ARM_ARCH_ISA_THUMB == 2 && __ARM_ARCH_PROFILE == 'M'
#define BITLOOM_CONV_PAIRS_ASSEMBLY 1
#elif __ARM_ARCH_ISA_THUMB == 1 && __ARM_ARCH_PROFILE == 'M'
#define BITLOOM_CONV_PAIRS_ASSEMBLY_V6M 1
#endif
#endif

#if defined(__GNUC__)
/* For what runs seldom: as short as can be. */
#define BITLOOM_CONV_PAIRS_SMALL __attribute__((cold))
/* For what such functions do most of the time. */
#define BITLOOM_CONV_PAIRS_FAST __attribute__((noinline, hot))
#else
#define BITLOOM_CONV_PAIRS_SMALL
#define BITLOOM_CONV_PAIRS_FAST
#endif

#endif
