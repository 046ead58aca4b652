/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_rows_mve.h"

#include "bitloom_conv_rows_mve_core.h"

typedef bitloom_conv_rows_mve_job job_type;

/* A list that is being written. */
typedef struct {
    uint32_t *end;
    uint32_t place; /* of the next pair's rows */
    uint32_t row_bytes;
    uint32_t unequal; /* pairs so far */
} list_type;

/* Bits at even places, counted. */
static uint32_t even_count(uint32_t bits) {
    bits &= 0x55555555U;
    bits = (bits & 0x33333333U) + (bits >> 2 & 0x33333333U);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0fU;
    return (bits * 0x01010101U) >> 24;
}

/* Rows that the pairs of a tap's inputs select. Up to 3 that are too many are overwritten. */
#ifdef BITLOOM_V128_MVE
static BITLOOM_NOINLINE void select_rows(list_type *list, const uint32_t *inputs, uint32_t pairs) {
    static const int32_t turns[4] = {0, -2, -4, -6};
    const int32x4_t turn = vld1q_s32(turns);
    const uint32x4_t three = vdupq_n_u32(3U);
    const uint32_t row_bytes = list->row_bytes;
    uint32x4_t places = vmlaq_n_u32(vdupq_n_u32(list->place), vidupq_n_u32(0U, 1), 4U * row_bytes);
    uint32_t *to = list->end;
    uint32_t *const end = to + pairs;
    uint32_t unequal = list->unequal;
    while (to < end) {
        const uint32_t bits = *inputs++;
        uint32x4_t turned = vdupq_n_u32(bits);
        uint32_t i;
        unequal += even_count(bits ^ (bits >> 1));
        for (i = 0U; i < 4U && to < end; i++) {
            const uint32x4_t selected = vandq_u32(vshlq_u32(turned, turn), three);
            vst1q_u32(to, vmlaq_n_u32(places, selected, row_bytes));
            places = vaddq_n_u32(places, 16U * row_bytes);
            turned = vshrq_n_u32(turned, 8);
            to += 4;
        }
    }
    list->unequal = unequal;
    list->end = end;
    list->place += 4U * row_bytes * pairs;
}
#else
static void select_rows(list_type *list, const uint32_t *inputs, uint32_t pairs) {
    uint32_t i;
    for (i = 0U; i < pairs; i++) {
        const uint32_t bits = inputs[i / 16U] >> 2U * (i & 15U);
        *list->end++ = list->place + (bits & 3U) * list->row_bytes;
        list->place += 4U * list->row_bytes;
        list->unequal += even_count((bits ^ (bits >> 1)) & 1U);
    }
}
#endif

/* Rows of an output pixel; returns the count of unequal pairs. */
static BITLOOM_NOINLINE uint32_t write_list(const bitloom_conv_rows_mve *layer,
                                            const bitloom_const_ring *input, uint32_t y, uint32_t x,
                                            uint32_t *to) {
    const uint32_t words = (layer->channels + 31U) / 32U;
    const uint32_t first = bitloom_conv_rows_mve_place((const uint8_t *)layer->rows, 0U);
    list_type list;
    const uint32_t outside = layer->plus_one != 0U ? 0xffffffffU : 0U;
    uint32_t ky, kx, last;
    list.row_bytes = (layer->outputs + 127U) / 128U * 16U;
    list.end = to;
    list.place = first + 2U * list.row_bytes;
    list.unequal = 0U;
    for (ky = 0U; ky < layer->kernel_height; ky++) {
        const int32_t iy = (int32_t)(y * layer->stride_y + ky * layer->dilation_y) - layer->pad_top;
        const uint32_t *row = NULL;
        if (iy >= 0 && iy < (int32_t)layer->height)
            row = (const uint32_t *)bitloom_const_row(input, (uint32_t)iy);
        for (kx = 0U; kx < layer->kernel_width; kx++) {
            const int32_t ix = (int32_t)(x * layer->stride_x + kx * layer->dilation_x) - layer->pad_left;
            const uint32_t is_inside = row != NULL && ix >= 0 && ix < (int32_t)layer->width ? 1U : 0U;
            uint32_t left = layer->channels;
            if (is_inside != 0U) {
                select_rows(&list, row + (uint32_t)ix * words, (left + 1U) / 2U);
                continue;
            }
            for (; left > 32U; left -= 32U)
                select_rows(&list, &outside, 16U);
            last = outside >> (32U - left);
            select_rows(&list, &last, (left + 1U) / 2U);
        }
    }
    *list.end++ = first + (list.unequal & 1U) * list.row_bytes;
    while (list.end != to + 16U * layer->sixteens)
        *list.end++ = first;
    return list.unequal;
}

/* Outputs whose counter minus `less` is not negative. */
static bitloom_v128 not_negative(const uint8_t *sum, uint32_t planes, uint32_t less) {
    const uint8_t *const last = sum + 16U * (planes - 1U);
    bitloom_v128 carry = bitloom_v128_all(0xffffffffU);
    for (; sum != last; sum += 16) {
        const bitloom_v128 plane = bitloom_v128_load(sum);
        carry = (less & 1U) != 0U ? bitloom_v128_and(plane, carry) : bitloom_v128_or(plane, carry);
        less >>= 1;
    }
    /* The sign of -1 - less is 1. */
    return bitloom_v128_xor(bitloom_v128_load(sum), carry);
}

/* 128 outputs of a pixel, whose rows are listed. */
static BITLOOM_NOINLINE void run_block(const bitloom_conv_rows_mve *layer, job_type *job, uint32_t block,
                                       uint32_t less, uint32_t *list, uint32_t *output) {
    const uint8_t *preset = (const uint8_t *)(layer->presets + 4U * block * layer->planes);
    const uint32_t left = (layer->outputs + 31U) / 32U - 4U * block;
    uint32_t bits[4];
    uint32_t i;
    for (i = 0U; i < layer->planes; i++)
        bitloom_v128_store(job->sum + 16U * i, bitloom_v128_load(preset + 16U * i));
    for (i = 0U; i < layer->sixteens; i += job->sixteens) {
        job->list = list + 16U * i;
        job->sixteens = layer->sixteens - i;
        if (job->sixteens > BITLOOM_CONV_ROWS_MVE_MOST)
            job->sixteens = BITLOOM_CONV_ROWS_MVE_MOST;
        job->carry_pairs = (job->sixteens + 1U) / 2U;
        bitloom_conv_rows_mve_add(job);
    }
    bitloom_v128_store(bits, not_negative(job->sum, layer->planes, less));
    for (i = 0U; i < 4U && i < left; i++)
        output[4U * block + i] = bits[i];
}

uint32_t bitloom_conv_rows_mve_scratch(const bitloom_conv_rows_mve *layer) {
    const uint32_t carries =
        layer->sixteens < BITLOOM_CONV_ROWS_MVE_MOST ? layer->sixteens : BITLOOM_CONV_ROWS_MVE_MOST;
    return 64U * layer->sixteens + 16U * layer->planes + 16U * (carries + 1U);
}

void bitloom_conv_rows_mve_threshold(const bitloom_conv_rows_mve *layer, const bitloom_const_ring *inputs,
                                     const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const uint32_t words = (layer->outputs + 31U) / 32U;
    uint32_t *const list = scratch;
    job_type job;
    uint32_t y, x, block;
    job.sum = (uint8_t *)(list + 16U * layer->sixteens);
    job.carries = job.sum + 16U * layer->planes;
    job.more_planes = layer->planes - 9U;
    job.base = (const uint8_t *)layer->rows;
    for (y = y0; y < y1; y++) {
        uint32_t *to = bitloom_row(output, y);
        for (x = 0U; x < layer->output_width; x++) {
            const uint32_t unequal = write_list(layer, inputs, y, x, list);
            for (block = 0U; 4U * block < words; block++)
                run_block(layer, &job, block, (unequal + 1U) / 2U, list, to);
            to += words;
        }
    }
}
