/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_tables_mve_map.h"

#include "bitloom_v128_bytes.h"

typedef bitloom_conv_tables_mve_tile tile_type;
typedef bitloom_conv_tables_mve_sizes sizes_type;

/* x ^ y of the two pairs of 4 bits, counted. */
static const uint8_t unequal[16] = {0U, 1U, 1U, 0U, 1U, 2U, 2U, 1U, 1U, 2U, 2U, 1U, 0U, 1U, 1U, 0U};

/* Writes whole words of 16: up to 15 bytes too many. */
static void fill(uint8_t *to, uint32_t byte, uint32_t bytes) {
    const bitloom_v128 all = bitloom_v128_bytes(byte);
    uint8_t *const end = to + bytes;
    for (; to < end; to += 16)
        bitloom_v128_store(to, all);
}

/* The image of nothing but padding. Each plane is written after the one before it. */
static BITLOOM_NOINLINE void fill_image(const tile_type *tile) {
    const sizes_type *sizes = tile->sizes;
    const uint32_t odd = tile->layer->channels & 3U;
    const uint32_t is_plus = tile->layer->padding == BITLOOM_CONV_TABLES_MVE_PLUS ? 1U : 0U;
    uint8_t *image = tile->scratch + sizes->image;
    uint32_t quad = 0U;
    uint32_t plane;
    for (plane = 0U; plane < sizes->image_planes; plane++) {
        uint32_t bits = is_plus != 0U ? 15U : 0U;
        if (++quad == sizes->quads) {
            quad = 0U;
            if (odd != 0U)
                bits &= (1U << odd) - 1U;
        }
        fill(image, bits | bitloom_conv_tables_mve_slot(plane, sizes->image_planes) << 4, sizes->plane_bytes);
        image += sizes->plane_bytes;
    }
    fill(tile->scratch + sizes->counts, is_plus & odd, sizes->plane_bytes);
}

/* Pixels of a row: where they come from, how far apart they are, and how many. */
typedef struct {
    const uint8_t *from;
    uint32_t step;
    uint32_t count;
    uint8_t *to; /* in the first plane of the image */
    uint8_t *counts;
} pixels_type;

#ifdef BITLOOM_V128_MVE

static inline uint16x8_t write_quad(const sizes_type *sizes, uint8_t *to, uint32_t plane, uint16x8_t bits,
                                    uint16x8_t count, mve_pred16_t valid) {
    const uint32_t slot = bitloom_conv_tables_mve_slot(plane, sizes->image_planes) << 4;
    vstrbq_p_u16(to + plane * sizes->plane_bytes, vorrq_u16(bits, vdupq_n_u16((uint16_t)slot)), valid);
    return vaddq_u16(count, vldrbq_gather_offset_u16(unequal, bits));
}

/* 8 pixels at a time. */
static BITLOOM_NOINLINE void write_pixels(const sizes_type *sizes, const pixels_type *pixels) {
    const uint16x8_t low = vdupq_n_u16(15U);
    const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0U, 1), (uint16_t)pixels->step);
    uint32_t done, quad, first;
    for (done = 0U; done < pixels->count; done += 8U) {
        const mve_pred16_t valid = vctp16q(pixels->count - done);
        for (first = 0U; first < sizes->image_planes; first += sizes->quads) {
            const uint8_t *from = pixels->from + done * pixels->step;
            uint16x8_t count = vdupq_n_u16(0U);
            for (quad = 0U; quad < sizes->quads; quad += 2U) {
                const uint16x8_t bits = vldrbq_gather_offset_z_u16(from++, places, valid);
                count =
                    write_quad(sizes, pixels->to + done, first + quad, vandq_u16(bits, low), count, valid);
                if (quad + 1U < sizes->quads) {
                    count = write_quad(sizes, pixels->to + done, first + quad + 1U, vshrq_n_u16(bits, 4),
                                       count, valid);
                }
            }
            vstrbq_p_u16(pixels->counts + done, count, valid);
        }
    }
}

#else

static void write_pixels(const sizes_type *sizes, const pixels_type *pixels) {
    uint32_t pixel, plane;
    for (pixel = 0U; pixel < pixels->count; pixel++) {
        const uint8_t *from = pixels->from + pixel * pixels->step;
        uint32_t count = 0U;
        for (plane = 0U; plane < sizes->image_planes; plane++) {
            const uint32_t quad = plane % sizes->quads;
            const uint32_t bits = (uint32_t)from[quad / 2U] >> 4U * (quad & 1U) & 15U;
            const uint32_t slot = bitloom_conv_tables_mve_slot(plane, sizes->image_planes);
            pixels->to[plane * sizes->plane_bytes + pixel] = (uint8_t)(bits | slot << 4);
            if (plane < sizes->quads)
                count += unequal[bits];
        }
        pixels->counts[pixel] = (uint8_t)count;
    }
}

#endif

void bitloom_conv_tables_mve_read(const tile_type *tile) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    const int32_t first_y = (int32_t)(tile->y * layer->stride_y) - layer->pad_top;
    const int32_t first_x = (int32_t)(tile->x * layer->stride_x) - layer->pad_left;
    const int32_t end_y = first_y + (int32_t)((tile->rows - 1U) * layer->stride_y +
                                              (layer->kernel_height - 1U) * layer->dilation_y + 1U);
    const int32_t end_x = first_x + (int32_t)((tile->columns - 1U) * layer->stride_x +
                                              (layer->kernel_width - 1U) * layer->dilation_x + 1U);
    const int32_t left = first_x > 0 ? first_x : 0;
    const int32_t right = end_x < (int32_t)layer->width ? end_x : (int32_t)layer->width;
    const uint32_t channels = (uint32_t)layer->channels * layer->groups;
    pixels_type pixels;
    int32_t y;
    if (first_y < 0 || first_x < 0 || end_y > (int32_t)layer->height || end_x > (int32_t)layer->width)
        fill_image(tile);
    if (right <= left)
        return;
    pixels.step = (channels + 31U) / 32U * 4U;
    pixels.count = (uint32_t)(right - left);
    for (y = first_y > 0 ? first_y : 0; y < end_y && y < (int32_t)layer->height; y++) {
        const uint32_t at = (uint32_t)(y - first_y) * sizes->pitch + (uint32_t)(left - first_x);
        pixels.from = (const uint8_t *)bitloom_const_row(tile->input, (uint32_t)y) +
                      (uint32_t)left * pixels.step + tile->group * layer->channels / 8U;
        pixels.to = tile->scratch + sizes->image + at;
        pixels.counts = tile->scratch + sizes->counts + at;
        write_pixels(sizes, &pixels);
    }
}

void bitloom_conv_tables_mve_count(const tile_type *tile, uint32_t start, const uint8_t *positions,
                                   uint16_t *masks) {
    const sizes_type *sizes = tile->sizes;
    uint16_t *sums = (uint16_t *)(void *)(tile->scratch + sizes->rows);
    const uint8_t *counts = tile->scratch + sizes->counts + start;
    uint32_t ky, kx, plane;
    bitloom_v128_store(sums, bitloom_v128_all(0U));
    bitloom_v128_store(sums + 8, bitloom_v128_all(0U));
    for (ky = 0U; ky < tile->layer->kernel_height; ky++) {
        for (kx = 0U; kx < tile->layer->kernel_width; kx++)
            bitloom_v128_add_gathered(sums, counts + bitloom_conv_tables_mve_tap(tile, ky, kx), positions);
    }
    for (plane = 0U; plane < sizes->mask_count; plane++)
        masks[plane] = (uint16_t)bitloom_v128_mask_of_bit(sums, plane);
}
