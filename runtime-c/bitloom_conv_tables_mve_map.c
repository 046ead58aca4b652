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
        fill(image, bits + tile->scratch[sizes->slots + plane], sizes->plane_bytes);
        image += sizes->plane_bytes;
    }
    fill(tile->scratch + sizes->counts, is_plus & odd, sizes->plane_bytes);
}

/* Pixels of a row: where they come from, how far apart they are, and how many. */
typedef struct {
    const uint8_t *from;
    uint32_t step;
    uint32_t shift; /* of the group's first bit */
    uint32_t count;
    uint8_t *to; /* in the first plane of the image */
    uint8_t *counts;
} pixels_type;

#ifdef BITLOOM_V128_MVE

/* Bytes of up to 16 pixels. */
static inline uint8x16_t load_bytes(const uint8_t *from, uint32_t step, uint32_t count) {
    const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0U, 1), (uint16_t)step);
    uint8_t bytes[16];
    vstrbq_u16(bytes, vldrbq_gather_offset_z_u16(from, places, vctp16q(count)));
    if (count > 8U)
        vstrbq_u16(bytes + 8, vldrbq_gather_offset_z_u16(from + 8U * step, places, vctp16q(count - 8U)));
    return vldrbq_u8(bytes);
}

/* 8 channels, of which `left` exist. */
static inline uint8x16_t load_channels(const pixels_type *pixels, const uint8_t *from, uint32_t count,
                                       uint32_t left) {
    uint8x16_t bytes = load_bytes(from, pixels->step, count);
    if (pixels->shift != 0U) {
        bytes = vshlq_r_u8(bytes, -(int32_t)pixels->shift);
        if (left + pixels->shift > 8U) {
            const uint8x16_t more = load_bytes(from + 1, pixels->step, count);
            bytes = vorrq_u8(bytes, vshlq_r_u8(more, 8 - (int32_t)pixels->shift));
        }
    }
    return left < 8U ? vandq_u8(bytes, vdupq_n_u8((uint8_t)((1U << left) - 1U))) : bytes;
}

/* Any pixels: as bitloom_conv_tables_mve_spread. */
static BITLOOM_NOINLINE void spread_any(const tile_type *tile, const pixels_type *pixels,
                                        const bitloom_conv_tables_mve_bytes *bytes) {
    const uint8_t *from = bytes->from;
    const uint8_t *slots = bytes->slots;
    const mve_pred16_t valid = vctp8q(bytes->count);
    uint32_t left = tile->layer->channels;
    uint8_t *to = bytes->to;
    uint8x16_t count = vdupq_n_u8(0U);
    uint32_t quad;
    uint8x16_t eight = count;
    for (quad = 0U; quad < bytes->quads; quad++) {
        uint8x16_t bits;
        if ((quad & 1U) == 0U)
            eight = load_channels(pixels, from++, bytes->count, left - 4U * quad);
        bits = vandq_u8(eight, vdupq_n_u8(15U));
        eight = vshrq_n_u8(eight, 4);
        vstrbq_p_u8(to, vaddq_n_u8(bits, *slots++), valid);
        to += bytes->plane_bytes;
        count = vaddq_u8(count, vldrbq_gather_offset_u8(unequal, bits));
    }
    vstrbq_p_u8(bytes->counts, count, valid);
}

static BITLOOM_NOINLINE void write_pixels(const tile_type *tile, const pixels_type *pixels) {
    const sizes_type *sizes = tile->sizes;
    const uint32_t is_whole = tile->layer->groups == 1U || tile->layer->channels % 8U == 0U ? 1U : 0U;
    bitloom_conv_tables_mve_bytes bytes;
    uint32_t done, first;
    bytes.plane_bytes = sizes->plane_bytes;
    bytes.step = pixels->step;
    bytes.quads = sizes->quads;
    bytes.unequal = unequal;
    for (done = 0U; done < pixels->count; done += 16U) {
        bytes.from = pixels->from + done * pixels->step;
        bytes.counts = pixels->counts + done;
        bytes.count = pixels->count - done;
        for (first = 0U; first < sizes->image_planes; first += sizes->quads) {
            bytes.slots = tile->scratch + sizes->slots + first;
            bytes.to = pixels->to + done + first * sizes->plane_bytes;
            if (is_whole != 0U && pixels->step <= 16U) {
                bitloom_conv_tables_mve_spread(&bytes);
            } else {
                spread_any(tile, pixels, &bytes);
            }
        }
    }
}

#else

/* Up to 4 bits of a pixel, of which `left` exist. */
static uint32_t quad_of(const uint8_t *from, uint32_t first, uint32_t left) {
    uint32_t bits = 0U;
    uint32_t i;
    for (i = 0U; i < 4U && i < left; i++)
        bits |= ((uint32_t)from[(first + i) / 8U] >> ((first + i) & 7U) & 1U) << i;
    return bits;
}

static void write_pixels(const tile_type *tile, const pixels_type *pixels) {
    const sizes_type *sizes = tile->sizes;
    const uint8_t *slots = tile->scratch + sizes->slots;
    uint32_t pixel, plane;
    for (pixel = 0U; pixel < pixels->count; pixel++) {
        const uint8_t *from = pixels->from + pixel * pixels->step;
        uint32_t count = 0U;
        for (plane = 0U; plane < sizes->image_planes; plane++) {
            const uint32_t quad = plane % sizes->quads;
            const uint32_t bits = quad_of(from, pixels->shift + 4U * quad, tile->layer->channels - 4U * quad);
            pixels->to[plane * sizes->plane_bytes + pixel] = (uint8_t)(bits + slots[plane]);
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
    pixels.shift = tile->group * layer->channels & 7U;
    pixels.count = (uint32_t)(right - left);
    for (y = first_y > 0 ? first_y : 0; y < end_y && y < (int32_t)layer->height; y++) {
        const uint32_t at = (uint32_t)(y - first_y) * sizes->pitch + (uint32_t)(left - first_x);
        pixels.from = (const uint8_t *)bitloom_const_row(tile->input, (uint32_t)y) +
                      (uint32_t)left * pixels.step + tile->group * layer->channels / 8U;
        pixels.to = tile->scratch + sizes->image + at;
        pixels.counts = tile->scratch + sizes->counts + at;
        write_pixels(tile, &pixels);
    }
}

#ifdef BITLOOM_V128_MVE
/* Of the lowest `count` bits. */
static inline void write_masks(uint16_t *masks, uint32_t count, uint8x16_t bytes) {
    bytes = vshlq_r_u8(bytes, 8 - (int32_t)count);
    masks += count;
    for (; count != 0U; count--) {
        *--masks = vcmpltq_n_s8(vreinterpretq_s8_u8(bytes), 0);
        bytes = vaddq_u8(bytes, bytes);
    }
}
#endif

/* Bit by bit, the sums of the counts at the taps of 16 pixels. */
void bitloom_conv_tables_mve_count(const tile_type *tile, uint32_t start, const uint8_t *positions,
                                   uint16_t *masks) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const uint8_t *counts = tile->scratch + tile->sizes->counts + start;
    const int32_t next_row = (int32_t)(layer->dilation_y * tile->sizes->pitch) -
                             (int32_t)(layer->kernel_width * layer->dilation_x);
    uint32_t ky, kx;
    uint16_t sums[16];
#ifdef BITLOOM_V128_MVE
    const uint16x8_t places = vldrbq_u16(positions);
    const uint16x8_t places2 = vldrbq_u16(positions + 8);
    uint16x8_t sum = vdupq_n_u16(0U);
    uint16x8_t sum2 = sum;
    uint8x16x2_t bytes;
    for (ky = layer->kernel_height; ky != 0U; ky--) {
        for (kx = layer->kernel_width; kx != 0U; kx--) {
            sum = vaddq_u16(sum, vldrbq_gather_offset_u16(counts, places));
            sum2 = vaddq_u16(sum2, vldrbq_gather_offset_u16(counts, places2));
            counts += layer->dilation_x;
        }
        counts += next_row;
    }
    vstrhq_u16(sums, sum);
    vstrhq_u16(sums + 8, sum2);
    bytes = vld2q_u8((const uint8_t *)sums);
    write_masks(masks, 8U, bytes.val[0]);
    write_masks(masks + 8, tile->sizes->mask_count - 8U, bytes.val[1]);
#else
    uint32_t pixel, bit;
    memset(sums, 0, sizeof sums);
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        for (kx = 0U; kx < layer->kernel_width; kx++) {
            for (pixel = 0U; pixel < 16U; pixel++)
                sums[pixel] = (uint16_t)(sums[pixel] + counts[positions[pixel]]);
            counts += layer->dilation_x;
        }
        counts += next_row;
    }
    for (bit = 0U; bit < tile->sizes->mask_count; bit++) {
        uint32_t mask = 0U;
        for (pixel = 0U; pixel < 16U; pixel++)
            mask |= ((uint32_t)sums[pixel] >> bit & 1U) << pixel;
        masks[bit] = (uint16_t)mask;
    }
#endif
}
