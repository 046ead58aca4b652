/* Start-up and output by semihosting for kernel tests in QEMU: no library, no board. */
#include <stdint.h>

extern uint32_t bare_data_from, bare_data_start, bare_data_end, bare_bss_start, bare_bss_end, bare_stack_top;
int main(void);
void bare_print(const char *text);
void bare_reset(void);

static int semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void bare_print(const char *text) {
    semihost(4, text);
}

static void leave(int status) {
    const uint32_t block[2] = {0x20026u, (uint32_t)status};
    semihost(0x20, block);
    for (;;) {
    }
}

void bare_reset(void) {
    const uint32_t *from = &bare_data_from;
    uint32_t *to;
#ifdef __ARM_FEATURE_MVE
    *(volatile uint32_t *)0xe000ed88u |= 0x00f00000u; /* coprocessors 10 and 11: MVE */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    for (to = &bare_data_start; to < &bare_data_end;) {
        *to++ = *from++;
    }
    for (to = &bare_bss_start; to < &bare_bss_end;) {
        *to++ = 0u;
    }
    leave(main());
}

static void fault(void) {
    bare_print("fault\n");
    leave(99);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &bare_stack_top, (void *)bare_reset, (void *)fault, (void *)fault,
    (void *)fault,   (void *)fault,      (void *)fault,
};
