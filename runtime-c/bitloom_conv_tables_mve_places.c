/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_tables_mve_places.h"

typedef bitloom_conv_tables_mve_tile tile_type;
typedef bitloom_conv_tables_mve_sizes sizes_type;

static uint32_t align16(uint32_t bytes) {
    return (bytes + 15U) & ~15U;
}

static uint32_t greater(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

sizes_type bitloom_conv_tables_mve_sizes_of(const bitloom_conv_tables_mve *layer) {
    sizes_type s;
    uint32_t image_rows;
    s.taps = (uint32_t)layer->kernel_height * layer->kernel_width;
    s.quads = (layer->channels + 3U) / 4U;
    s.image_planes = s.quads * layer->copies;
    s.fours = (s.taps * s.quads + 3U) / 4U;
    s.blocks = (layer->outputs + 7U) / 8U;
    s.pitch =
        (layer->tile_columns - 1U) * layer->stride_x + (layer->kernel_width - 1U) * layer->dilation_x + 1U;
    image_rows =
        (layer->tile_rows - 1U) * layer->stride_y + (layer->kernel_height - 1U) * layer->dilation_y + 1U;
    s.plane_bytes = image_rows * s.pitch;
    s.part_vectors = ((uint32_t)layer->part_rows * layer->tile_columns + 15U) / 16U;
    s.tile_vectors = s.part_vectors * (layer->tile_rows / layer->part_rows);
    s.chunks = (s.fours + layer->chunk - 1U) / layer->chunk;
    s.v_distance = layer->table_bytes;
    /* Tables first: what follows is read with them, by pixels that do not exist. */
    s.carries = 2U * s.v_distance;
    s.slots = s.carries + 16U * (bitloom_conv_tables_mve_lesser(layer->chunk, s.fours) / 4U + 3U);
    s.image = align16(s.slots + s.image_planes);
    s.counts = s.image + align16(s.image_planes * s.plane_bytes + 15U);
    s.list = s.counts + align16(s.plane_bytes + 15U);
    s.positions = align16(s.list + 24U * (layer->whole_list != 0U
                                              ? s.fours
                                              : bitloom_conv_tables_mve_lesser(layer->chunk, s.fours)));
    s.offsets = s.positions + 16U * s.part_vectors;
    s.masks = s.offsets + 32U * s.part_vectors;
    s.mask_count = 1U + greater(layer->planes, BITLOOM_CONV_TABLES_MVE_LEAST_PLANES);
    s.classes = align16(s.masks + 2U * s.mask_count * s.tile_vectors);
    s.present = s.classes + (layer->row_classes == NULL ? 0U : 16U * s.tile_vectors);
    s.sums = align16(s.present + (layer->row_classes == NULL ? 0U : 4U * s.tile_vectors));
    s.results = s.sums + 16U * (s.mask_count - 1U) * (s.chunks == 1U ? 1U : s.tile_vectors);
    s.total = s.results + 16U * s.part_vectors;
    return s;
}

/* Where a quad's table is. */
static uint32_t place_of(const bitloom_conv_tables_mve *layer, uint32_t quad) {
    return layer->places == NULL ? 16U * (quad % (4U * layer->chunk)) : layer->places[quad];
}

void bitloom_conv_tables_mve_write_list(const tile_type *tile, uint32_t four, uint32_t end) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    uint32_t *list = (uint32_t *)(void *)(tile->scratch + sizes->list);
    const uint32_t first_tap = 4U * four / sizes->quads;
    uint32_t quad = 4U * four - first_tap * sizes->quads;
    uint32_t plane = 4U * four % sizes->image_planes;
    uint32_t kx = first_tap % layer->kernel_width;
    uint32_t left = sizes->taps - first_tap;
    uint32_t tap =
        first_tap / layer->kernel_width * layer->dilation_y * sizes->pitch + kx * layer->dilation_x;
    for (; four < end; four++) {
        const uint32_t table = place_of(layer, 4U * four) - tile->scratch[sizes->slots + plane];
        uint32_t i;
        *list++ = bitloom_conv_tables_mve_place(tile->scratch, table);
        *list++ = bitloom_conv_tables_mve_place(tile->scratch, table + sizes->v_distance);
        for (i = 0U; i < 4U; i++) {
            *list++ =
                bitloom_conv_tables_mve_place(tile->scratch, sizes->image + plane * sizes->plane_bytes + tap);
            if (++plane == sizes->image_planes)
                plane = 0U;
            if (++quad == sizes->quads && left != 0U) {
                quad = 0U;
                left--;
                tap += layer->dilation_x;
                if (++kx == layer->kernel_width) {
                    kx = 0U;
                    tap += layer->dilation_y * sizes->pitch - layer->kernel_width * layer->dilation_x;
                }
                if (left == 0U)
                    tap = 0U;
            }
        }
    }
}

void bitloom_conv_tables_mve_move_list(uint32_t *list, uint32_t fours, uint32_t by) {
    for (; fours != 0U; fours--) {
#ifdef BITLOOM_V128_MVE
        vst1q_u32(list + 2, vaddq_n_u32(vld1q_u32(list + 2), by));
#else
        list[2] += by;
        list[3] += by;
        list[4] += by;
        list[5] += by;
#endif
        list += 6;
    }
}

void bitloom_conv_tables_mve_write_tables(const tile_type *tile, const uint8_t *weights, uint32_t first,
                                          uint32_t end) {
    const sizes_type *sizes = tile->sizes;
    const uint16_t *places = tile->layer->places == NULL ? NULL : tile->layer->places + 4U * first;
    uint32_t quad;
    bitloom_conv_tables_mve_tables(weights + 16U * first, tile->scratch, sizes->v_distance, places,
                                   (end - first + 1U) / 2U);
    /* Quads that do not exist add nothing. */
    for (quad = sizes->taps * sizes->quads; quad < 4U * end; quad++) {
        uint8_t *const table = tile->scratch + place_of(tile->layer, quad);
        bitloom_v128_store(table, bitloom_v128_all(0U));
        bitloom_v128_store(table + sizes->v_distance, bitloom_v128_all(0U));
    }
}

void bitloom_conv_tables_mve_write_positions(const tile_type *tile, uint32_t row_bytes) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const uint32_t row_step = layer->stride_y * tile->sizes->pitch;
    const uint32_t step = bitloom_conv_tables_mve_pixel_bytes(layer);
    uint8_t *positions = tile->scratch + tile->sizes->positions;
    uint16_t *offsets = (uint16_t *)(void *)(tile->scratch + tile->sizes->offsets);
    uint8_t *const end = positions + 16U * tile->sizes->part_vectors;
    uint32_t row, x;
    for (row = 0U; row < layer->part_rows; row++) {
        uint32_t position = row * row_step;
        uint32_t offset = row * row_bytes;
        for (x = tile->columns; x != 0U; x--) {
            *positions++ = (uint8_t)position;
            *offsets++ = (uint16_t)offset;
            position += layer->stride_x;
            offset += step;
        }
    }
    while (positions != end)
        *positions++ = 0U;
}

void bitloom_conv_tables_mve_write_classes(const tile_type *tile) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    uint8_t *const classes = tile->scratch + tile->sizes->classes;
    uint32_t *const present = (uint32_t *)(void *)(tile->scratch + tile->sizes->present);
    uint32_t row, x;
    for (x = 0U; x < tile->sizes->tile_vectors; x++)
        present[x] = 0U;
    for (row = 0U; row < tile->rows; row++) {
        uint32_t pixel = bitloom_conv_tables_mve_pixel_of(tile, row);
        for (x = 0U; x < tile->columns; x++) {
            const uint32_t class =
                (uint32_t)layer->row_classes[tile->y + row] + layer->column_classes[tile->x + x];
            present[pixel / 16U] |= (uint32_t)1U << class;
            classes[pixel++] = (uint8_t) class;
        }
    }
}
