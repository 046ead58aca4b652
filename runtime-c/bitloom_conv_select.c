/*
 * Copyright 2026 the bitloom authors. SPDX-License-Identifier: Apache-2.0
 */
#include "bitloom_conv_select.h"

#include "bitloom_float.h"

typedef union {
    float number;
    uint32_t bits;
} word;

static inline word word_of(float number) {
    word w;
    w.number = number;
    return w;
}

static inline float negated_if(word x, uint32_t sign) {
    x.bits ^= sign << 31;
    return x.number;
}

/* A 0 changes no sum: sums that start from +0 are never -0. Behind a ReLU half of the numbers are 0. */
static inline uint32_t is_zero(word x) {
    return (x.bits << 1) == 0U;
}

/* `count` bits from `first` on of a row, 1 to what is left of their word. */
static inline uint32_t bits_from(const uint32_t *row, uint32_t first, uint32_t count) {
    return (row[first / 32U] >> (first % 32U)) & (0xffffffffU >> ((32U - count) % 32U));
}

static inline uint32_t left_in_word(uint32_t first, uint32_t count) {
    const uint32_t left = 32U - first % 32U;
    return left < count ? left : count;
}

static inline uint32_t lowest_set(uint32_t bits) {
#if defined(__GNUC__) && (!defined(__arm__) || defined(__ARM_FEATURE_CLZ))
    return (uint32_t)__builtin_ctz(bits);
#else
    uint32_t i = 0U;
    while (((bits >> i) & 1U) == 0U) {
        i++;
    }
    return i;
#endif
}

/* Weights -1 and 1. */
static BITLOOM_NOINLINE float add_signed(float sum, const float *x, const uint32_t *signs, uint32_t first,
                                         uint32_t count) {
    while (count > 0U) {
        const uint32_t part = left_in_word(first, count);
        const float *end = x + part;
        uint32_t negative = bits_from(signs, first, part);
        first += part;
        count -= part;
        for (; x < end; x++) {
            const word tap = word_of(*x);
            if (is_zero(tap) == 0U) {
                sum = bitloom_rounded_sum(sum + negated_if(tap, negative));
            }
            negative >>= 1;
        }
    }
    return sum;
}

/* Weights -1, 0 and 1. */
static BITLOOM_NOINLINE float add_present(float sum, const float *x, const uint32_t *present,
                                          const uint32_t *signs, uint32_t first, uint32_t count) {
    while (count > 0U) {
        const uint32_t part = left_in_word(first, count);
        uint32_t left = bits_from(present, first, part);
        uint32_t negative = bits_from(signs, first, part);
        const float *at = x;
        while (left != 0U) {
            const uint32_t skipped = lowest_set(left);
            word tap;
            at += skipped;
            negative >>= skipped;
            left >>= skipped;
            tap = word_of(*at++);
            if (is_zero(tap) == 0U) {
                sum = bitloom_rounded_sum(sum + negated_if(tap, negative));
            }
            negative >>= 1;
            left >>= 1;
        }
        first += part;
        count -= part;
        x += part;
    }
    return sum;
}

static inline float power_of_two(int32_t exponent) {
    word power;
    power.bits = (uint32_t)(exponent + 127) << 23;
    return power.number;
}

/* x * 2^exponent, rounded. Without an FPU exponents are added, where all numbers are normal. */
static inline word times_power(word x, int32_t exponent) {
#if defined(__arm__) && !defined(__ARM_FP)
    const uint32_t biased = (x.bits >> 23) & 0xffU;
    if (biased - 1U < 254U && biased + (uint32_t)exponent - 1U < 254U) {
        x.bits += (uint32_t)exponent << 23;
        return x;
    }
#endif
    return word_of(bitloom_rounded(x.number * power_of_two(exponent)));
}

/* Weights 0 and powers of two: eight taps share a word of exponents. */
static BITLOOM_NOINLINE float add_powers(const bitloom_conv_select *layer, float sum, const float *x,
                                         uint32_t output, uint32_t first, uint32_t count) {
    const int32_t least = layer->least_exponent;
    const uint32_t *present = layer->present + output * layer->words;
    const uint32_t *signs = layer->signs + output * layer->words;
    const uint32_t *powers = layer->powers + output * layer->power_words;
    while (count > 0U) {
        const uint32_t until = 8U - first % 8U;
        const uint32_t part = until < count ? until : count;
        uint32_t left = bits_from(present, first, part);
        uint32_t negative = bits_from(signs, first, part);
        uint32_t power = powers[first / 8U] >> (first % 8U * 4U);
        const float *at = x;
        for (; left != 0U; left >>= 1) {
            const word tap = word_of(*at++);
            if ((left & 1U) != 0U && is_zero(tap) == 0U) {
                const word product = times_power(tap, least + (int32_t)(power & 15U));
                sum = bitloom_rounded_sum(sum + negated_if(product, negative));
            }
            negative >>= 1;
            power >>= 4;
        }
        first += part;
        count -= part;
        x += part;
    }
    return sum;
}

/* A run of taps that lie one after another, with the weights of outputs [output, end) from tap `first` on. */
static void add_run(const bitloom_conv_select *layer, float *sums, const float *x, uint32_t output,
                    uint32_t end, uint32_t first, uint32_t count) {
    for (; output < end; output++) {
        const uint32_t *signs = layer->signs + output * layer->words;
        if (layer->powers != NULL) {
            sums[output] = add_powers(layer, sums[output], x, output, first, count);
        } else if (layer->present != NULL) {
            sums[output] =
                add_present(sums[output], x, layer->present + output * layer->words, signs, first, count);
        } else {
            sums[output] = add_signed(sums[output], x, signs, first, count);
        }
    }
}

/* One tap of a depthwise layer of weights -1 and 1. */
static BITLOOM_NOINLINE void add_depthwise(const bitloom_conv_select *layer, float *sums, const float *x,
                                           uint32_t tap) {
    const uint32_t *signs = layer->signs + tap / 32U;
    const float *end = sums + layer->groups;
    for (; sums < end; sums++, signs += layer->words) {
        const word number = word_of(*x++);
        if (is_zero(number) == 0U) {
            *sums = bitloom_rounded_sum(*sums + negated_if(number, *signs >> (tap % 32U)));
        }
    }
}

/* Taps of one row of the map: all of them one run where there is one group and no dilation. */
static void add_row(const bitloom_conv_select *layer, float *sums, const float *row, uint32_t ky,
                    const bitloom_taps *columns) {
    const bitloom_window *window = &layer->window;
    const uint32_t channels = layer->groups * layer->group_inputs;
    /* One group is a run of taps. */
    const uint32_t is_depthwise = layer->groups > 1U && layer->present == NULL && layer->group_inputs == 1U &&
                                  layer->group_outputs == 1U;
    uint32_t kx, group, run = 1U;
    if (layer->groups == 1U && window->dilation_x == 1U) {
        run = columns->end - columns->first;
    }
    for (kx = columns->first; kx < columns->end; kx += run) {
        const float *x = row + bitloom_tap_at(columns, kx, window->dilation_x) * channels;
        const uint32_t first = (ky * window->kernel_width + kx) * layer->group_inputs;
        if (is_depthwise != 0U) {
            add_depthwise(layer, sums, x, first);
            continue;
        }
        for (group = 0U; group < layer->groups; group++) {
            const uint32_t output = group * layer->group_outputs;
            add_run(layer, sums, x, output, output + layer->group_outputs, first, run * layer->group_inputs);
            x += layer->group_inputs;
        }
    }
}

void bitloom_conv_select_f32(const bitloom_conv_select *layer, const bitloom_const_ring *inputs,
                             const bitloom_ring *output, void *scratch, uint32_t y0, uint32_t y1) {
    const bitloom_window *window = &layer->window;
    const uint32_t outputs = layer->groups * layer->group_outputs;
    uint32_t ky, n, x, y;
    (void)scratch;
    for (y = y0; y < y1; y++) {
        const bitloom_taps rows = bitloom_rows_inside(window, y);
        float *sums = bitloom_row(output, y);
        for (x = 0U; x < window->output_width; x++) {
            const bitloom_taps columns = bitloom_columns_inside(window, x);
            for (n = 0U; n < outputs; n++) {
                sums[n] = 0.0f;
            }
            for (ky = rows.first; ky < rows.end; ky++) {
                add_row(layer, sums, bitloom_const_row(inputs, bitloom_tap_at(&rows, ky, window->dilation_y)),
                        ky, &columns);
            }
            sums += outputs;
        }
    }
}
