#include <stdio.h>

/* The application that the examples share: PlatformIO compiles what is in src. */
#include "../../common/recognise.c"

static void put(char c) {
    (void)putchar(c);
}

int main(void) {
    return recognise_pattern(put);
}
