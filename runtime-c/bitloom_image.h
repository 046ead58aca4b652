/**
 * @file
 * Pixels of a camera's frame. Header-only: what is not called takes no flash.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_IMAGE_H
#define BITLOOM_IMAGE_H

#include <stdint.h>

/** How the pixels of a frame are stored. For a model trained on BGR images name the opposite order. */
typedef enum {
    BITLOOM_PIXELS_GREY,          /**< 1 byte */
    BITLOOM_PIXELS_RGB,           /**< 3 bytes: red, green, blue */
    BITLOOM_PIXELS_BGR,           /**< 3 bytes: blue, green, red */
    BITLOOM_PIXELS_RGB565,        /**< 16-bit words, red in the upper 5 bits, low byte first */
    BITLOOM_PIXELS_RGB565_SWAPPED /**< the same, high byte first, as OmniVision's cameras send it */
} bitloom_pixels;

/** A frame in memory and the part of it that a model sees. */
typedef struct {
    const uint8_t *pixels; /**< the frame's first byte; no alignment is needed */
    uint32_t row_bytes;    /**< from one row of the frame to the next */
    bitloom_pixels format; /**< how pixels are stored */
    uint32_t left;         /**< first column that the model sees */
    uint32_t top;          /**< first row that the model sees */
    uint32_t step;         /**< takes every so manieth pixel of every so manieth row; 0 and 1: all */
} bitloom_image;

/* Red, green and blue in the bytes of a word, red highest. */
static inline uint32_t bitloom_rgb(uint32_t red, uint32_t green, uint32_t blue) {
    return red << 16 | green << 8 | blue;
}

/* The upper bits of 5 and 6 bits fill the lower ones of 8, so that white is 255. */
static inline uint32_t bitloom_rgb_of_565(uint32_t word) {
    const uint32_t red = word >> 11;
    const uint32_t green = word >> 5 & 63U;
    const uint32_t blue = word & 31U;
    return bitloom_rgb(red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2);
}

/**
 * One pixel of what the model sees, as 0x00RRGGBB; grey ones have three equal bytes.
 *
 * @param image  the frame; the pixel must lie in it
 * @param column counted in taken pixels from `left`
 * @param row    counted in taken rows from `top`
 */
static inline uint32_t bitloom_image_pixel(const bitloom_image *image, uint32_t column, uint32_t row) {
    const uint32_t step = image->step == 0U ? 1U : image->step;
    const uint8_t *line = image->pixels + (image->top + row * step) * image->row_bytes;
    const uint32_t x = image->left + column * step;
    switch (image->format) {
    case BITLOOM_PIXELS_RGB:
        return bitloom_rgb(line[3U * x], line[3U * x + 1U], line[3U * x + 2U]);
    case BITLOOM_PIXELS_BGR:
        return bitloom_rgb(line[3U * x + 2U], line[3U * x + 1U], line[3U * x]);
    case BITLOOM_PIXELS_RGB565:
        return bitloom_rgb_of_565((uint32_t)line[2U * x + 1U] << 8 | line[2U * x]);
    case BITLOOM_PIXELS_RGB565_SWAPPED:
        return bitloom_rgb_of_565((uint32_t)line[2U * x] << 8 | line[2U * x + 1U]);
    case BITLOOM_PIXELS_GREY:
    default:
        return bitloom_rgb(line[x], line[x], line[x]);
    }
}

/** One channel of a pixel of bitloom_image_pixel: 0 red, 1 green, 2 blue. */
static inline uint8_t bitloom_channel(uint32_t pixel, uint32_t channel) {
    return (uint8_t)(pixel >> (16U - 8U * channel));
}

/** (77 red + 150 green + 29 blue + 128) / 256 of a pixel: the luma of BT.601; grey stays as it is. */
static inline uint8_t bitloom_luma(uint32_t pixel) {
    const uint32_t sum = 77U * bitloom_channel(pixel, 0U) + 150U * bitloom_channel(pixel, 1U) +
                         29U * bitloom_channel(pixel, 2U);
    return (uint8_t)((sum + 128U) >> 8);
}

#endif
