/**
 * @file
 * bitloom runtime: what generated models and kernels share.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_RUNTIME_H
#define BITLOOM_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

/** Version of this runtime; generated code refuses to compile with another one. */
#define BITLOOM_RUNTIME_VERSION 4

/* Status codes of every generated function that can fail. */
#define BITLOOM_OK 0                /**< done */
#define BITLOOM_DONE 1              /**< a push that completes an input: the output is there */
#define BITLOOM_ERROR_ARGUMENT (-1) /**< a null pointer or a misaligned arena */
#define BITLOOM_ERROR_INPUT (-2)    /**< the input holds a NaN or an infinity */
#define BITLOOM_ERROR_SELFTEST (-3) /**< an output differs from the known answer */
/** The constants of this layer in memory are not the ones that were generated. */
#define BITLOOM_ERROR_LAYER(layer) (-16 - (layer))

/**
 * Stands before every public declaration of a generated library. By default it is visible in a shared library
 * that is built with hidden symbols; define it for anything else, e.g. a section of fast memory or an export
 * of Windows.
 */
#ifndef BITLOOM_API
#if (defined(__GNUC__) || defined(__clang__)) && defined(__ELF__)
#define BITLOOM_API __attribute__((visibility("default")))
#else
#define BITLOOM_API
#endif
#endif

/**
 * Makes compilers warn where a status is ignored: after a misaligned arena nothing runs. Define it as nothing
 * to be rid of that.
 */
#ifndef BITLOOM_NODISCARD
#if defined(__cplusplus) && __cplusplus >= 201703L
#define BITLOOM_NODISCARD [[nodiscard]]
#elif defined(__GNUC__) || defined(__clang__)
#define BITLOOM_NODISCARD __attribute__((warn_unused_result))
#else
#define BITLOOM_NODISCARD
#endif
#endif

/** A condition that the compiler checks: by the words of C11 and C++11, or by an array of negative size. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define BITLOOM_STATIC_ASSERT(condition, symbol, message) static_assert(condition, message)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define BITLOOM_STATIC_ASSERT(condition, symbol, message) _Static_assert(condition, message)
#else
#define BITLOOM_STATIC_ASSERT(condition, symbol, message) extern const char symbol[(condition) ? 1 : -1]
#endif

/** Alignment of a variable in bytes; 0 where the compiler cannot tell. */
#if defined(__GNUC__) || defined(__clang__)
#define BITLOOM_ALIGNMENT_OF(variable) __alignof__(variable)
#else
#define BITLOOM_ALIGNMENT_OF(variable) 0U
#endif

/** One symbol per layer, so that profilers and traces can tell layers apart. */
#if defined(__GNUC__) || defined(__clang__)
#define BITLOOM_NOINLINE __attribute__((noinline))
#else
#define BITLOOM_NOINLINE
#endif

/**
 * Rows of a tensor. Row y lives in slot y % rows, so that a consumer may keep only the rows it still needs;
 * a whole map is a ring of its height. `row_bytes` is the distance between slots.
 *
 * A kernel may be called with an output that begins where an input does, both whole, if the compiler found
 * that it reads all that it overwrites before: the order of reads and writes in a kernel is part of what it
 * promises, and no pointer is `restrict`.
 */
typedef struct {
    void *base;         /**< slot 0 */
    uint32_t row_bytes; /**< from slot to slot */
    uint32_t rows;      /**< slots */
} bitloom_ring;

/** Rows that are only read. */
typedef struct {
    const void *base;   /**< slot 0 */
    uint32_t row_bytes; /**< from slot to slot */
    uint32_t rows;      /**< slots */
} bitloom_const_ring;

static inline uint32_t bitloom_ring_offset(uint32_t y, uint32_t row_bytes, uint32_t rows) {
    /* Division is a library call on v6-M: whole maps never need it. */
    return (y < rows ? y : y % rows) * row_bytes;
}

static inline void *bitloom_row(const bitloom_ring *ring, uint32_t y) {
    return (uint8_t *)ring->base + bitloom_ring_offset(y, ring->row_bytes, ring->rows);
}

static inline const void *bitloom_const_row(const bitloom_const_ring *ring, uint32_t y) {
    return (const uint8_t *)ring->base + bitloom_ring_offset(y, ring->row_bytes, ring->rows);
}

/**
 * Whether an output row can be computed that reads the input rows from `row * stride - pad` to `span` rows
 * on, where `have` of the input's `rows` rows exist.
 */
static inline int bitloom_row_is_ready(uint32_t row, uint32_t have, uint32_t rows, uint32_t span,
                                       uint32_t stride, uint32_t pad) {
    return have >= rows || row * stride + span <= have + pad;
}

#ifdef BITLOOM_TRACE
#ifdef __cplusplus
extern "C" {
#endif
/* Called by trace builds for every program tensor, in program order, with its canonical bytes. */
void bitloom_trace_tensor(unsigned int tensor, const void *canonical, size_t bytes);
#ifdef __cplusplus
}
#endif
#endif

#endif
