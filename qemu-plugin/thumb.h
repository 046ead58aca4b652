/*
 * What a Thumb instruction costs by: its class, and what the cycle estimates need beside it. Covers Armv6-M
 * to Armv8.1-M with FPU and MVE. Not a disassembler: two instructions that every core executes in the same
 * time are not told apart.
 */
#ifndef BITLOOM_THUMB_H
#define BITLOOM_THUMB_H

#include <stdbool.h>
#include <stdint.h>

/* Identifier, and the name that reports use. src/profile/counters.ts has the same names. */
#define THUMB_CLASSES(X)                                                                                     \
    X(ALU, "alu")                             /* data processing, moves, extensions, saturation */           \
    X(MULTIPLY, "multiply")                   /* 32-bit result, and the DSP extension's */                   \
    X(MULTIPLY_ADD, "multiply-add")           /* MLA, MLS */                                                 \
    X(MULTIPLY_LONG, "multiply-long")         /* SMULL, UMULL */                                             \
    X(MULTIPLY_ADD_LONG, "multiply-add-long") /* SMLAL, UMLAL, UMAAL and their like */                       \
    X(DIVIDE, "divide")                                                                                      \
    X(LOAD, "load") /* one register */                                                                       \
    X(STORE, "store")                                                                                        \
    X(LOAD_MULTIPLE, "load-multiple") /* LDM, POP, LDRD */                                                   \
    X(STORE_MULTIPLE, "store-multiple")                                                                      \
    X(RETURN_MULTIPLE, "return-multiple") /* LDM or POP that loads the program counter */                    \
    X(BRANCH, "branch")                   /* B, B<cond>, CBZ, CBNZ */                                        \
    X(CALL, "call")                       /* BL */                                                           \
    X(JUMP, "jump")                       /* BX, BLX, MOV or ADD to the program counter */                   \
    X(TABLE_BRANCH, "table-branch")                                                                          \
    X(IT, "it")                                                                                              \
    X(NOP, "nop")       /* NOP and other hints */                                                            \
    X(SYSTEM, "system") /* MRS, MSR, barriers, CPS, SVC, BKPT, coprocessors */                               \
    X(LOOP, "loop")     /* Armv8.1-M low-overhead loops: WLS, DLS, LE, with their TP forms */                \
    X(FLOAT, "float")   /* on the FPU's registers, in one step */                                            \
    X(FLOAT_ACCUMULATE, "float-accumulate") /* VMLA, VFMA and their like */                                  \
    X(FLOAT_DIVIDE, "float-divide")         /* VDIV, VSQRT */                                                \
    X(FLOAT_LOAD, "float-load")                                                                              \
    X(FLOAT_STORE, "float-store")                                                                            \
    X(MVE, "mve") /* vector arithmetic, compares and moves */                                                \
    X(MVE_LOAD, "mve-load")                                                                                  \
    X(MVE_STORE, "mve-store")

typedef enum {
#define THUMB_IDENTIFIER(id, name) THUMB_##id,
    THUMB_CLASSES(THUMB_IDENTIFIER)
#undef THUMB_IDENTIFIER
        THUMB_CLASS_COUNT
} thumb_class;

#define THUMB_NO_REGISTER 0xffU

typedef struct {
    thumb_class kind;
    /* Words moved by a load or store of several registers, or of the FPU; otherwise 0. */
    uint8_t words;
    /* Of a single load or store: the register loaded, and the registers of the address. */
    uint8_t loaded;
    uint8_t base;
    uint8_t index;
    /* Of a single load or store: the base register is written back. */
    bool writeback;
} thumb_instruction;

extern const char *const thumb_class_names[THUMB_CLASS_COUNT];

/* A 16-bit NOP. */
#define THUMB_NOP_ENCODING 0xbf00U

/* True when the halfword is the first of two. */
bool thumb_is_wide(uint16_t first);

/* True for BLX to a register: a jump by its cost, but a call. */
bool thumb_is_blx(uint16_t first);

/* Decodes one instruction; `second` is not looked at when the first halfword is a whole one. */
thumb_instruction thumb_decode(uint16_t first, uint16_t second);

#endif
