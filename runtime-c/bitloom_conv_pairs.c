/*
 * Schedule of bitloom_conv_pairs: which tables are built when, and what is added to which counters.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_pairs.h"

#include <string.h>

#include "bitloom_conv_pairs_core.h"
#include "bitloom_conv_pairs_lines.h"

#define NOTHING 0xffffffffU
#define VERSION_WORDS 64U
/* A sum's planes, and zeros. */
#define SUM_WORDS (BITLOOM_CONV_PAIRS_MAX_PLANES + 1U)

/* Sizes that follow from the layer. */
typedef struct {
    uint32_t row_groups;  /* groups of 4 inputs in a kernel row */
    uint32_t words;       /* weight words of an output: of the window, or of a kernel row */
    uint32_t table_words; /* words whose tables are kept */
    uint32_t pieces;      /* runs per kernel row */
    uint32_t span;        /* input rows of a window */
    uint32_t slots;       /* tiles whose counters are kept */
    uint32_t line_words;
    uint32_t ring; /* WINDOW: rows of tables stay where they are */
} sizes;

typedef struct {
    const bitloom_conv_pairs *layer;
    const bitloom_ring *output;
    sizes size;
    bitloom_conv_pairs_lines lines;
    bitloom_conv_pairs_run run;
    const uint32_t *table_list[BITLOOM_CONV_PAIRS_MAX_RUN];
    const uint32_t *weights;    /* of the block */
    const uint16_t *thresholds; /* of the block, first class */
    uint32_t y0, y1;
    uint32_t tiles;        /* rows of tiles */
    uint32_t x0;           /* first output column of the tiles */
    uint32_t first_output; /* of the block */
    uint32_t outputs;      /* of the block */
    uint32_t *tables;
    uint32_t *table_ids; /* [kernel_height] */
    uint32_t *parity;    /* [span][planes + 1]: sums of x ^ y of each line */
    uint32_t *parity_ids;
    uint32_t *sum;     /* [SUM_WORDS]: A of a tile */
    uint32_t *low;     /* [slots][VERSION_WORDS] */
    uint32_t *states;  /* [slots][block][planes] */
    uint32_t *results; /* [block] */
    uint16_t *presets; /* [block]: the threshold of counters that start from A - t */
} work;

static uint32_t divide_up(uint32_t value, uint32_t by) {
    return (value + by - 1U) / by;
}

static uint32_t is_zero_padded(const bitloom_conv_pairs *layer) {
    return layer->pad == BITLOOM_CONV_PAIRS_PAD_ZERO ? 1U : 0U;
}

static sizes sizes_of(const bitloom_conv_pairs *layer) {
    const uint32_t words = ((uint32_t)layer->channels / layer->groups + 3U) & ~3U;
    const uint32_t reach = (layer->kernel_height - 1U) * (uint32_t)layer->dilation_y;
    sizes size;
    size.row_groups = layer->kernel_width * (words / 4U);
    size.line_words = bitloom_conv_pairs_phases(layer);
    size.line_words = words * (size.line_words != 0U ? size.line_words : layer->kernel_width);
    size.span = reach + 1U;
    size.ring = 0U;
    size.slots = 1U;
    size.pieces = 1U;
    if (layer->scheme == BITLOOM_CONV_PAIRS_WINDOW) {
        size.words = divide_up(layer->kernel_height * size.row_groups, 8U);
        size.table_words = size.words;
        size.ring = size.row_groups % 24U == 0U ? 1U : 0U;
    } else {
        size.words = divide_up(size.row_groups, 8U);
        size.pieces = divide_up(size.words, layer->piece);
        size.table_words = size.words < layer->piece ? size.words : layer->piece;
        if (layer->scheme == BITLOOM_CONV_PAIRS_ROWS) {
            /* A tile that ends with a row frees its counters before the row's new tile takes them. */
            size.slots = size.pieces == 1U ? divide_up(reach, layer->stride_y) : reach / layer->stride_y + 1U;
            if (size.slots == 0U)
                size.slots = 1U;
        }
    }
    return size;
}

static uint32_t has_state(const bitloom_conv_pairs *layer, const sizes *size) {
    const uint32_t runs =
        layer->scheme == BITLOOM_CONV_PAIRS_WINDOW ? 1U : layer->kernel_height * size->pieces;
    return runs > 1U || is_zero_padded(layer) != 0U ? 1U : 0U;
}

/* Takes `words` from the scratch; a null scratch only counts. */
static uint32_t *take(uint32_t *scratch, uint32_t *used, uint32_t words) {
    uint32_t *taken = scratch == NULL ? NULL : scratch + *used;
    *used += words;
    return taken;
}

static uint32_t lay_out(work *w, const bitloom_conv_pairs *layer, uint32_t *scratch) {
    const sizes *size = &w->size;
    uint32_t used = 0U;
    w->tables = take(scratch, &used, size->table_words * BITLOOM_CONV_PAIRS_TABLE_WORDS);
    w->table_ids = take(scratch, &used, layer->kernel_height);
    w->lines.slots =
        take(scratch, &used, (layer->line_slots == 0U ? 1U : layer->line_slots) * size->line_words);
    w->lines.ids = take(scratch, &used, layer->line_slots);
    w->parity = take(scratch, &used, size->span * (layer->planes + 1U));
    w->parity_ids = take(scratch, &used, size->span);
    w->sum = take(scratch, &used, SUM_WORDS);
    w->low = take(scratch, &used, size->slots * VERSION_WORDS);
    if (has_state(layer, size) != 0U) {
        w->states = take(scratch, &used, size->slots * (layer->block * (uint32_t)layer->planes));
        w->results = w->states;
    } else {
        w->states = NULL;
        w->results = take(scratch, &used, layer->block);
    }
    w->presets = (uint16_t *)take(scratch, &used, is_zero_padded(layer) * (layer->block + 1U) / 2U);
    return 4U * used;
}

uint32_t bitloom_conv_pairs_scratch(const bitloom_conv_pairs *layer) {
    work w;
    w.size = sizes_of(layer);
    return (lay_out(&w, layer, NULL) + 7U) & ~7U;
}

static void forget(uint32_t *ids, uint32_t count) {
    uint32_t i;
    for (i = 0U; i < count; i++)
        ids[i] = NOTHING;
}

/* Builds the tables of groups [from, to) of line r. */
static void build(const work *w, uint32_t r, uint32_t from, uint32_t to, uint32_t *tables) {
    const uint32_t *line = bitloom_conv_pairs_line(&w->lines, r);
    const uint32_t column_groups = w->lines.words / 4U;
    uint32_t kx = from / column_groups;
    uint32_t first = from - kx * column_groups;
    for (; from < to; kx++) {
        const bitloom_conv_pairs_column column = bitloom_conv_pairs_column_of(&w->lines, kx);
        const uint32_t left = column_groups - first;
        const uint32_t groups = left < to - from ? left : to - from;
        bitloom_conv_pairs_tables(line + column.offset + 4U * first, groups, column.rotate, column.mask,
                                  tables);
        tables += groups * BITLOOM_CONV_PAIRS_GROUP_WORDS;
        from += groups;
        first = 0U;
    }
}

/* Groups that fill up a word have weights 1111: their last entry is (0, 0). */
static void fill_up(uint32_t *tables, uint32_t groups, uint32_t words) {
    for (; groups < 8U * words; groups++) {
        tables[(groups + 1U) * BITLOOM_CONV_PAIRS_GROUP_WORDS - 2U] = 0U;
        tables[(groups + 1U) * BITLOOM_CONV_PAIRS_GROUP_WORDS - 1U] = 0U;
    }
}

/* Line r's sum of x ^ y. */
static const uint32_t *parity_of(const work *w, uint32_t r) {
    const uint32_t slot = r < w->size.span ? r : r % w->size.span;
    uint32_t *sum = w->parity + slot * (w->layer->planes + 1U);
    if (w->parity_ids[slot] != r) {
        bitloom_conv_pairs_parity(&w->lines, r, sum);
        w->parity_ids[slot] = r;
    }
    return sum;
}

/* Sum over the kernel rows of what is known of every line of tile t, `planes` planes each. */
static void sum_rows(const work *w, uint32_t t, uint32_t *sum, uint32_t total, uint32_t planes) {
    const uint32_t first = t * w->layer->stride_y;
    const uint32_t step = w->layer->dilation_y;
    const uint32_t *rows[3];
    uint32_t ky, i;
    rows[0] = parity_of(w, first);
    if (w->layer->kernel_height == 3U && total >= planes + 2U) {
        rows[1] = parity_of(w, first + step);
        rows[2] = parity_of(w, first + 2U * step);
        bitloom_conv_pairs_add_rows(sum, total, rows, planes);
        return;
    }
    for (i = 0U; i < total; i++)
        sum[i] = i < planes ? rows[0][i] : 0U;
    for (ky = 1U; ky < w->layer->kernel_height; ky++)
        bitloom_conv_pairs_add(sum, total, parity_of(w, first + ky * step), planes, 0U, 0xffffffffU);
}

/* A of tile t. */
static void sum_parity(const work *w, uint32_t t) {
    const bitloom_conv_pairs_lines *lines = &w->lines;
    const uint32_t total = w->layer->planes + 1U;
    const uint32_t width = w->layer->kernel_width;
    uint32_t number[BITLOOM_CONV_PAIRS_MAX_PLANES + 3U];
    uint32_t kx, i;
    if (lines->phases != 1U || (width == 1U && lines->columns[0].rotate == 0U)) {
        sum_rows(w, t, w->sum, total, width == 1U ? lines->pair_planes : lines->row_planes);
        return;
    }
    /* Kernel rows first: what they add up to is turned once. */
    sum_rows(w, t, number,
             lines->pair_planes + 2U < lines->high_planes ? lines->high_planes : lines->pair_planes + 2U,
             lines->pair_planes);
    if (width == 3U && total >= lines->high_planes + 2U) {
        bitloom_conv_pairs_add_columns(w->sum, total, number, lines->high_planes, lines->columns);
        return;
    }
    for (i = 0U; i < total; i++)
        w->sum[i] = 0U;
    for (kx = 0U; kx < width; kx++) {
        const bitloom_conv_pairs_column column = bitloom_conv_pairs_column_of(lines, kx);
        bitloom_conv_pairs_add(w->sum, total, number, lines->high_planes, column.rotate, column.mask);
    }
}

/* The output pixels of a tile by class: up to 32 classes with their pixels. */
static uint32_t tile_classes(const work *w, uint32_t t, uint16_t *classes, uint32_t *pixels) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t left = layer->output_width - w->x0;
    const uint32_t width = left < w->lines.lane_bits ? left : w->lines.lane_bits;
    uint32_t count = 0U;
    uint32_t lane, x;
    for (lane = 0U; lane < w->lines.lanes; lane++) {
        const uint32_t y = w->y0 + t + lane * w->tiles;
        const uint32_t row = y < w->y1 ? layer->row_classes[y] * (uint32_t)layer->column_class_count : 0U;
        for (x = 0U; x < width && y < w->y1; x++) {
            const uint16_t class = (uint16_t)(row + layer->column_classes[w->x0 + x]);
            uint32_t i = 0U;
            while (i < count && classes[i] != class)
                i++;
            if (i == count) {
                classes[count++] = class;
                pixels[i] = 0U;
            }
            pixels[i] |= 1U << (lane * w->lines.lane_bits + x);
        }
    }
    return count;
}

/* Bit i of a threshold in all pixels. */
static inline uint32_t spread(uint32_t threshold, uint32_t i) {
    return 0U - ((threshold >> i) & 1U);
}

/* a - b - borrow. */
static inline uint32_t subtract(uint32_t a, uint32_t b, uint32_t *borrow) {
    const uint32_t difference = a ^ b ^ *borrow;
    *borrow = (~a & (b | *borrow)) | (b & *borrow);
    return difference;
}

/* Bits [first, first + 4) of every pixel's threshold. */
static inline void threshold_bits(const uint32_t *thresholds, const uint32_t *pixels, uint32_t count,
                                  uint32_t first, uint32_t *bits) {
    uint32_t a = 0U;
    uint32_t b = 0U;
    uint32_t c = 0U;
    uint32_t d = 0U;
    uint32_t k;
    for (k = 0U; k < count; k++) {
        const uint32_t threshold = thresholds[k] >> first;
        const uint32_t mask = pixels[k];
        a |= spread(threshold, 0U) & mask;
        b |= spread(threshold, 1U) & mask;
        c |= spread(threshold, 2U) & mask;
        d |= spread(threshold, 3U) & mask;
    }
    bits[0] = a;
    bits[1] = b;
    bits[2] = c;
    bits[3] = d;
}

/* Counters of every output start from A - t + 2^planes of each pixel, without its lowest bit. */
static void preset_states(const work *w, uint32_t t, uint32_t *state) {
    uint16_t classes[32];
    uint32_t pixels[32];
    uint32_t thresholds[32];
    const uint32_t planes = w->layer->planes;
    const uint32_t count = tile_classes(w, t, classes, pixels);
    uint32_t output, i, k;
    for (output = 0U; output < w->outputs; output++) {
        uint32_t bits[BITLOOM_CONV_PAIRS_MAX_PLANES + 4U];
        uint32_t borrow = 0U;
        for (k = 0U; k < count; k++)
            thresholds[k] = w->thresholds[classes[k] * (uint32_t)w->layer->outputs + output];
        for (i = 0U; i <= planes; i += 4U)
            threshold_bits(thresholds, pixels, count, i, bits + i);
        (void)subtract(w->sum[0], bits[0], &borrow);
        for (i = 1U; i <= planes; i++)
            *state++ = subtract(w->sum[i], bits[i], &borrow);
        state[-1] ^= 0xffffffffU;
    }
}

static uint8_t *output_units(const work *w, uint32_t y) {
    const uint32_t bytes = bitloom_conv_pairs_unit(w->layer->output_width);
    return (uint8_t *)bitloom_row(w->output, y) + w->first_output * bytes + w->x0 / 8U;
}

/* A row ends at a whole word: the bytes after its last unit are zero. */
static void end_row(const work *w, uint8_t *units) {
    const uint32_t bytes = bitloom_conv_pairs_unit(w->layer->output_width);
    uint32_t i;
    if (w->first_output + w->outputs != w->layer->outputs)
        return;
    for (i = w->layer->outputs * bytes; i % 4U != 0U; i++)
        units[i - w->first_output * bytes] = 0U;
}

/* Output bits of one tile to the rows of its lanes. */
static void store_units(const work *w, uint32_t t, const uint32_t *results) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t bytes = bitloom_conv_pairs_unit(layer->output_width);
    const uint32_t left = layer->output_width - w->x0;
    const uint32_t mask = left < 32U ? (1U << left) - 1U : 0xffffffffU;
    uint32_t lane, i;
    if (layer->output_width == 16U && w->first_output % 2U == 0U && w->outputs % 4U == 0U &&
        w->y0 + t + w->tiles < w->y1) {
        bitloom_conv_pairs_unzip(results, (uint32_t *)(void *)output_units(w, w->y0 + t),
                                 (uint32_t *)(void *)output_units(w, w->y0 + t + w->tiles), w->outputs);
        return;
    }
    for (lane = 0U; lane < w->lines.lanes; lane++) {
        const uint32_t y = w->y0 + t + lane * w->tiles;
        const uint32_t shift = lane * w->lines.lane_bits;
        uint8_t *row;
        if (y >= w->y1)
            break;
        row = output_units(w, y);
        end_row(w, row);
        if (bytes == 1U) {
            for (i = 0U; i < w->outputs; i++)
                row[i] = (uint8_t)((results[i] >> shift) & mask);
        } else if (bytes == 2U) {
            uint16_t *units = (uint16_t *)(void *)row;
            for (i = 0U; i < w->outputs; i++)
                units[i] = (uint16_t)((results[i] >> shift) & mask);
        } else {
            uint32_t *units = (uint32_t *)(void *)row;
            for (i = 0U; i < w->outputs; i++)
                units[i * (bytes / 4U)] = results[i] & mask;
        }
    }
}

/* Whether the results of a tile are the output row as it is stored. */
static uint32_t *result_row(const work *w, uint32_t t) {
    if (w->layer->output_width != 32U)
        return NULL;
    return (uint32_t *)bitloom_row(w->output, w->y0 + t) + w->first_output;
}

/* One run of tile t: from the start or its counters, to its counters or the output. */
static void run_tile(work *w, uint32_t t, uint32_t is_first, uint32_t is_last) {
    bitloom_conv_pairs_run *run = &w->run;
    const uint32_t slot = t % w->size.slots;
    uint32_t *row = is_last != 0U ? result_row(w, t) : NULL;
    run->low = w->low + slot * VERSION_WORDS;
    run->state = w->states + slot * (w->layer->block * (uint32_t)w->layer->planes);
    run->results = row != NULL ? row : w->states == NULL ? w->results : run->state;
    run->thresholds = w->thresholds;
    if (is_first != 0U) {
        sum_parity(w, t);
        bitloom_conv_pairs_versions(w->sum, w->low + slot * VERSION_WORDS);
    }
    if (is_zero_padded(w->layer) != 0U) {
        if (is_first != 0U)
            preset_states(w, t, run->state);
        is_first = 0U;
        run->thresholds = w->presets;
    }
    if (is_first != 0U) {
        (is_last != 0U ? bitloom_conv_pairs_single : bitloom_conv_pairs_first)(run);
    } else {
        (is_last != 0U ? bitloom_conv_pairs_last : bitloom_conv_pairs_middle)(run);
    }
    if (is_last != 0U && row == NULL)
        store_units(w, t, run->results);
}

/* WINDOW: the tables of kernel row ky, kept from an earlier tile where they are. */
static const uint32_t *window_row(const work *w, uint32_t ky, uint32_t r) {
    const uint32_t row_words = w->size.row_groups * BITLOOM_CONV_PAIRS_GROUP_WORDS;
    const uint32_t rows = w->layer->kernel_height;
    const uint32_t slot = w->size.ring != 0U ? (r / w->layer->dilation_y) % rows : ky;
    uint32_t *tables = w->tables + slot * row_words;
    uint32_t later;
    if (w->table_ids[slot] == r)
        return tables;
    for (later = ky + 1U; later < rows && w->table_ids[later] != r; later++) {
    }
    if (w->size.ring == 0U && later < rows) {
        bitloom_conv_pairs_copy(w->tables + later * row_words, w->size.row_groups, tables);
    } else {
        build(w, r, 0U, w->size.row_groups, tables);
    }
    w->table_ids[slot] = r;
    return tables;
}

static void window_tiles(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t row_words = w->size.row_groups / 8U;
    uint32_t t, ky, i;
    w->run.words = w->size.words;
    w->run.weights = w->weights;
    for (i = 0U; i < w->size.words; i++)
        w->table_list[i] = w->tables + i * BITLOOM_CONV_PAIRS_TABLE_WORDS;
    fill_up(w->tables, layer->kernel_height * w->size.row_groups, w->size.words);
    for (t = 0U; t < w->tiles; t++) {
        for (ky = 0U; ky < layer->kernel_height; ky++) {
            const uint32_t r = t * layer->stride_y + ky * layer->dilation_y;
            const uint32_t *tables;
            if (layer->line_slots != 0U)
                (void)parity_of(w, r);
            tables = window_row(w, ky, r);
            for (i = 0U; w->size.ring != 0U && i < row_words; i++)
                w->table_list[ky * row_words + i] = tables + i * BITLOOM_CONV_PAIRS_TABLE_WORDS;
        }
        run_tile(w, t, 1U, 1U);
    }
}

/* Builds the tables of a piece of line r. */
static void build_piece(work *w, uint32_t r, uint32_t piece) {
    const uint32_t first = piece * w->layer->piece;
    const uint32_t left = w->size.words - first;
    const uint32_t end = 8U * (first + left);
    w->run.words = left < w->layer->piece ? left : w->layer->piece;
    build(w, r, 8U * first,
          8U * (first + w->run.words) < w->size.row_groups ? 8U * (first + w->run.words) : w->size.row_groups,
          w->tables);
    if (end > w->size.row_groups && w->run.words == left) {
        fill_up(w->tables, w->size.row_groups - 8U * first, w->run.words);
    }
}

/* The run of kernel row ky and a piece, whose tables have been built. */
static void run_piece(work *w, uint32_t t, uint32_t ky, uint32_t piece) {
    w->run.weights = w->weights + (ky * w->size.words + piece * w->layer->piece) * w->outputs;
    run_tile(w, t, ky == 0U && piece == 0U ? 1U : 0U,
             ky == w->layer->kernel_height - 1U && piece == w->size.pieces - 1U ? 1U : 0U);
}

/* ROWS: each input row is built once, for all tiles that it touches, the one that it ends first. */
static void row_tiles(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t rows = (w->tiles - 1U) * layer->stride_y + w->size.span;
    uint32_t r, piece, ky;
    for (r = 0U; r < rows; r++) {
        for (piece = 0U; piece < w->size.pieces; piece++) {
            uint32_t is_built = 0U;
            for (ky = layer->kernel_height; ky-- != 0U;) {
                const uint32_t above = ky * layer->dilation_y;
                if (above > r || (r - above) % layer->stride_y != 0U)
                    continue;
                if ((r - above) / layer->stride_y >= w->tiles)
                    continue;
                if (is_built == 0U)
                    build_piece(w, r, piece);
                is_built = 1U;
                run_piece(w, (r - above) / layer->stride_y, ky, piece);
            }
        }
    }
}

/* TILES: one tile after the other. */
static void single_tiles(work *w) {
    uint32_t t, ky, piece;
    for (t = 0U; t < w->tiles; t++) {
        for (ky = 0U; ky < w->layer->kernel_height; ky++) {
            for (piece = 0U; piece < w->size.pieces; piece++) {
                build_piece(w, t * w->layer->stride_y + ky * w->layer->dilation_y, piece);
                run_piece(w, t, ky, piece);
            }
        }
    }
}

static void block_tiles(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    uint32_t i;
    forget(w->table_ids, layer->kernel_height);
    w->run.tables = w->table_list;
    w->run.outputs = w->outputs;
    w->run.planes = layer->planes;
    w->run.high = w->sum + 4;
    for (i = 0U; i < w->outputs && w->presets != NULL && is_zero_padded(layer) != 0U; i++)
        w->presets[i] = (uint16_t)(1U << layer->planes);
    if (layer->scheme == BITLOOM_CONV_PAIRS_WINDOW) {
        window_tiles(w);
        return;
    }
    for (i = 0U; i < w->size.table_words; i++)
        w->table_list[i] = w->tables + i * BITLOOM_CONV_PAIRS_TABLE_WORDS;
    if (layer->scheme == BITLOOM_CONV_PAIRS_ROWS) {
        row_tiles(w);
    } else {
        single_tiles(w);
    }
}

/* The outputs of one group on one column of tiles, block by block. */
static void group_tiles(work *w, uint32_t group) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t outputs = (uint32_t)layer->outputs / layer->groups;
    const uint32_t words =
        layer->scheme == BITLOOM_CONV_PAIRS_WINDOW ? w->size.words : layer->kernel_height * w->size.words;
    uint32_t done;
    forget(w->parity_ids, w->size.span);
    w->lines.first_channel = group * w->lines.channels;
    w->lines.first_column = (int32_t)(w->x0 * layer->stride_x) - (int32_t)layer->pad_left;
    bitloom_conv_pairs_prepare(&w->lines);
    for (done = 0U; done < outputs; done += layer->block) {
        w->first_output = group * outputs + done;
        w->outputs = outputs - done < layer->block ? outputs - done : layer->block;
        w->weights = layer->weights + w->first_output * words;
        w->thresholds = layer->thresholds + w->first_output;
        block_tiles(w);
    }
}

/* Narrow output rows share a word; the rows of one call are split into as many bands. */
static void split_rows(work *w) {
    const bitloom_conv_pairs *layer = w->layer;
    const uint32_t bytes = bitloom_conv_pairs_unit(layer->output_width);
    const uint32_t rows = w->y1 - w->y0;
    const uint32_t lanes = bytes < 4U ? 4U / bytes : 1U;
    w->tiles = divide_up(rows, lanes);
    w->lines.lane_bits = 32U / lanes;
    w->lines.lanes = divide_up(rows, w->tiles);
    w->lines.lane_step = w->tiles * layer->stride_y;
    w->lines.first_row = (int32_t)(w->y0 * layer->stride_y) - (int32_t)layer->pad_top;
}

void bitloom_conv_pairs_threshold(const bitloom_conv_pairs *layer, const bitloom_const_ring *inputs,
                                  const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    work w;
    uint32_t group;
    if (y0 >= y1)
        return;
    w.layer = layer;
    w.output = output;
    w.y0 = y0;
    w.y1 = y1;
    w.size = sizes_of(layer);
    w.lines.layer = layer;
    w.lines.input = inputs;
    w.lines.channels = (uint32_t)layer->channels / layer->groups;
    w.lines.words = (w.lines.channels + 3U) & ~3U;
    w.lines.phases = bitloom_conv_pairs_phases(layer);
    w.lines.slot_words = w.size.line_words;
    (void)lay_out(&w, layer, (uint32_t *)scratch);
    memset(w.sum, 0, SUM_WORDS * sizeof(uint32_t));
    if (layer->line_slots == 0U)
        memset(w.lines.slots, 0, w.size.line_words * sizeof(uint32_t));
    split_rows(&w);
    for (w.x0 = 0U; w.x0 < layer->output_width; w.x0 += 32U) {
        for (group = 0U; group < layer->groups; group++)
            group_tiles(&w, group);
    }
}
