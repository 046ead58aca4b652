/* A timer's interrupt at moments that look random, each once the one before is done: calls what breaks into
 * other code. */
#ifndef BARE_TICK_H
#define BARE_TICK_H

#include <stdint.h>

/* What the interrupt does. */
void tick(void);

#define TICK_CSR (*(volatile uint32_t *)0xE000E010U)
#define TICK_RVR (*(volatile uint32_t *)0xE000E014U)
#define TICK_CVR (*(volatile uint32_t *)0xE000E018U)
#define TICK_VTOR (*(volatile uint32_t *)0xE000ED08U)

static uint32_t tick_seed = 1U;
static uint32_t tick_table[128] __attribute__((aligned(512)));

static inline void tick_start(void) {
    tick_seed = tick_seed * 1664525U + 1013904223U;
    TICK_RVR = 50U + (tick_seed >> 8) % 20000U;
    TICK_CVR = 0U;
    TICK_CSR = 7U;
}

static void tick_handler(void) {
    TICK_CSR = 0U;
    tick();
    tick_start();
}

/* From here on. */
static inline void tick_begin(void) {
    const uint32_t *from = (const uint32_t *)(uintptr_t)TICK_VTOR;
    uint32_t i;
    for (i = 0U; i < 16U; i++) {
        tick_table[i] = from[i];
    }
    tick_table[15] = (uint32_t)(uintptr_t)tick_handler;
    TICK_VTOR = (uint32_t)(uintptr_t)tick_table;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    tick_start();
}

static inline void tick_end(void) {
    TICK_CSR = 0U;
}

#endif
