/*
 * A window that slides over a map: which of its taps lie inside.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_WINDOW_H
#define BITLOOM_WINDOW_H

#include <stdint.h>

typedef struct {
    uint32_t height;        /* rows of the input map */
    uint32_t width;         /* pixels of an input row */
    uint32_t output_width;  /* pixels of an output row */
    uint16_t kernel_height; /* taps */
    uint16_t kernel_width;
    uint16_t stride_y;
    uint16_t stride_x;
    uint16_t dilation_y; /* distance of taps */
    uint16_t dilation_x;
    uint16_t pad_top; /* rows above the map where the first window starts */
    uint16_t pad_left;
} bitloom_window;

/* The taps [first, end) of a window lie inside the map along one axis; tap t is at start + t * dilation. */
typedef struct {
    int32_t start;
    uint32_t first;
    uint32_t end;
} bitloom_taps;

/* Steps of `dilation` that cover `distance`, rounded up. No division, a library call on v6-M, without
 * dilation. */
static inline uint32_t bitloom_steps(uint32_t distance, uint32_t dilation) {
    return dilation == 1U ? distance : (distance + dilation - 1U) / dilation;
}

static inline bitloom_taps bitloom_taps_inside(int32_t start, uint32_t size, uint32_t kernel,
                                               uint32_t dilation) {
    bitloom_taps taps;
    uint32_t steps;
    taps.start = start;
    taps.first = 0U;
    taps.end = 0U;
    if (start < 0) {
        steps = bitloom_steps((uint32_t)-start, dilation);
        taps.first = steps < kernel ? steps : kernel;
    }
    if (start < (int32_t)size) {
        steps = bitloom_steps((uint32_t)((int32_t)size - start), dilation);
        taps.end = steps < kernel ? steps : kernel;
    }
    if (taps.end < taps.first) {
        taps.end = taps.first;
    }
    return taps;
}

static inline bitloom_taps bitloom_rows_inside(const bitloom_window *window, uint32_t y) {
    return bitloom_taps_inside((int32_t)(y * window->stride_y) - (int32_t)window->pad_top, window->height,
                               window->kernel_height, window->dilation_y);
}

static inline bitloom_taps bitloom_columns_inside(const bitloom_window *window, uint32_t x) {
    return bitloom_taps_inside((int32_t)(x * window->stride_x) - (int32_t)window->pad_left, window->width,
                               window->kernel_width, window->dilation_x);
}

/* Position of a tap that lies inside. */
static inline uint32_t bitloom_tap_at(const bitloom_taps *taps, uint32_t tap, uint32_t dilation) {
    return (uint32_t)(taps->start + (int32_t)(tap * dilation));
}

#endif
