/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs_mve.h"

#include "bitloom_conv_pairs_mve_lanes.h"

typedef bitloom_conv_pairs_mve_tile tile_type;
typedef bitloom_conv_pairs_mve_sizes sizes_type;
typedef bitloom_conv_pairs_mve_column column_type;
typedef bitloom_conv_pairs_mve_job job_type;

/* Rows of a tile have at most this many classes. */
#define MAX_ROW_CLASSES 8U
/* Outputs that the inner loop finishes together. */
#define FUSED_OUTPUTS 16U
/* A in the inner loop: planes 0 to 9. */
#define PARITY_PLANES 10U

static uint32_t greater(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint32_t align16(uint32_t bytes) {
    return (bytes + 15U) & ~15U;
}

static uint32_t bit_count(uint32_t value) {
    uint32_t bits = 0U;
    for (; value != 0U; value >>= 1)
        bits++;
    return bits;
}

/* Words of weights of a kernel column with this many groups of 4 inputs; the last may have only 4. */
static uint32_t words_of(uint32_t groups) {
    return (groups + 7U) / 8U;
}

/* Sets the counts of words of 16, 8 and 4 groups; a rest of more than 4 is filled up to 8. */
static void set_words(job_type *job, uint32_t groups) {
    const uint32_t rest = groups & 7U;
    const uint32_t words = groups / 8U + (rest > 4U ? 1U : 0U);
    job->double_words = words / 2U;
    job->rest = (words & 1U) | (rest != 0U && rest <= 4U ? 2U : 0U);
    job->carry_count = job->double_words + (job->rest & 1U) + (job->rest >> 1);
}

/*
 * Whether the inner loop can finish outputs: one kernel column or three neighbouring ones, and no classes or
 * chunks. Only the assembly version does.
 */
static uint32_t can_fuse(const bitloom_conv_pairs_mve *layer, uint32_t chunks, uint32_t carry_count) {
#ifdef BITLOOM_V128_MVE
    static const uint8_t three[9] = {0U, 0U, 1U, 0U, 0U, 0U, 0U, 1U, 1U};
    const uint8_t *steps = layer->column_steps;
    if (chunks != 1U || layer->row_classes != NULL || carry_count > 3U || layer->planes >= PARITY_PLANES) {
        return 0U;
    }
    if (layer->kernel_width == 1U)
        return steps[2] == 0U ? 1U : 0U;
    return layer->kernel_width == 3U && memcmp(steps, three, sizeof three) == 0 ? 1U : 0U;
#else
    (void)layer;
    (void)chunks;
    (void)carry_count;
    return 0U;
#endif
}

static BITLOOM_NOINLINE sizes_type sizes_of(const bitloom_conv_pairs_mve *layer) {
    sizes_type s;
    job_type job;
    uint32_t quad_tables, quad_images, at;
    s.sets = (uint32_t)layer->row_phase_count * layer->column_phase_count;
    s.lane_bytes = layer->lane_bits / 8U;
    s.tile_rows = 16U / (s.lane_bytes * layer->lanes_across);
    s.entry_bytes = 2U * layer->rows * layer->lanes_across * s.lane_bytes;
    s.table_bytes = 16U * s.entry_bytes;
    s.image_bytes = align16(s.entry_bytes / 2U);
    s.parity_planes = bit_count(2U * layer->chunk);
    if (layer->groups == 1U) {
        s.group_channels = layer->channels;
        s.group_outputs = layer->outputs;
    } else {
        s.group_channels = layer->channels / layer->groups;
        s.group_outputs = layer->outputs / layer->groups;
    }
    s.quads = (s.group_channels + 3U) / 4U;
    s.chunks = layer->chunk >= s.quads ? 1U : (s.quads + layer->chunk - 1U) / layer->chunk;
    quad_tables = s.sets * s.table_bytes;
    quad_images = s.sets * 4U * s.image_bytes;
    /* The last image ends two words of 16 bytes behind its tables: building them reads it before it is
     * overwritten. */
    s.images = layer->chunk * quad_tables + 32U - (layer->chunk - 1U) * quad_images;
    at = layer->chunk * quad_tables + 32U + quad_images;
    s.zeros = at;
    /* Also where sums start: 9 planes. */
    at = align16(at + greater(s.entry_bytes + 32U, BITLOOM_CONV_PAIRS_MVE_COLUMN_BYTES));
    s.lists = at;
    s.list_words = 8U * words_of(layer->chunk * layer->kernel_height);
    s.sums = align16(at + 4U * s.list_words * layer->column_phase_count);
    s.sides[0] = s.sums + BITLOOM_CONV_PAIRS_MVE_COLUMN_BYTES * layer->kernel_width;
    s.sides[1] = s.sides[0] + 16U * layer->planes;
    s.carries = s.sides[1] + 16U * layer->planes;
    set_words(&job, (layer->chunk < s.quads ? layer->chunk : s.quads) * layer->kernel_height);
    s.carry_count = job.carry_count;
    s.parity = s.carries + 16U * greater(s.carry_count, 3U);
    s.results = s.parity + 16U * greater(layer->planes + 1U, PARITY_PLANES);
    s.is_fused = can_fuse(layer, s.chunks, s.carry_count);
    s.state = s.results + 16U * FUSED_OUTPUTS;
    s.masks = s.state + (s.chunks > 1U ? 16U * layer->planes * layer->block : 0U);
    s.total = s.masks;
    if (layer->row_classes != NULL) {
        s.total += 16U * (MAX_ROW_CLASSES + layer->column_class_count + layer->planes + 2U);
    }
    return s;
}

uint32_t bitloom_conv_pairs_mve_scratch(const bitloom_conv_pairs_mve *layer) {
    return sizes_of(layer).total;
}

/* Where the tables of each group of 4 inputs are, for every column phase. */
static void write_lists(const tile_type *tile) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    const uint32_t row_bytes = layer->lanes_across * sizes->lane_bytes * BITLOOM_CONV_PAIRS_MVE_LANE_SCALE;
    uint32_t phase, quad, ky;
    for (phase = 0U; phase < layer->column_phase_count; phase++) {
        uint32_t *list = (uint32_t *)(void *)(tile->scratch + sizes->lists) + phase * sizes->list_words;
        uint32_t *const end = list + sizes->list_words;
        for (quad = 0U; quad < tile->quads; quad++) {
            for (ky = 0U; ky < layer->kernel_height; ky++) {
                const uint8_t *tap = layer->row_taps + 2U * ky;
                const uint32_t table = quad * sizes->sets + tap[0] * layer->column_phase_count + phase;
                *list++ = bitloom_conv_pairs_mve_place(tile->scratch,
                                                       table * sizes->table_bytes + tap[1] * row_bytes);
            }
        }
        while (list != end)
            *list++ = bitloom_conv_pairs_mve_place(tile->scratch, sizes->zeros);
    }
}

/* The kernel columns of the chunk. */
static void write_columns(const tile_type *tile, column_type *columns, job_type *job) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    const uint8_t *zeros = tile->scratch + sizes->zeros;
    const uint8_t *parity = tile->scratch + sizes->parity;
    uint32_t i;
    set_words(job, tile->quads * layer->kernel_height);
    for (i = 0U; i < layer->kernel_width; i++) {
        columns[i].tables = (const uint32_t *)(const void *)(tile->scratch + sizes->lists) +
                            layer->column_steps[3U * i] * sizes->list_words;
        columns[i].sum = tile->scratch + sizes->sums + BITLOOM_CONV_PAIRS_MVE_COLUMN_BYTES * i;
        columns[i].start = zeros;
        columns[i].high_start = job->carry_count > 3U ? zeros : NULL;
    }
    if (sizes->is_fused != 0U) {
        const uint32_t middle = layer->kernel_width / 2U;
        columns[middle].start = parity + 16U;
        columns[middle].high_start = parity + 16U + 5U * 16U;
    }
    job->columns = columns;
    job->columns_end = columns + layer->kernel_width;
    job->entry_bytes = sizes->entry_bytes;
    job->carries = tile->scratch + sizes->carries;
    memset(job->carries, 0, 3U * 16U);
    job->outputs = 1U;
    job->results = NULL;
    job->parity = parity;
    job->base = tile->scratch;
}

static BITLOOM_NOINLINE void clear_planes(const tile_type *tile, uint32_t offset) {
    uint32_t plane;
    for (plane = 0U; plane < tile->layer->planes; plane++)
        bitloom_v128_store(tile->scratch + offset + 16U * plane, bitloom_v128_all(0U));
}

/* sum += a column's sum of `count` planes. */
static BITLOOM_NOINLINE void add_column(uint8_t *sum, uint32_t planes, const uint8_t *column,
                                        uint32_t count) {
    bitloom_v128 carry = bitloom_v128_all(0U);
    uint32_t i;
    for (i = 0U; i < planes; i++) {
        bitloom_v128 low = bitloom_v128_load(sum + 16U * i);
        if (i < count) {
            carry = bitloom_v128_full_add(&low, bitloom_v128_load(column + 16U * i), carry);
            bitloom_v128_store(sum + 16U * i, low);
        } else {
            bitloom_v128_store(sum + 16U * i, bitloom_v128_xor(low, carry));
            carry = bitloom_v128_and(low, carry);
        }
    }
}

/* Shifts planes within lanes; what comes in are the bits of `fill`. */
static BITLOOM_NOINLINE void shift_sum(const tile_type *tile, uint8_t *sum, uint32_t planes, int32_t shift,
                                       uint32_t fill) {
    const bitloom_v128 kept = bitloom_conv_pairs_mve_kept(tile->layer->lane_bits, shift);
    uint32_t i;
    for (i = 0U; i < planes; i++) {
        const bitloom_v128 shifted = bitloom_v128_shift(bitloom_v128_load(sum), shift);
        const bitloom_v128 in = bitloom_v128_and_not(bitloom_v128_all(0U - (fill & 1U)), kept);
        bitloom_v128_store(sum, bitloom_v128_or(bitloom_v128_and(shifted, kept), in));
        fill >>= 1;
        sum += 16;
    }
}

/* Sums from both ends of the kernel, of all its columns. */
static void add_columns(const tile_type *tile, const job_type *job, const uint16_t *fills) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const uint32_t count = job->carry_count > 3U ? BITLOOM_CONV_PAIRS_MVE_COLUMN_PLANES : 7U;
    uint32_t i;
    clear_planes(tile, tile->sizes->sides[0]);
    clear_planes(tile, tile->sizes->sides[1]);
    for (i = 0U; i < layer->kernel_width; i++) {
        const uint8_t *step = layer->column_steps + 3U * i;
        uint8_t *sum = tile->scratch + tile->sizes->sides[step[1]];
        const uint32_t planes = step[1] == 0U ? layer->left_planes : layer->right_planes;
        add_column(sum, planes, job->columns[i].sum, count);
        if (step[2] != 0U) {
            shift_sum(tile, sum, planes, step[1] == 0U ? (int32_t)step[2] : -(int32_t)step[2], *fills++);
        }
    }
}

/* state += sums of both sides. */
static void add_to_state(const tile_type *tile, uint8_t *state) {
    const uint8_t *a = tile->scratch + tile->sizes->sides[0];
    const uint8_t *b = tile->scratch + tile->sizes->sides[1];
    bitloom_v128 carry = bitloom_v128_all(0U);
    bitloom_v128 carry2 = bitloom_v128_all(0U);
    uint32_t i;
    for (i = 0U; i < 16U * tile->layer->planes; i += 16U) {
        bitloom_v128 low = carry;
        bitloom_v128 sum = carry2;
        carry = bitloom_v128_full_add(&low, bitloom_v128_load(a + i), bitloom_v128_load(b + i));
        carry2 = bitloom_v128_full_add(&sum, low, bitloom_v128_load(state + i));
        bitloom_v128_store(state + i, sum);
    }
}

/* The plane of a constant, complemented, as `reaches` wants it. */
static inline bitloom_v128 complemented_bit(uint32_t q) {
    return bitloom_v128_all((q & 1U) - 1U);
}

/*
 * [A + 2 S >= t] with S = a + b, as a + b + A / 2 + carry >= (t + 1) / 2, where the carry is A mod 2 if t is
 * odd.
 */
static bitloom_v128 compare(const tile_type *tile, const uint8_t *a, const uint8_t *b, uint32_t t) {
    const uint8_t *parity = tile->scratch + tile->sizes->parity;
    const uint8_t *const end = a + 16U * tile->layer->planes;
    bitloom_v128 carry = bitloom_v128_all(0U);
    bitloom_v128 carry2 = bitloom_v128_and(bitloom_v128_load(parity), bitloom_v128_all(0U - (t & 1U)));
    bitloom_v128 reached = bitloom_v128_all(0xffffffffU);
    uint32_t q = (t + 1U) >> 1;
    for (; a != end; a += 16) {
        bitloom_v128 low = carry;
        bitloom_v128 sum = carry2;
        parity += 16;
        carry = bitloom_v128_full_add(&low, bitloom_v128_load(a), bitloom_v128_load(b));
        carry2 = bitloom_v128_full_add(&sum, low, bitloom_v128_load(parity));
        reached = bitloom_v128_majority(sum, reached, complemented_bit(q));
        b += 16;
        q >>= 1;
    }
    return bitloom_v128_majority(carry2, reached, complemented_bit(q));
}

/* The planes of A + 2 S. */
static void sum_planes(const tile_type *tile, const uint8_t *a, const uint8_t *b, uint8_t *planes) {
    const uint8_t *parity = tile->scratch + tile->sizes->parity;
    bitloom_v128 carry = bitloom_v128_all(0U);
    bitloom_v128 carry2 = carry;
    uint32_t i;
    bitloom_v128_store(planes, bitloom_v128_load(parity));
    for (i = 0U; i < 16U * tile->layer->planes; i += 16U) {
        bitloom_v128 low = carry;
        bitloom_v128 sum = carry2;
        carry = bitloom_v128_full_add(&low, bitloom_v128_load(a + i), bitloom_v128_load(b + i));
        carry2 = bitloom_v128_full_add(&sum, low, bitloom_v128_load(parity + i + 16U));
        bitloom_v128_store(planes + i + 16U, sum);
    }
    bitloom_v128_store(planes + i + 16U, carry2);
}

/* Padding 0: classes of the tile's pixels. */
typedef struct {
    uint32_t row_count;
    uint8_t rows[MAX_ROW_CLASSES]; /* the class of each mask */
    uint8_t *row_masks, *column_masks, *planes;
} classes_type;

static void set_bit(uint8_t *mask, uint32_t lane, uint32_t lane_bytes, uint32_t bit) {
    mask[lane * lane_bytes + bit / 8U] = (uint8_t)(mask[lane * lane_bytes + bit / 8U] | (1U << (bit & 7U)));
}

static uint32_t row_class(const tile_type *tile, classes_type *classes, uint32_t y) {
    const uint8_t class = tile->layer->row_classes[y];
    uint32_t i;
    for (i = 0U; i < classes->row_count; i++) {
        if (classes->rows[i] == class)
            return i;
    }
    classes->rows[classes->row_count++] = class;
    bitloom_v128_store(classes->row_masks + 16U * i, bitloom_v128_all(0U));
    return i;
}

/* Masks of the rows and of the columns of each class, in the tile's rows below `y1`. */
static BITLOOM_NOINLINE void write_classes(const tile_type *tile, uint32_t y1, classes_type *classes) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    uint32_t row, lane, i;
    classes->row_count = 0U;
    classes->row_masks = tile->scratch + sizes->masks;
    classes->column_masks = classes->row_masks + 16U * MAX_ROW_CLASSES;
    classes->planes = classes->column_masks + 16U * layer->column_class_count;
    if (layer->row_classes == NULL)
        return;
    for (i = 0U; i < layer->column_class_count; i++)
        bitloom_v128_store(classes->column_masks + 16U * i, bitloom_v128_all(0U));
    for (row = 0U; row < sizes->tile_rows && tile->y + row < y1; row++) {
        uint8_t *mask = classes->row_masks + 16U * row_class(tile, classes, tile->y + row);
        const uint32_t bytes = 16U / sizes->tile_rows;
        memset(mask + row * bytes, 0xff, bytes);
        for (lane = 0U; lane < layer->lanes_across; lane++) {
            const uint32_t x = (tile->block + lane) * layer->lane_columns;
            for (i = 0U; i < layer->lane_columns && x + i < layer->output_width; i++) {
                set_bit(classes->column_masks + 16U * layer->column_classes[x + i],
                        row * layer->lanes_across + lane, sizes->lane_bytes, layer->first_bit + i);
            }
        }
    }
}

static bitloom_v128 reaches(const uint8_t *planes, uint32_t count, uint32_t t) {
    bitloom_v128 reached = bitloom_v128_all(0xffffffffU);
    for (; count != 0U; count--) {
        reached = bitloom_v128_majority(bitloom_v128_load(planes), reached, complemented_bit(t));
        planes += 16;
        t >>= 1;
    }
    return reached;
}

static BITLOOM_NOINLINE bitloom_v128 compare_classes(const tile_type *tile, const classes_type *classes,
                                                     const uint8_t *a, const uint8_t *b, uint32_t output) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    bitloom_v128 result = bitloom_v128_all(0U);
    uint32_t row, column;
    sum_planes(tile, a, b, classes->planes);
    for (row = 0U; row < classes->row_count; row++) {
        const uint16_t *thresholds =
            layer->thresholds + classes->rows[row] * layer->column_class_count * layer->outputs + output;
        for (column = 0U; column < layer->column_class_count; column++) {
            const bitloom_v128 mask =
                bitloom_v128_and(bitloom_v128_load(classes->row_masks + 16U * row),
                                 bitloom_v128_load(classes->column_masks + 16U * column));
            const bitloom_v128 reached =
                reaches(classes->planes, layer->planes + 2U, thresholds[column * layer->outputs]);
            result = bitloom_v128_or(result, bitloom_v128_and(reached, mask));
        }
    }
    return result;
}

/* Where a tile's output bits go. */
typedef struct {
    uint8_t *rows[MAX_ROW_CLASSES]; /* each lane row's first channel */
    uint32_t row_count;
    uint32_t unit;
    uint32_t
        is_direct; /* lanes are output units, and the tile is whole: rows, from `base`, as vector offsets */
    uint32_t offsets[4];
    uint8_t *base;
} target_type;

static void find_target(const tile_type *tile, const bitloom_ring *output, uint32_t y1, target_type *target) {
    uint32_t count = y1 - tile->y;
    uint32_t row;
    if (count > tile->sizes->tile_rows)
        count = tile->sizes->tile_rows;
    target->row_count = count;
    target->unit = bitloom_conv_pairs_mve_unit(tile->layer->output_width);
    target->base = output->base;
    target->is_direct = target->unit == tile->sizes->lane_bytes && tile->layer->lanes_across == 1U &&
                                tile->layer->lane_columns == tile->layer->output_width &&
                                tile->layer->first_bit == 0U && count == tile->sizes->tile_rows
                            ? 1U
                            : 0U;
    for (row = 0U; row < count; row++) {
        const uint32_t offset = bitloom_ring_offset(tile->y + row, output->row_bytes, output->rows);
        target->rows[row] = target->base + offset;
        if (tile->sizes->lane_bytes == 4U) {
            if (row < 4U)
                target->offsets[row] = offset;
        } else {
            if (offset > 0xffffU)
                target->is_direct = 0U;
            ((uint16_t *)(void *)target->offsets)[row] = (uint16_t)offset;
        }
    }
}

/* The `count` lowest bits of a lane, to columns from x on. */
static BITLOOM_NOINLINE void write_bits(uint8_t *unit, uint32_t unit_bytes, uint32_t x, uint32_t bits) {
    if (unit_bytes == 1U) {
        *unit = (uint8_t)bits;
    } else if (unit_bytes == 2U) {
        *(uint16_t *)(void *)unit = (uint16_t)bits;
    } else {
        uint32_t *word = (uint32_t *)(void *)unit + x / 32U;
        uint32_t *const end = (uint32_t *)(void *)(unit + unit_bytes);
        const uint32_t shift = x & 31U;
        *word = shift == 0U ? bits : *word | (bits << shift);
        if (word + 1 != end)
            word[1] = shift == 0U ? 0U : bits >> (32U - shift);
    }
}

static BITLOOM_NOINLINE void write_lanes(const tile_type *tile, const target_type *target, uint32_t output,
                                         bitloom_v128 result) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    uint32_t words[4];
    uint32_t row, lane;
    uint32_t at = 0U;
    bitloom_v128_store(words, result);
    for (row = 0U; row < target->row_count; row++) {
        uint8_t *unit = target->rows[row] + output * target->unit;
        for (lane = 0U; lane < layer->lanes_across; lane++) {
            const uint32_t x = (tile->block + lane) * layer->lane_columns;
            const uint32_t bits = words[at / 32U] >> (at & 31U) >> layer->first_bit;
            uint32_t count = layer->output_width - x;
            if (count > layer->lane_columns)
                count = layer->lane_columns;
            if (x < layer->output_width) {
                write_bits(unit, target->unit, x, count < 32U ? bits & ((1U << count) - 1U) : bits);
            }
            at += layer->lane_bits;
        }
    }
}

/* Results of outputs one after the other. */
static void write_results(const tile_type *tile, const target_type *target, uint32_t output,
                          const uint8_t *results, uint32_t count) {
#ifdef BITLOOM_V128_MVE
    if (target->is_direct != 0U) {
        const uint32_t lane = 0xffffffffU >> (32U - tile->layer->output_width);
        const uint32_t unit = target->unit;
        const bitloom_v128 mask = bitloom_v128_all(unit == 2U ? lane | (lane << 16) : lane);
        const bitloom_v128 offsets = vld1q_u32(target->offsets);
        uint8_t *to = target->base + output * unit;
        for (; count != 0U; count--) {
            const bitloom_v128 bits = bitloom_v128_and(bitloom_v128_load(results), mask);
            if (unit == 2U) {
                vstrhq_scatter_offset_u16((uint16_t *)(void *)to, vreinterpretq_u16_u32(offsets),
                                          vreinterpretq_u16_u32(bits));
            } else {
                vstrwq_scatter_offset_u32((uint32_t *)(void *)to, offsets, bits);
            }
            to += unit;
            results += 16;
        }
    }
#endif
    for (; count != 0U; count--) {
        write_lanes(tile, target, output++, bitloom_v128_load(results));
        results += 16;
    }
}

static void run_columns(const bitloom_conv_pairs_mve *layer, job_type *job) {
    if (layer->lane_bits == 16U) {
        bitloom_conv_pairs_mve_columns16(job);
    } else {
        bitloom_conv_pairs_mve_columns32(job);
    }
}

static uint32_t shifting_steps(const bitloom_conv_pairs_mve *layer) {
    uint32_t count = 0U;
    uint32_t i;
    for (i = 0U; i < layer->kernel_width; i++)
        count += layer->column_steps[3U * i + 2U] != 0U ? 1U : 0U;
    return count;
}

/* Outputs [first, end) of the layer that the inner loop finishes; it moves on in weights and fills. */
static void run_fused(const tile_type *tile, const target_type *target, job_type *job, uint32_t first,
                      uint32_t end) {
    const uint32_t words = tile->layer->kernel_width * words_of(tile->quads * tile->layer->kernel_height);
    uint8_t *results = tile->scratch + tile->sizes->results;
    job->thresholds = tile->layer->thresholds + first;
    while (first < end) {
        const uint32_t count = end - first < FUSED_OUTPUTS ? end - first : FUSED_OUTPUTS;
        job->outputs = count;
        job->results = results;
        run_columns(tile->layer, job);
        job->weights += count * words;
        write_results(tile, target, first, results, count);
        first += count;
    }
}

/* Outputs [first, end) of the group, summed over the tile's chunk. */
static void run_outputs(const tile_type *tile, const target_type *target, const classes_type *classes,
                        job_type *job, uint32_t first, uint32_t end) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    const uint32_t chunk = sizes->chunks == 1U ? 0U : tile->first_quad / layer->chunk;
    const uint32_t full = layer->chunk < sizes->quads ? layer->chunk : sizes->quads;
    const uint32_t full_words = layer->kernel_width * words_of(full * layer->kernel_height);
    const uint32_t last_words =
        layer->kernel_width * words_of((sizes->quads - (sizes->chunks - 1U) * full) * layer->kernel_height);
    const uint32_t words = layer->kernel_width * words_of(tile->quads * layer->kernel_height);
    const uint32_t fill_step = shifting_steps(layer);
    const uint32_t before = tile->group * sizes->group_outputs;
    const uint32_t *weights = layer->weights + before * (full_words * (sizes->chunks - 1U) + last_words) +
                              chunk * sizes->group_outputs * full_words + first * words;
    const uint16_t *fills =
        layer->fills + ((tile->group * sizes->chunks + chunk) * sizes->group_outputs + first) * fill_step;
    const uint8_t *a = tile->scratch + sizes->sides[0];
    const uint8_t *b = tile->scratch + sizes->sides[1];
    uint8_t *state = tile->scratch + sizes->state;
    uint8_t *result = tile->scratch + sizes->results;
    uint32_t output;
    if (sizes->is_fused != 0U) {
        job->weights = weights;
        job->fills = fills;
        run_fused(tile, target, job, before + first, before + end);
        return;
    }
    for (output = before + first; output < before + end; output++) {
        job->weights = weights;
        run_columns(layer, job);
        add_columns(tile, job, fills);
        weights += words;
        fills += fill_step;
        if (sizes->chunks > 1U) {
            add_to_state(tile, state);
            a = state;
            state += 16U * layer->planes;
            if (chunk + 1U != sizes->chunks)
                continue;
            clear_planes(tile, sizes->sides[1]);
        }
        bitloom_v128_store(result, layer->row_classes == NULL ? compare(tile, a, b, layer->thresholds[output])
                                                              : compare_classes(tile, classes, a, b, output));
        write_results(tile, target, output, result, 1U);
    }
}

/* Tables of the tile's chunk, and the sums of its x ^ y. */
static void prepare(tile_type *tile, uint32_t first_quad) {
    const sizes_type *sizes = tile->sizes;
    tile->first_quad = first_quad;
    tile->quads = sizes->quads - first_quad;
    if (tile->quads > tile->layer->chunk)
        tile->quads = tile->layer->chunk;
    bitloom_conv_pairs_mve_gather(tile);
    bitloom_conv_pairs_mve_parity(tile);
    bitloom_conv_pairs_mve_tables(tile);
    write_lists(tile);
}

static void run_tile(tile_type *tile, const bitloom_ring *output, uint32_t y1) {
    const bitloom_conv_pairs_mve *layer = tile->layer;
    const sizes_type *sizes = tile->sizes;
    const uint32_t block = sizes->chunks == 1U ? sizes->group_outputs : layer->block;
    column_type columns[BITLOOM_CONV_PAIRS_MVE_MAX_COLUMNS];
    job_type job;
    target_type target;
    classes_type classes;
    uint32_t first, quad, i;
    find_target(tile, output, y1, &target);
    write_classes(tile, y1, &classes);
    for (first = 0U; first < sizes->group_outputs; first += block) {
        const uint32_t end = first + block < sizes->group_outputs ? first + block : sizes->group_outputs;
        clear_planes(tile, sizes->parity);
        for (i = 0U; sizes->chunks > 1U && i < block; i++)
            clear_planes(tile, sizes->state + 16U * layer->planes * i);
        for (quad = 0U; quad < sizes->quads; quad += layer->chunk) {
            prepare(tile, quad);
            write_columns(tile, columns, &job);
            run_outputs(tile, &target, &classes, &job, first, end);
        }
    }
}

void bitloom_conv_pairs_mve_threshold(const bitloom_conv_pairs_mve *layer, const bitloom_const_ring *inputs,
                                      const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const sizes_type sizes = sizes_of(layer);
    tile_type tile;
    tile.layer = layer;
    tile.sizes = &sizes;
    tile.input = inputs;
    tile.scratch = scratch;
    memset(tile.scratch + sizes.zeros, 0, sizes.lists - sizes.zeros);
    memset(tile.scratch + sizes.parity, 0, sizes.results - sizes.parity);
    for (tile.group = 0U; tile.group < layer->groups; tile.group++) {
        for (tile.y = y0; tile.y < y1; tile.y += sizes.tile_rows) {
            const uint32_t columns = layer->output_width;
            for (tile.block = 0U; tile.block * layer->lane_columns < columns;
                 tile.block += layer->lanes_across)
                run_tile(&tile, output, y1);
        }
    }
}
