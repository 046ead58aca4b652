/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_mve_lanes.h"

typedef bitloom_conv_pairs_mve_tile tile_type;

/* Word i of one channel's row, complemented where the padding is +1; columns outside the map are 0. */
static uint32_t unit_word(const bitloom_conv_pairs_mve *layer, const uint8_t *unit, int32_t i) {
    const uint32_t first = 32U * (uint32_t)i;
    uint32_t word;
    if (i < 0 || first >= layer->width)
        return 0U;
    if (layer->width <= 8U) {
        word = unit[0];
    } else if (layer->width <= 16U) {
        word = *(const uint16_t *)(const void *)unit;
    } else {
        word = ((const uint32_t *)(const void *)unit)[i];
    }
    if (layer->plus_one != 0U) {
        const uint32_t left = layer->width - first;
        word = ~word & (left < 32U ? (1U << left) - 1U : 0xffffffffU);
    }
    return word;
}

/* Columns [column, column + 32) of one channel's row. */
static BITLOOM_NOINLINE uint32_t window_word(const bitloom_conv_pairs_mve *layer, const uint8_t *unit,
                                             int32_t column) {
    const uint32_t shift = (uint32_t)column & 31U;
    const int32_t i = (column - (int32_t)shift) / 32;
    const uint32_t low = unit_word(layer, unit, i);
    return shift == 0U ? low : (low >> shift) | (unit_word(layer, unit, i + 1) << (32U - shift));
}

/* The even bits of a word, in its low half. */
static uint32_t even_bits(uint32_t word) {
    word &= 0x55555555U;
    word = (word | (word >> 1)) & 0x33333333U;
    word = (word | (word >> 2)) & 0x0f0f0f0fU;
    word = (word | (word >> 4)) & 0x00ff00ffU;
    return (word | (word >> 8)) & 0x0000ffffU;
}

/* A lane of columns from `column`, one stride apart. */
static BITLOOM_NOINLINE uint32_t lane_word(const bitloom_conv_pairs_mve *layer, const uint8_t *unit,
                                           int32_t column) {
    const uint32_t stride = layer->stride_x;
    uint32_t word, i;
    if (stride == 1U)
        return window_word(layer, unit, column);
    if (stride == 2U) {
        word = even_bits(window_word(layer, unit, column));
        return layer->lane_bits <= 16U ? word
                                       : word | (even_bits(window_word(layer, unit, column + 32)) << 16);
    }
    word = 0U;
    for (i = 0U; i < layer->lane_bits; i++)
        word |= (window_word(layer, unit, column + (int32_t)(i * stride)) & 1U) << i;
    return word;
}

static inline void store_lane(uint8_t *to, uint32_t lane_bytes, uint32_t word) {
    if (lane_bytes == 2U) {
        *(uint16_t *)(void *)to = (uint16_t)word;
    } else {
        *(uint32_t *)(void *)to = word;
    }
}

#ifdef BITLOOM_V128_MVE
/* Whether lanes are input units as they are. */
static int is_straight(const bitloom_conv_pairs_mve *layer, const bitloom_conv_pairs_mve_sizes *sizes,
                       int32_t column) {
    return layer->stride_x == 1U && column == 0 && layer->plus_one == 0U &&
           layer->width <= layer->lane_bits && bitloom_conv_pairs_mve_unit(layer->width) == sizes->lane_bytes;
}
#endif

/* One lane of every channel of the chunk. `row`: the first channel, or null outside the map. */
static void gather_lane(const tile_type *tile, const uint8_t *row, int32_t column, uint8_t *to) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint32_t unit = bitloom_conv_pairs_mve_unit(layer->width);
    const uint32_t first = 4U * tile->first_quad;
    const uint32_t quad_step = (sizes->sets - 1U) * 4U * sizes->image_bytes;
    uint32_t channels = row == NULL ? 0U : sizes->group_channels - first;
    uint32_t i = 0U;
    if (channels > 4U * tile->quads)
        channels = 4U * tile->quads;
#ifdef BITLOOM_V128_MVE
    /* 8 or 4 channels at a time; all of them outside the map. */
    if (quad_step == 0U && (row == NULL || is_straight(layer, sizes, column))) {
        const uint32_t whole = row == NULL ? 4U * tile->quads : channels;
        bitloom_v128 bits = bitloom_v128_all(0U);
        if (sizes->lane_bytes == 2U) {
            const uint16x8_t offsets = vmulq_n_u16(vidupq_n_u16(0U, 1), (uint16_t)sizes->image_bytes);
            for (; i + 8U <= whole; i += 8U) {
                if (row != NULL)
                    bits = bitloom_v128_load(row + 2U * i);
                vstrhq_scatter_offset_u16((uint16_t *)(void *)to, offsets, vreinterpretq_u16_u32(bits));
                to += 8U * sizes->image_bytes;
            }
        } else {
            const uint32x4_t offsets = vmulq_n_u32(vidupq_n_u32(0U, 1), sizes->image_bytes);
            for (; i + 4U <= whole; i += 4U) {
                if (row != NULL)
                    bits = bitloom_v128_load(row + 4U * i);
                vstrwq_scatter_offset_u32((uint32_t *)(void *)to, offsets, bits);
                to += 4U * sizes->image_bytes;
            }
        }
    }
#endif
    for (; i < 4U * tile->quads; i++) {
        const uint32_t word = i < channels ? lane_word(layer, row + i * unit, column) : 0U;
        store_lane(to, sizes->lane_bytes, word);
        to += sizes->image_bytes;
        if ((i & 3U) == 3U)
            to += quad_step;
    }
}

void bitloom_conv_pairs_mve_gather(const tile_type *tile) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint32_t unit = bitloom_conv_pairs_mve_unit(layer->width);
    const uint32_t skipped = (tile->group * sizes->group_channels + 4U * tile->first_quad) * unit;
    uint8_t *images = tile->scratch + sizes->images;
    uint32_t row_phase, column_phase, r, lane;
    for (row_phase = 0U; row_phase < layer->row_phase_count; row_phase++) {
        for (column_phase = 0U; column_phase < layer->column_phase_count; column_phase++) {
            uint8_t *to = images;
            images += 4U * sizes->image_bytes;
            for (r = 0U; r < layer->rows; r++) {
                const int32_t y = ((int32_t)(tile->y + r) + layer->first_row) * layer->stride_y +
                                  layer->row_phases[row_phase];
                const uint8_t *row = NULL;
                if (y >= 0 && y < layer->height) {
                    row = (const uint8_t *)bitloom_const_row(tile->input, (uint32_t)y) + skipped;
                }
                for (lane = 0U; lane < layer->lanes_across; lane++) {
                    const int32_t column =
                        layer->first_column + (int32_t)((tile->block + lane) * layer->lane_columns);
                    gather_lane(tile, row, column * layer->stride_x + layer->column_phases[column_phase], to);
                    to += sizes->lane_bytes;
                }
            }
        }
    }
}

/* *ones + x ^ y of the two pairs of 4 images -> *ones, carry. */
static inline bitloom_v128 add_quad(bitloom_v128 *ones, const uint8_t *image, uint32_t step) {
    const bitloom_v128 a = bitloom_v128_xor(bitloom_v128_load(image), bitloom_v128_load(image + step));
    image += 2U * step;
    return bitloom_v128_full_add(ones, a,
                                 bitloom_v128_xor(bitloom_v128_load(image), bitloom_v128_load(image + step)));
}

/* Sum of x ^ y over the quads of one set, at one place of the images: `parity_planes` planes, one image
 * apart. */
static BITLOOM_NOINLINE void count_pairs(const tile_type *tile, const uint8_t *image, uint8_t *planes) {
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint32_t step = sizes->image_bytes;
    const uint32_t quad_step = 4U * step * sizes->sets;
    bitloom_v128 ones = bitloom_v128_all(0U);
    bitloom_v128 twos = ones;
    uint8_t *const end = planes + sizes->parity_planes * step;
    uint8_t *plane;
    uint32_t quad;
    for (plane = planes; plane != end; plane += step)
        bitloom_v128_store(plane, ones);
    for (quad = 0U; quad < tile->quads; quad += 2U) {
        bitloom_v128 carry = add_quad(&ones, image, step);
        bitloom_v128 carry2 = bitloom_v128_all(0U);
        image += quad_step;
        if (quad + 1U < tile->quads) {
            carry2 = add_quad(&ones, image, step);
            image += quad_step;
        }
        carry = bitloom_v128_full_add(&twos, carry, carry2);
        for (plane = planes + 2U * step; plane < end; plane += step) {
            const bitloom_v128 old = bitloom_v128_load(plane);
            bitloom_v128_store(plane, bitloom_v128_xor(old, carry));
            carry = bitloom_v128_and(old, carry);
        }
    }
    bitloom_v128_store(planes, ones);
    bitloom_v128_store(planes + step, twos);
}

/* Adds a number of `count` planes, `step` bytes apart, to one of `sum_count` planes. */
static BITLOOM_NOINLINE void add_number(uint8_t *sum, uint32_t sum_count, const uint8_t *planes,
                                        uint32_t step, uint32_t count) {
    bitloom_v128 carry = bitloom_v128_all(0U);
    uint32_t i;
    for (i = 0U; i < sum_count; i++) {
        bitloom_v128 low = bitloom_v128_load(sum + 16U * i);
        if (i < count) {
            carry = bitloom_v128_full_add(&low, bitloom_v128_load(planes + i * step), carry);
            bitloom_v128_store(sum + 16U * i, low);
        } else {
            bitloom_v128_store(sum + 16U * i, bitloom_v128_xor(low, carry));
            carry = bitloom_v128_and(low, carry);
        }
    }
}

/* By how much the sum of a column step is shifted in the end. */
static int32_t total_shift(const bitloom_conv_pairs_mve *layer, uint32_t step) {
    const uint8_t *steps = layer->column_steps;
    const uint32_t side = steps[3U * step + 1U];
    int32_t shift = 0;
    for (; step < layer->kernel_width; step++) {
        if (steps[3U * step + 1U] == side)
            shift += steps[3U * step + 2U];
    }
    return side == 0U ? shift : -shift;
}

void bitloom_conv_pairs_mve_parity(const tile_type *tile) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint32_t planes = layer->planes;
    uint8_t *total = tile->scratch + sizes->parity;
    /* Sums over channels of all sets, where the first tables will be. */
    uint8_t *rows = tile->scratch;
    uint8_t *column = tile->scratch + sizes->sides[0];
    const uint32_t set_bytes = sizes->parity_planes * sizes->image_bytes;
    const uint8_t *images = tile->scratch + sizes->images;
    uint32_t set, at, phase, ky, step, i;
    for (set = 0U; set < sizes->sets; set++) {
        for (at = 0U; at < sizes->image_bytes; at += 16U)
            count_pairs(tile, images + set * 4U * sizes->image_bytes + at, rows + set * set_bytes + at);
    }
    for (phase = 0U; phase < layer->column_phase_count; phase++) {
        for (i = 0U; i < planes; i++)
            bitloom_v128_store(column + 16U * i, bitloom_v128_all(0U));
        for (ky = 0U; ky < layer->kernel_height; ky++) {
            const uint8_t *tap = layer->row_taps + 2U * ky;
            const uint8_t *from = rows + (tap[0] * layer->column_phase_count + phase) * set_bytes +
                                  tap[1] * layer->lanes_across * sizes->lane_bytes;
            add_number(column, planes, from, sizes->image_bytes, sizes->parity_planes);
        }
        for (step = 0U; step < layer->kernel_width; step++) {
            bitloom_v128 carry = bitloom_v128_all(0U);
            const int32_t shift = total_shift(layer, step);
            const bitloom_v128 kept = bitloom_conv_pairs_mve_kept(layer->lane_bits, shift);
            if (layer->column_steps[3U * step] != phase)
                continue;
            for (i = 0U; i < planes; i++) {
                bitloom_v128 low = bitloom_v128_load(total + 16U * i);
                const bitloom_v128 shifted =
                    bitloom_v128_and(bitloom_v128_shift(bitloom_v128_load(column + 16U * i), shift), kept);
                carry = bitloom_v128_full_add(&low, shifted, carry);
                bitloom_v128_store(total + 16U * i, low);
            }
        }
    }
}

/*
 * Last lanes first: 16 bytes of u and v that go beyond an entry's lanes are overwritten, by the rest of the
 * entry or by the next one's first lanes.
 */
void bitloom_conv_pairs_mve_tables(const tile_type *tile) {
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint8_t *image = tile->scratch + sizes->images;
    uint8_t *table = tile->scratch;
    uint32_t i;
    for (i = 0U; i < tile->quads * sizes->sets; i++) {
        uint32_t at = sizes->image_bytes;
        while (at != 0U) {
            uint8_t *entry;
            at -= 16U;
            entry = table + at * BITLOOM_CONV_PAIRS_MVE_LANE_SCALE;
            if (sizes->lane_bytes == 2U) {
                bitloom_conv_pairs_mve_table16(image + at, sizes->image_bytes, entry, sizes->entry_bytes);
            } else {
                bitloom_conv_pairs_mve_table32(image + at, sizes->image_bytes, entry, sizes->entry_bytes);
            }
        }
        image += 4U * sizes->image_bytes;
        table += sizes->table_bytes;
    }
}
