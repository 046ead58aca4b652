/*
 * Which version of the inner loops a core gets: shared by C and assembly. Internal.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_CONV_IMAGE_ARCH_H
#define BITLOOM_CONV_IMAGE_ARCH_H

/* BITLOOM_PORTABLE_C builds the C version everywhere. */
#if defined(__ARM_ARCH_ISA_THUMB) && !defined(BITLOOM_PORTABLE_C)
#if __ARM_ARCH_PROFILE == 'M'
#define BITLOOM_CONV_IMAGE_ASSEMBLY __ARM_ARCH_ISA_THUMB
#endif
#endif
#ifndef BITLOOM_CONV_IMAGE_ASSEMBLY
#define BITLOOM_CONV_IMAGE_ASSEMBLY 0
#endif
/* Of the assembly, a core with MVE takes the packing. */
#if BITLOOM_CONV_IMAGE_ASSEMBLY == 2 && defined(__ARM_FEATURE_MVE)
#define BITLOOM_CONV_IMAGE_MVE 1
#else
#define BITLOOM_CONV_IMAGE_MVE 0
#endif

#endif
