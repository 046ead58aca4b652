/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_tables_mve.h"

#include "bitloom_conv_tables_mve_map.h"
#include "bitloom_v128_bytes.h"

typedef bitloom_conv_tables_mve_tile tile_type;
typedef bitloom_conv_tables_mve_sizes sizes_type;
typedef bitloom_conv_tables_mve_job job_type;

static uint32_t align16(uint32_t bytes) {
    return (bytes + 15U) & ~15U;
}

/* Of an output pixel. */
static uint32_t pixel_bytes(const bitloom_conv_tables_mve *layer) {
    return ((uint32_t)layer->outputs * layer->groups + 31U) / 32U * 4U;
}

static uint32_t lesser(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t greater(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static BITLOOM_NOINLINE sizes_type sizes_of(const bitloom_conv_tables_mve *layer) {
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
    s.slots = s.carries + 16U * (lesser(layer->chunk, s.fours) / 4U + 3U);
    s.image = align16(s.slots + s.image_planes);
    s.counts = s.image + align16(s.image_planes * s.plane_bytes + 15U);
    s.list = s.counts + align16(s.plane_bytes + 15U);
    s.positions = align16(s.list + 24U * (layer->whole_list != 0U ? s.fours : lesser(layer->chunk, s.fours)));
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

uint32_t bitloom_conv_tables_mve_scratch(const bitloom_conv_tables_mve *layer) {
    return sizes_of(layer).total;
}

/* Where a quad's table is. */
static uint32_t place_of(const bitloom_conv_tables_mve *layer, uint32_t quad) {
    return layer->places == NULL ? 16U * (quad % (4U * layer->chunk)) : layer->places[quad];
}

/* Where the tables and the images of fours are; quads that do not exist are any of the first tap. */
static BITLOOM_NOINLINE void write_list(const tile_type *tile, uint32_t four, uint32_t end) {
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

/* Moves the places of images in `fours` of the list. */
static BITLOOM_NOINLINE void move_list(uint32_t *list, uint32_t fours, uint32_t by) {
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

/* Tables of the fours [first, end) for a block of outputs. */
static void write_tables(const tile_type *tile, const uint8_t *weights, uint32_t first, uint32_t end) {
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

/*
 * Where the windows of a part's pixels start, and where their outputs are, from its first on: the same for
 * every part. Pixels that do not exist are the first.
 */
static BITLOOM_NOINLINE void write_positions(const tile_type *tile, uint32_t row_bytes) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    const uint32_t row_step = layer->stride_y * tile->sizes->pitch;
    const uint32_t step = pixel_bytes(layer);
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

/* A row of a part; vectors of each part start anew. */
static uint32_t pixel_of(const tile_type *tile, uint32_t row) {
    const uint32_t part = row / tile->layer->part_rows;
    return 16U * part * tile->sizes->part_vectors + (row - part * tile->layer->part_rows) * tile->columns;
}

/* Classes of pixels, and which ones each vector has. */
static BITLOOM_NOINLINE void write_classes(const tile_type *tile) {
    const bitloom_conv_tables_mve *layer = tile->layer;
    uint8_t *const classes = tile->scratch + tile->sizes->classes;
    uint32_t *const present = (uint32_t *)(void *)(tile->scratch + tile->sizes->present);
    uint32_t row, x;
    for (x = 0U; x < tile->sizes->tile_vectors; x++)
        present[x] = 0U;
    for (row = 0U; row < tile->rows; row++) {
        uint32_t pixel = pixel_of(tile, row);
        for (x = 0U; x < tile->columns; x++) {
            const uint32_t class =
                (uint32_t)layer->row_classes[tile->y + row] + layer->column_classes[tile->x + x];
            present[pixel / 16U] |= (uint32_t)1U << class;
            classes[pixel++] = (uint8_t) class;
        }
    }
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
    const uint32_t pixels = lesser(layer->part_rows, tile->rows - first_row) * tile->columns;
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
        const uint32_t fours = lesser(layer->chunk, sizes->fours - first);
        uint32_t part;
        if (layer->whole_list == 0U)
            write_list(tile, first, first + fours);
        write_tables(tile, block->weights, first, first + fours);
        job->list = list;
        job->four_fours = fours / 4U;
        job->fours = fours & 3U;
        job->is_first = first == 0U ? 1U : 0U;
        job->carry_pairs = (job->four_fours + (job->fours != 0U ? 2U : 1U)) / 2U;
        for (part = 0U; part < parts; part++) {
            if (part != 0U)
                move_list(list, fours, part_bytes);
            run_part(tile, block, job, part, first + fours == sizes->fours ? 1U : 0U);
        }
        if (parts > 1U)
            move_list(list, fours, 0U - (parts - 1U) * part_bytes);
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
    uint8_t *const base = (uint8_t *)bitloom_row(output, tile->y) + tile->x * pixel_bytes(layer);
    block_type block;
    uint32_t i;

    block.part_bytes = layer->part_rows * output->row_bytes;
    block.output = base;
    block.weights = layer->weights;
    block.thresholds = layer->thresholds;
    if (layer->row_classes != NULL)
        write_classes(tile);
    clear_tail(tile, &block, output->row_bytes);
    for (tile->group = 0U; tile->group < layer->groups; tile->group++) {
        bitloom_conv_tables_mve_read(tile);
        count_tile(tile);
        for (i = 0U; i < sizes->blocks; i++) {
            const uint32_t first = tile->group * layer->outputs + 8U * i;
            block.output = base + first / 8U;
            block.shift = first & 7U;
            block.outputs = lesser(8U, layer->outputs - 8U * i);
            run_block(tile, &block, job);
            block.weights += 32U * ((sizes->fours + 1U) / 2U);
            block.thresholds += layer->planes + 2U;
        }
    }
}

void bitloom_conv_tables_mve_threshold(const bitloom_conv_tables_mve *layer, const bitloom_const_ring *inputs,
                                       const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const sizes_type sizes = sizes_of(layer);
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
        tile.rows = lesser(lesser(layer->tile_rows, y1 - tile.y), output->rows - slot);
        for (tile.x = 0U; tile.x < layer->output_width; tile.x += layer->tile_columns) {
            tile.columns = lesser(layer->tile_columns, layer->output_width - tile.x);
            if (columns == 0U && layer->whole_list != 0U)
                write_list(&tile, 0U, sizes.fours);
            if (tile.columns != columns)
                write_positions(&tile, output->row_bytes);
            columns = tile.columns;
            run_tile(&tile, output, &job);
        }
    }
}
