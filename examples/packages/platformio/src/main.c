#include <stdio.h>

#include "recognise.h"

static void put(char c) {
    (void)putchar(c);
}

int main(void) {
    return recognise_pattern(put);
}
