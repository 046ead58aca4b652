/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_mve_lanes.h"

typedef bitloom_conv_pairs_mve_tile tile_type;

/* Word i of one channel's row, complemented where the padding is +1; columns outside the map are 0. */
static uint32_t unit_word(const bitloom_conv_pairs_mve *layer, const uint8_t *unit, int32_t i) {
    const uint32_t first = 32U * (uint32_t)i;
    uint32_t word;
    if (i < 0 || first >= layer->width) return 0U;
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
static uint32_t window_word(const bitloom_conv_pairs_mve *layer, const uint8_t *unit, int32_t column) {
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
static uint32_t lane_word(const bitloom_conv_pairs_mve *layer, const uint8_t *unit, int32_t column) {
    const uint32_t stride = layer->stride_x;
    uint32_t word, i;
    if (stride == 1U) return window_word(layer, unit, column);
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
    if (lane_bytes == 1U) {
        *to = (uint8_t)word;
    } else if (lane_bytes == 2U) {
        *(uint16_t *)(void *)to = (uint16_t)word;
    } else {
        *(uint32_t *)(void *)to = word;
    }
}

/* One lane of every channel of the chunk. `row`: the first channel, or null outside the map. */
static void gather_lane(const tile_type *tile, const uint8_t *row, int32_t column, uint8_t *to) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint32_t unit = bitloom_conv_pairs_mve_unit(layer->width);
    const uint32_t first = 4U * tile->first_quad;
    const uint32_t quad_step = (sizes->sets - 1U) * 4U * sizes->image_bytes;
    uint32_t channels = row == NULL ? 0U : sizes->group_channels - first;
    const uint32_t straight = (layer->stride_x == 1U && column == 0 && unit == sizes->lane_bytes &&
                               layer->plus_one == 0U && layer->width <= 8U * unit)
                                  ? 1U
                                  : 0U;
    uint32_t i = 0U;
    if (channels > 4U * tile->quads) channels = 4U * tile->quads;
    if (straight != 0U && unit == 2U && quad_step == 0U) {
        const uint16_t *from = (const uint16_t *)(const void *)row;
        for (; i < channels; i++) {
            *(uint16_t *)(void *)to = *from++;
            to += sizes->image_bytes;
        }
    }
    for (; i < 4U * tile->quads; i++) {
        const uint32_t word = i < channels ? lane_word(layer, row + i * unit, column) : 0U;
        store_lane(to, sizes->lane_bytes, word);
        to += sizes->image_bytes;
        if ((i & 3U) == 3U) to += quad_step;
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

/* Sum of x ^ y over the quads of one set, at one place of the images: `parity_planes` planes, one image apart. */
static void count_pairs(const tile_type *tile, const uint8_t *image, uint8_t *planes) {
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint32_t step = sizes->image_bytes;
    uint32_t quad, plane;
    for (plane = 0U; plane < sizes->parity_planes; plane++)
        bitloom_v128_store(planes + plane * step, bitloom_v128_all(0U));
    for (quad = 0U; quad < tile->quads; quad++) {
        const bitloom_v128 a =
            bitloom_v128_xor(bitloom_v128_load(image), bitloom_v128_load(image + step));
        const bitloom_v128 b =
            bitloom_v128_xor(bitloom_v128_load(image + 2U * step), bitloom_v128_load(image + 3U * step));
        bitloom_v128 low = bitloom_v128_load(planes);
        bitloom_v128 carry = bitloom_v128_full_add(&low, a, b);
        bitloom_v128_store(planes, low);
        /* The sum so far is at most 2 quad + 2. */
        for (plane = 1U; (2U * quad + 2U) >> plane != 0U; plane++) {
            const bitloom_v128 old = bitloom_v128_load(planes + plane * step);
            bitloom_v128_store(planes + plane * step, bitloom_v128_xor(old, carry));
            carry = bitloom_v128_and(old, carry);
        }
        image += 4U * step * sizes->sets;
    }
}

/* Adds a number of `count` planes, `step` bytes apart, to one of `sum_count` planes. */
static void add_number(uint8_t *sum, uint32_t sum_count, const uint8_t *planes, uint32_t step, uint32_t count) {
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

static bitloom_v128 shifted(bitloom_v128 a, int32_t shift, bitloom_v128 mask) {
#ifdef BITLOOM_V128_MVE
    return bitloom_v128_and(vshlq_r_u32(a, shift), mask);
#else
    uint32_t i;
    for (i = 0U; i < 4U; i++)
        a.w[i] = shift >= 0 ? a.w[i] << shift : a.w[i] >> -shift;
    return bitloom_v128_and(a, mask);
#endif
}

/* The bits of each lane that a shift does not bring in, in a word. */
static bitloom_v128 kept_bits(uint32_t lane_bits, int32_t shift) {
    const uint32_t lane = 0xffffffffU >> (32U - lane_bits);
    uint32_t mask = shift >= 0 ? (lane << shift) & lane : lane >> -shift;
    if (lane_bits == 8U) mask |= mask << 8;
    if (lane_bits <= 16U) mask |= mask << 16;
    return bitloom_v128_all(mask);
}

/* By how much the sum of a column step is shifted in the end. */
static int32_t total_shift(const bitloom_conv_pairs_mve *layer, uint32_t step) {
    const uint8_t *steps = layer->column_steps;
    const uint32_t side = steps[3U * step + 1U];
    int32_t shift = 0;
    for (; step < layer->kernel_width; step++) {
        if (steps[3U * step + 1U] == side) shift += steps[3U * step + 2U];
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
            const bitloom_v128 kept = kept_bits(layer->lane_bits, shift);
            if (layer->column_steps[3U * step] != phase) continue;
            for (i = 0U; i < planes; i++) {
                bitloom_v128 low = bitloom_v128_load(total + 16U * i);
                carry = bitloom_v128_full_add(
                    &low, shifted(bitloom_v128_load(column + 16U * i), shift, kept), carry);
                bitloom_v128_store(total + 16U * i, low);
            }
        }
    }
}

/* u and v of the lanes from `at` on (bytes of one number) to an entry; what is too much is overwritten later. */
static inline void store_entry(uint8_t *entry, uint32_t entry_bytes, uint32_t lane_bytes, uint32_t at,
                               bitloom_v128 f, bitloom_v128 g) {
    const bitloom_v128 u = bitloom_v128_xor(f, g);
    const bitloom_v128 v = bitloom_v128_and(f, g);
#ifdef BITLOOM_V128_MVE
    (void)entry_bytes;
    if (lane_bytes == 1U) {
        const uint8x16x2_t both = {{vreinterpretq_u8_u32(u), vreinterpretq_u8_u32(v)}};
        vst2q_u8(entry + 2U * at, both);
    } else if (lane_bytes == 2U) {
        const uint16x8x2_t both = {{vreinterpretq_u16_u32(u), vreinterpretq_u16_u32(v)}};
        vst2q_u16((uint16_t *)(void *)(entry + 2U * at), both);
    } else {
        const uint32x4x2_t both = {{u, v}};
        vst2q_u32((uint32_t *)(void *)(entry + 2U * at), both);
    }
#else
    const uint32_t half = entry_bytes / 2U;
    const uint32_t bytes = half - at < 16U ? half - at : 16U;
    (void)lane_bytes;
    memcpy(entry + at, &u, bytes);
    memcpy(entry + half + at, &v, bytes);
#endif
}

/* The F of a pair, by its weight bits (x in bit 0). */
static inline void pair_words(bitloom_v128 *f, bitloom_v128 x, bitloom_v128 y) {
    f[3] = bitloom_v128_and(x, y);
    f[2] = bitloom_v128_or_not(y, x);
    f[1] = bitloom_v128_or_not(x, y);
    f[0] = bitloom_v128_and_not(f[1], x);
}

/* The 16 entries of one table at the lanes from `at` on. */
static inline void build_entries(const uint8_t *image, uint32_t image_bytes, uint32_t at, uint8_t *table,
                                 uint32_t entry_bytes, uint32_t lane_bytes) {
    bitloom_v128 f[4], g[4];
    uint32_t j;
    pair_words(f, bitloom_v128_load(image + at), bitloom_v128_load(image + image_bytes + at));
    pair_words(g, bitloom_v128_load(image + 2U * image_bytes + at),
               bitloom_v128_load(image + 3U * image_bytes + at));
    for (j = 0U; j < 4U; j++) {
        store_entry(table, entry_bytes, lane_bytes, at, f[0], g[j]);
        store_entry(table + entry_bytes, entry_bytes, lane_bytes, at, f[1], g[j]);
        store_entry(table + 2U * entry_bytes, entry_bytes, lane_bytes, at, f[2], g[j]);
        store_entry(table + 3U * entry_bytes, entry_bytes, lane_bytes, at, f[3], g[j]);
        table += 4U * entry_bytes;
    }
}

/* Last lanes first: a store of 16 bytes that goes beyond its entry is overwritten by the next entry's first lanes. */
static inline void build_tables(const tile_type *tile, uint32_t lane_bytes) {
    const bitloom_conv_pairs_mve_sizes *sizes = tile->sizes;
    const uint8_t *image = tile->scratch + sizes->images;
    uint8_t *table = tile->scratch;
    uint32_t i;
    for (i = 0U; i < tile->quads * sizes->sets; i++) {
        uint32_t at = sizes->image_bytes;
        while (at != 0U) {
            at -= 16U;
            build_entries(image, sizes->image_bytes, at, table, sizes->entry_bytes, lane_bytes);
        }
        image += 4U * sizes->image_bytes;
        table += sizes->table_bytes;
    }
}

void bitloom_conv_pairs_mve_tables(const tile_type *tile) {
    if (tile->sizes->lane_bytes == 1U) {
        build_tables(tile, 1U);
    } else if (tile->sizes->lane_bytes == 2U) {
        build_tables(tile, 2U);
    } else {
        build_tables(tile, 4U);
    }
}
