/* What the parts of the harness share. */
#ifndef BITLOOM_HARNESS_H
#define BITLOOM_HARNESS_H

#include <stdint.h>

int main(void);

/* Sequence of the REQUEST being served, for FAULT. */
extern volatile uint16_t harness_sequence;

#endif
