#include "recognise.h"

#include <zephyr/sys/printk.h>

static void put(char c) {
    printk("%c", c);
}

int main(void) {
    return recognise_pattern(put);
}
