/*
 * Boxes of a YOLO region head with non-maximum suppression: NUMERICS, instruction `region`.
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BITLOOM_REGION_H
#define BITLOOM_REGION_H

#include "bitloom_runtime.h"

/* Floats of an output row: x, y, width, height, score, class. */
#define BITLOOM_BOX_FLOATS 6U

/** A box that was found: its centre and size as parts of the image's width and height. */
typedef struct {
    float x;             /**< Centre, 0 at the left to 1 at the right. */
    float y;             /**< Centre, 0 at the top to 1 at the bottom. */
    float width;         /**< 1 is the image's width. */
    float height;        /**< 1 is the image's height. */
    float score;         /**< Objectness times the class's score. */
    int32_t class_index; /**< The class, from 0 on. */
} bitloom_box;

/* Row `index` of a list of boxes. */
static inline bitloom_box bitloom_box_of(const float *rows, uint32_t index) {
    const float *row = rows + index * BITLOOM_BOX_FLOATS;
    bitloom_box box;
    box.x = row[0];
    box.y = row[1];
    box.width = row[2];
    box.height = row[3];
    box.score = row[4];
    box.class_index = (int32_t)row[5];
    return box;
}

/* Boxes of a list that has room for `most`: rows behind the last are 0, which is no box's score. */
static inline uint32_t bitloom_box_count(const float *rows, uint32_t most) {
    uint32_t count = 0U;
    while (count < most && rows[count * BITLOOM_BOX_FLOATS + 4U] > 0.0f) {
        count++;
    }
    return count;
}

typedef struct {
    const float *anchors; /* [anchor_count][width, height] in cells */
    const float
        *thresholds;       /* only greater scores make boxes; a better box that overlaps by more suppresses */
    uint32_t anchor_count; /* boxes of a cell */
    uint32_t classes;      /* numbers of an anchor behind x, y, width, height and objectness */
    uint32_t height;       /* cells */
    uint32_t width;        /* cells */
    uint32_t candidates;   /* room for pairs of box and class */
    uint32_t boxes;        /* rows of the output */
    uint8_t is_softmax;    /* else each class has its own sigmoid */
    uint8_t any_class;     /* whether boxes of other classes suppress too */
} bitloom_region;

/* A pair of box and class that may become an output; the working memory holds `candidates` of them. */
typedef struct {
    float box[4]; /* x, y, width, height */
    float score;
    uint32_t place; /* tells boxes apart */
    uint32_t class_index;
} bitloom_region_candidate;

/*
 * All boxes of a map, [0, 1): they are one row of the output. The working memory holds the candidates, and
 * behind them one float per class.
 */
void bitloom_region_f32(const bitloom_region *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1);

#endif
