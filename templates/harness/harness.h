/* What the parts of the harness share. */
#ifndef BITLOOM_HARNESS_H
#define BITLOOM_HARNESS_H

#include <stdint.h>

int main(void);

/* Sequence of the REQUEST being served, for FAULT. */
extern volatile uint16_t harness_sequence;

/* Bytes of stack that are reserved, and that were ever written to; 0 where that is not known. */
uint32_t harness_stack_size(void);
uint32_t harness_stack_used(void);

#endif
