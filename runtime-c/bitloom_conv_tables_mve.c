/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_tables_mve.h"

#include "bitloom_conv_tables_mve_places.h"
#include "bitloom_v128_bytes.h"

typedef bitloom_conv_tables_mve_tile tile_type;
typedef bitloom_conv_tables_mve_sizes sizes_type;
typedef bitloom_conv_tables_mve_job job_type;

uint32_t bitloom_conv_tables_mve_scratch(const bitloom_conv_tables_mve *layer) {
    return bitloom_conv_tables_mve_sizes_of(layer).total;
}

/* Output bits of a vector whose pixels are of several classes. `thresholds` are those of the block's first
 * class. */
static BITLOOM_NOINLINE void compare_classes(const tile_type *tile, uint32_t vector, const uint8_t *sum,
                                             const uint8_t *thresholds, uint8_t *result) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const uint16_t *masks = (const uint16_t *)(const void *)(tile->scratch + tile->sizes->masks);
    const uint32_t mask = masks[vector * tile->sizes->mask_count];
    const uint32_t step = layer->groups * tile->sizes->blocks * (layer->planes + 2U);
    const bitloom_v128 classes = bitloom_v128_load(tile->scratch + tile->sizes->classes + 16U * vector);
    uint32_t present = ((const uint32_t *)(const void *)(tile->scratch + tile->sizes->present))[vector];
    bitloom_v128 all = bitloom_v128_all(0U);
    uint32_t class;
    for (class = 0U; present != 0U; class ++) {
        if ((present & 1U) != 0U) {
            const bitloom_v128 own = bitloom_v128_equal(classes, class);
            const bitloom_v128 bits = bitloom_conv_tables_mve_compare(sum, layer->planes, mask, thresholds);
            all = bitloom_v128_or(all, bitloom_v128_and(own, bits));
        }
        thresholds += step;
        present >>= 1;
    }
    bitloom_v128_store(result, all);
}

/* A block of outputs in a tile. */
typedef struct {
    const uint8_t *weights;
    const uint8_t *thresholds;
    uint8_t *output;
    uint32_t shift;      /* of the first output in its byte */
    uint32_t outputs;    /* that exist */
    uint32_t part_bytes; /* from one part's outputs to the next one's */
} block_type;

/* Outputs that share their first byte with a group before, which is written and has zeros there. */
static BITLOOM_NOINLINE void add_outputs(const block_type *block, uint32_t part, const uint16_t *offsets,
                                         const uint8_t *results, uint32_t pixels) {
    uint8_t *const output = block->output + part * block->part_bytes;
    for (; pixels != 0U; pixels--) {
        uint8_t *const to = output + *offsets++;
        const uint32_t bits = (uint32_t)*results++ << block->shift;
        to[0] = (uint8_t)(to[0] | bits);
        if (block->shift + block->outputs > 8U)
            to[1] = (uint8_t)(bits >> 8);
    }
}

/* Vectors of a part, over the job's chunk. */
static void run_part(const tile_type *tile, const block_type *block, job_type *job, uint32_t part,
                     uint32_t is_last) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    const uint32_t first_row = part * layer->part_rows;
    const uint32_t vector = part * sizes->part_vectors;
    const uint32_t pixels =
        bitloom_conv_tables_mve_lesser(layer->part_rows, tile->rows - first_row) * tile->columns;
    const uint32_t vectors = (pixels + 15U) / 16U;
    const uint16_t *offsets = (const uint16_t *)(const void *)(tile->scratch + sizes->offsets);
    uint8_t *results = tile->scratch + sizes->results;
    uint32_t i;
    job->positions = tile->scratch + sizes->positions;
    job->sum = tile->scratch + sizes->sums + vector * job->sum_step;
    job->masks = (const uint16_t *)(const void *)(tile->scratch + sizes->masks) + vector * sizes->mask_count;
    job->results = results;
    job->thresholds = NULL;
    job->vectors = vectors;
    if (is_last == 0U) {
        bitloom_conv_tables_mve_add(job);
        return;
    }
    if (layer->row_classes == NULL) {
        job->thresholds = block->thresholds;
        bitloom_conv_tables_mve_add(job);
    } else {
        for (i = 0U; i < vectors; i++) {
            uint8_t *sum = job->sum;
            job->vectors = 1U;
            bitloom_conv_tables_mve_add(job);
            compare_classes(tile, vector + i, sum, block->thresholds, results + 16U * i);
        }
    }
    if (block->shift != 0U) {
        add_outputs(block, part, offsets, results, pixels);
        return;
    }
    for (i = 0U; i < pixels; i += 16U)
        bitloom_v128_scatter(block->output + part * block->part_bytes, offsets + i, results + i, pixels - i);
}

static void run_block(const tile_type *tile, const block_type *block, job_type *job) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    uint32_t *list = (uint32_t *)(void *)(tile->scratch + sizes->list);
    const uint32_t part_bytes = (uint32_t)layer->part_rows * layer->stride_y * sizes->pitch;
    const uint32_t parts = (tile->rows + layer->part_rows - 1U) / layer->part_rows;
    uint32_t first;
    for (first = 0U; first < sizes->fours; first += layer->chunk) {
        const uint32_t fours = bitloom_conv_tables_mve_lesser(layer->chunk, sizes->fours - first);
        uint32_t part;
        if (layer->whole_list == 0U)
            bitloom_conv_tables_mve_write_list(tile, first, first + fours);
        bitloom_conv_tables_mve_write_tables(tile, block->weights, first, first + fours);
        job->list = list;
        job->four_fours = fours / 4U;
        job->fours = fours & 3U;
        job->is_first = first == 0U ? 1U : 0U;
        job->carry_pairs = (job->four_fours + (job->fours != 0U ? 2U : 1U)) / 2U;
        for (part = 0U; part < parts; part++) {
            if (part != 0U)
                bitloom_conv_tables_mve_move_list(list, fours, part_bytes);
            run_part(tile, block, job, part, first + fours == sizes->fours ? 1U : 0U);
        }
        if (parts > 1U)
            bitloom_conv_tables_mve_move_list(list, fours, 0U - (parts - 1U) * part_bytes);
        if (layer->whole_list != 0U)
            list += 6U * fours;
    }
}

/* What the outputs of a tile's vectors have in common. */
static void count_tile(const tile_type *tile) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    uint16_t *masks = (uint16_t *)(void *)(tile->scratch + sizes->masks);
    uint32_t row, vector;
    for (row = 0U; row < tile->rows; row += layer->part_rows) {
        const uint32_t start = row * layer->stride_y * sizes->pitch;
        const uint8_t *positions = tile->scratch + sizes->positions;
        for (vector = 0U; vector < sizes->part_vectors; vector++) {
            bitloom_conv_tables_mve_count(tile, start, positions, masks);
            positions += 16;
            masks += sizes->mask_count;
        }
    }
}

/* Bytes after those of the outputs, up to whole words, are 0. */
static void clear_tail(const tile_type *tile, const block_type *block, uint32_t row_bytes) {
    static const uint8_t zeros[16] = {0U};
    const uint16_t *offsets = (const uint16_t *)(const void *)(tile->scratch + tile->sizes->offsets);
    const uint32_t outputs = (uint32_t)tile->layer->outputs * tile->layer->groups;
    const uint32_t end = (outputs + 31U) / 32U * 4U;
    uint32_t byte, row, x;
    for (byte = (outputs + 7U) / 8U; byte < end; byte++) {
        for (row = 0U; row < tile->rows; row++) {
            for (x = 0U; x < tile->columns; x += 16U)
                bitloom_v128_scatter(block->output + row * row_bytes + byte, offsets + x, zeros,
                                     tile->columns - x);
        }
    }
}

static void run_tile(tile_type *tile, const bitloom_ring *output, job_type *job) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    uint8_t *const base =
        (uint8_t *)bitloom_row(output, tile->y) + tile->x * bitloom_conv_tables_mve_pixel_bytes(layer);
    block_type block;
    uint32_t i;

    block.part_bytes = layer->part_rows * output->row_bytes;
    block.output = base;
    block.weights = layer->weights;
    block.thresholds = layer->thresholds;
    if (layer->row_classes != NULL)
        bitloom_conv_tables_mve_write_classes(tile);
    clear_tail(tile, &block, output->row_bytes);
    for (tile->group = 0U; tile->group < layer->groups; tile->group++) {
        bitloom_conv_tables_mve_read(tile);
        count_tile(tile);
        for (i = 0U; i < sizes->blocks; i++) {
            const uint32_t first = tile->group * layer->outputs + 8U * i;
            block.output = base + first / 8U;
            block.shift = first & 7U;
            block.outputs = bitloom_conv_tables_mve_lesser(8U, layer->outputs - 8U * i);
            run_block(tile, &block, job);
            block.weights += 32U * ((sizes->fours + 1U) / 2U);
            block.thresholds += layer->planes + 2U;
        }
    }
}

void bitloom_conv_tables_mve_threshold(const bitloom_conv_tables_mve *layer, const bitloom_const_ring *inputs,
                                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const sizes_type sizes = bitloom_conv_tables_mve_sizes_of(layer);
    tile_type tile;
    job_type job;
    uint32_t columns = 0U;
    uint32_t plane;
    tile.layer = layer;
    tile.sizes = &sizes;
    tile.input = inputs;
    tile.scratch = scratch;
    job.sum_step = sizes.chunks == 1U ? 0U : 16U * (sizes.mask_count - 1U);
    job.planes = layer->planes;
    job.mask_step = 2U * sizes.mask_count;
    job.carries = tile.scratch + sizes.carries;
    job.base = scratch;
    for (plane = 0U; plane < sizes.image_planes; plane++)
        tile.scratch[sizes.slots + plane] =
            (uint8_t)(16U * bitloom_conv_tables_mve_slot(plane, sizes.image_planes));
    for (tile.y = y0; tile.y < y1; tile.y += tile.rows) {
        /* The tile's rows follow each other in memory. */
        const uint32_t slot = tile.y < output->rows ? tile.y : tile.y % output->rows;
        tile.rows = bitloom_conv_tables_mve_lesser(
            bitloom_conv_tables_mve_lesser(layer->tile_rows, y1 - tile.y), output->rows - slot);
        for (tile.x = 0U; tile.x < layer->output_width; tile.x += layer->tile_columns) {
            tile.columns = bitloom_conv_tables_mve_lesser(layer->tile_columns, layer->output_width - tile.x);
            if (columns == 0U && layer->whole_list != 0U)
                bitloom_conv_tables_mve_write_list(&tile, 0U, sizes.fours);
            if (tile.columns != columns)
                bitloom_conv_tables_mve_write_positions(&tile, output->row_bytes);
            columns = tile.columns;
            run_tile(&tile, output, &job);
        }
    }
}
