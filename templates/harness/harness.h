/* What the parts of the harness share. */
#ifndef BITLOOM_HARNESS_H
#define BITLOOM_HARNESS_H

#include <stdint.h>

int main(void);

/* Sequence of the REQUEST being served, for FAULT. */
extern volatile uint16_t harness_sequence;

/* Bytes of stack that are reserved, and the most that were in use so far; 0 where that is not known. */
uint32_t harness_stack_size(void);
uint32_t harness_stack_used(void);

#ifdef __arm__
/* Written all over the free stack: what is overwritten later was used. */
#define STACK_PAINT 0xA55AA55AU

extern uint32_t linker_stack_bottom[];
extern uint32_t linker_stack_top[];

/* Paints all below the caller's frame, and returns where that ends: a function that is called next starts
 * there. */
static inline __attribute__((always_inline)) const volatile uint32_t *harness_paint_stack(void) {
    volatile uint32_t *end;
    volatile uint32_t *word;
    __asm volatile("mov %0, sp" : "=r"(end));
    for (word = linker_stack_bottom; word < end; word++) {
        *word = STACK_PAINT;
    }
    return end;
}

/* Bytes that were used between `end` and the lowest word that is not painted. Inline, as it would see its own
 * frame. */
static inline __attribute__((always_inline)) uint32_t harness_stack_below(const volatile uint32_t *end) {
    const volatile uint32_t *word = linker_stack_bottom;
    while (word < end && *word == STACK_PAINT) {
        word++;
    }
    return 4U * (uint32_t)(end - word);
}
#else
static inline const volatile uint32_t *harness_paint_stack(void) {
    return 0;
}

static inline uint32_t harness_stack_below(const volatile uint32_t *end) {
    (void)end;
    return 0U;
}
#endif

#endif
