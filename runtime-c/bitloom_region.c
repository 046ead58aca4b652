/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_region.h"

#include <string.h>

#include "bitloom_float.h"
#include "bitloom_softmax.h"

/* The candidates so far, the best first, and room for a cell's classes. */
typedef struct {
    bitloom_region_candidate *best;
    uint32_t count;
    float *classes;
} candidate_list;

static float sigmoid(float x) {
    const float power = bitloom_exp_f32(x >= 0.0f ? -x : x);
    const float sum = bitloom_rounded(1.0f + power);
    return bitloom_rounded((x >= 0.0f ? 1.0f : power) / sum);
}

static float centre(float t, uint32_t cell, uint32_t cells) {
    return bitloom_rounded(bitloom_rounded(sigmoid(t) + (float)cell) / (float)cells);
}

static float size(float t, float anchor, uint32_t cells) {
    return bitloom_rounded(bitloom_rounded(anchor * bitloom_exp_f32(t)) / (float)cells);
}

/* Puts a candidate behind those that are as good; the worst falls out of a full list. */
static void insert(const bitloom_region *layer, candidate_list *list,
                   const bitloom_region_candidate *candidate) {
    bitloom_region_candidate *at = list->best + list->count;
    if (list->count == layer->candidates) {
        if (!(candidate->score > at[-1].score)) {
            return;
        }
        at--;
    } else {
        list->count++;
    }
    while (at > list->best && at[-1].score < candidate->score) {
        at[0] = at[-1];
        at--;
    }
    *at = *candidate;
}

/* The pairs of one anchor of one cell whose score exceeds the threshold; `t` are its numbers. */
static void add_anchor(const bitloom_region *layer, candidate_list *list, const float *t, uint32_t y,
                       uint32_t x, uint32_t anchor) {
    const float objectness = sigmoid(t[4]);
    bitloom_region_candidate candidate;
    uint32_t c;
    if (!(objectness > layer->thresholds[0])) {
        return; /* no class's score is greater than the objectness */
    }
    candidate.box[0] = centre(t[0], x, layer->width);
    candidate.box[1] = centre(t[1], y, layer->height);
    candidate.box[2] = size(t[2], layer->anchors[2U * anchor], layer->width);
    candidate.box[3] = size(t[3], layer->anchors[2U * anchor + 1U], layer->height);
    candidate.place = (y * layer->width + x) * layer->anchor_count + anchor;
    if (layer->is_softmax) {
        bitloom_softmax_row(t + 5, list->classes, layer->classes);
    }
    for (c = 0U; c < layer->classes; c++) {
        const float of_class = layer->is_softmax ? list->classes[c] : sigmoid(t[5U + c]);
        candidate.score = bitloom_rounded(objectness * of_class);
        if (candidate.score > layer->thresholds[0]) {
            candidate.class_index = c;
            insert(layer, list, &candidate);
        }
    }
}

/* The length that two boxes share along an axis, 0 or 1; below 0 where they are apart. */
static float common(const float *a, const float *b, uint32_t axis) {
    const float half_a = bitloom_rounded(a[axis + 2U] / 2.0f);
    const float half_b = bitloom_rounded(b[axis + 2U] / 2.0f);
    const float first_a = bitloom_rounded(a[axis] - half_a);
    const float first_b = bitloom_rounded(b[axis] - half_b);
    const float last_a = bitloom_rounded(a[axis] + half_a);
    const float last_b = bitloom_rounded(b[axis] + half_b);
    return bitloom_rounded((last_a < last_b ? last_a : last_b) - (first_a > first_b ? first_a : first_b));
}

/* Intersection over union; 0 where either is 0. */
static float overlap(const float *a, const float *b) {
    const float width = common(a, b, 0U);
    const float height = common(a, b, 1U);
    const float area_a = bitloom_rounded(a[2] * a[3]);
    const float area_b = bitloom_rounded(b[2] * b[3]);
    float intersection, both;
    if (width < 0.0f || height < 0.0f) {
        return 0.0f;
    }
    intersection = bitloom_rounded(width * height);
    both = bitloom_rounded(bitloom_rounded(area_a + area_b) - intersection);
    if (!(intersection > 0.0f) || !(both < 0.0f || both > 0.0f)) {
        return 0.0f;
    }
    return bitloom_rounded(intersection / both);
}

static int is_suppressed(const bitloom_region *layer, const candidate_list *list, uint32_t kept,
                         const bitloom_region_candidate *candidate) {
    uint32_t i;
    for (i = 0U; i < kept; i++) {
        const bitloom_region_candidate *better = list->best + i;
        if (!layer->any_class && better->class_index != candidate->class_index) {
            continue;
        }
        if (better->place == candidate->place ||
            overlap(better->box, candidate->box) > layer->thresholds[1]) {
            return 1;
        }
    }
    return 0;
}

/* Moves the candidates that nothing suppresses to the front, at most as many as the output has rows. */
static uint32_t keep_best(const bitloom_region *layer, candidate_list *list) {
    uint32_t kept = 0U;
    uint32_t i;
    for (i = 0U; i < list->count && kept < layer->boxes; i++) {
        if (!is_suppressed(layer, list, kept, list->best + i)) {
            list->best[kept] = list->best[i];
            kept++;
        }
    }
    return kept;
}

void bitloom_region_f32(const bitloom_region *layer, const bitloom_const_ring *inputs,
                        const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    float *rows = bitloom_row(output, y0);
    candidate_list list;
    uint32_t y, x, anchor, i, kept;
    (void)y1;
    list.best = scratch;
    list.count = 0U;
    list.classes = (float *)(void *)(list.best + layer->candidates);
    for (y = 0U; y < layer->height; y++) {
        const float *t = bitloom_const_row(inputs, y);
        for (x = 0U; x < layer->width; x++) {
            for (anchor = 0U; anchor < layer->anchor_count; anchor++) {
                add_anchor(layer, &list, t, y, x, anchor);
                t += 5U + layer->classes;
            }
        }
    }
    kept = keep_best(layer, &list);
    memset(rows, 0, layer->boxes * BITLOOM_BOX_FLOATS * sizeof(float));
    for (i = 0U; i < kept; i++) {
        memcpy(rows, list.best[i].box, sizeof list.best[i].box);
        rows[4] = list.best[i].score;
        rows[5] = (float)list.best[i].class_index;
        rows += BITLOOM_BOX_FLOATS;
    }
}
