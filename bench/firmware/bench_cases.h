/* The table that the generated bench_cases.c holds; BENCH_... come from the generated bench_sizes.h. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "bench_sizes.h"

#include <stdint.h>

typedef struct {
    int (*run)(const void *input, void *output);
    const uint32_t *inputs[BENCH_INPUTS];
    uint32_t output_bytes;
} bench_case;

extern const bench_case bench_cases[BENCH_CASES];

#endif
