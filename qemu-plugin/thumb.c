/* Encodings as in the Armv8-M Architecture Reference Manual (DDI 0553), chapter C2. */
#include "thumb.h"

#define PC 15U

const char *const thumb_class_names[THUMB_CLASS_COUNT] = {
#define THUMB_NAME(id, name) name,
    THUMB_CLASSES(THUMB_NAME)
#undef THUMB_NAME
};

static unsigned bits(uint16_t half, unsigned high, unsigned low) {
    return ((unsigned)half >> low) & ((1U << (high - low + 1U)) - 1U);
}

static bool matches(uint16_t half, uint16_t mask, uint16_t value) {
    return (half & mask) == value;
}

static uint8_t ones(unsigned list) {
    uint8_t count = 0U;
    for (; list != 0U; list &= list - 1U) {
        count++;
    }
    return count;
}

static thumb_instruction plain(thumb_class kind) {
    const thumb_instruction result = {kind, 0U, THUMB_NO_REGISTER, THUMB_NO_REGISTER, THUMB_NO_REGISTER,
                                      false};
    return result;
}

static thumb_instruction several(thumb_class kind, unsigned words) {
    thumb_instruction result = plain(kind);
    result.words = (uint8_t)words;
    return result;
}

static thumb_instruction single(bool load, unsigned transferred, unsigned base, unsigned index) {
    thumb_instruction result = plain(load ? THUMB_LOAD : THUMB_STORE);
    if (load) {
        result.loaded = (uint8_t)transferred;
    }
    result.base = (uint8_t)base;
    result.index = (uint8_t)index;
    return result;
}

static thumb_instruction multiple(bool load, unsigned list) {
    if (!load) {
        return several(THUMB_STORE_MULTIPLE, ones(list));
    }
    return several((list & (1U << PC)) != 0U ? THUMB_RETURN_MULTIPLE : THUMB_LOAD_MULTIPLE, ones(list));
}

bool thumb_is_wide(uint16_t first) {
    return first >= 0xe800U;
}

bool thumb_is_blx(uint16_t first) {
    return matches(first, 0xff80U, 0x4780U);
}

/* 0x4000 to 0x47ff: register operations, high registers, branches to registers. */
static thumb_instruction decode_registers(uint16_t h) {
    if (matches(h, 0xffc0U, 0x4340U)) {
        return plain(THUMB_MULTIPLY);
    }
    if (matches(h, 0xff00U, 0x4700U)) {
        return plain(THUMB_JUMP);
    }
    /* MOV or ADD with the program counter as destination. */
    if (matches(h, 0xff87U, 0x4687U) || matches(h, 0xff87U, 0x4487U)) {
        return plain(THUMB_JUMP);
    }
    return plain(THUMB_ALU);
}

/* 0x5000 to 0x9fff: single loads and stores. */
static thumb_instruction decode_single(uint16_t h) {
    const bool load = bits(h, 11U, 11U) != 0U;
    if (bits(h, 15U, 12U) == 5U) {
        return single(bits(h, 11U, 9U) >= 3U, bits(h, 2U, 0U), bits(h, 5U, 3U), bits(h, 8U, 6U));
    }
    if (bits(h, 15U, 12U) == 9U) {
        return single(load, bits(h, 10U, 8U), 13U, THUMB_NO_REGISTER);
    }
    return single(load, bits(h, 2U, 0U), bits(h, 5U, 3U), THUMB_NO_REGISTER);
}

/* 0xb000 to 0xbfff: miscellaneous. */
static thumb_instruction decode_miscellaneous(uint16_t h) {
    const unsigned list = bits(h, 7U, 0U);
    if (matches(h, 0xf500U, 0xb100U)) {
        return plain(THUMB_BRANCH);
    }
    if (matches(h, 0xfe00U, 0xb400U)) {
        return multiple(false, list | (bits(h, 8U, 8U) << 14U));
    }
    if (matches(h, 0xfe00U, 0xbc00U)) {
        return multiple(true, list | (bits(h, 8U, 8U) << PC));
    }
    if (matches(h, 0xff00U, 0xbf00U)) {
        return plain(bits(h, 3U, 0U) != 0U ? THUMB_IT : THUMB_NOP);
    }
    if (matches(h, 0xff00U, 0xbe00U) || matches(h, 0xffe0U, 0xb660U)) {
        return plain(THUMB_SYSTEM);
    }
    return plain(THUMB_ALU);
}

static thumb_instruction decode_narrow(uint16_t h) {
    switch (bits(h, 15U, 12U)) {
    case 0x4U:
        if (bits(h, 11U, 11U) != 0U) {
            return single(true, bits(h, 10U, 8U), PC, THUMB_NO_REGISTER);
        }
        return decode_registers(h);
    case 0x5U:
    case 0x6U:
    case 0x7U:
    case 0x8U:
    case 0x9U:
        return decode_single(h);
    case 0xbU:
        return decode_miscellaneous(h);
    case 0xcU:
        return multiple(bits(h, 11U, 11U) != 0U, bits(h, 7U, 0U));
    case 0xdU:
        return plain(bits(h, 11U, 8U) >= 14U ? THUMB_SYSTEM : THUMB_BRANCH);
    case 0xeU:
        return plain(THUMB_BRANCH);
    default:
        return plain(THUMB_ALU);
    }
}

/* 0xe800 to 0xe9ff: several registers, two registers, exclusive access, table branches. */
static thumb_instruction decode_double(uint16_t h1, uint16_t h2) {
    const bool load = bits(h1, 4U, 4U) != 0U;
    if (h1 == 0xe97fU && h2 == 0xe97fU) {
        return plain(THUMB_NOP); /* SG */
    }
    if (bits(h1, 6U, 6U) == 0U) {
        return multiple(load, h2);
    }
    if (bits(h1, 8U, 8U) != 0U || bits(h1, 5U, 5U) != 0U) {
        return several(load ? THUMB_LOAD_MULTIPLE : THUMB_STORE_MULTIPLE, 2U);
    }
    if (matches(h1, 0xfff0U, 0xe8d0U) && matches(h2, 0xffe0U, 0xf000U)) {
        return plain(THUMB_TABLE_BRANCH);
    }
    if (matches(h1, 0xfff0U, 0xe840U) && matches(h2, 0xf000U, 0xf000U)) {
        return plain(THUMB_ALU); /* TT */
    }
    return single(load, bits(h2, 15U, 12U), bits(h1, 3U, 0U), THUMB_NO_REGISTER);
}

/* 0xf000 to 0xf7ff with the second halfword's top bit set: branches, loops, system. */
static thumb_instruction decode_control(uint16_t h1, uint16_t h2) {
    if (matches(h2, 0xd001U, 0xc001U)) {
        return plain(matches(h2, 0xf801U, 0xe801U) ? THUMB_MVE : THUMB_LOOP); /* VCTP makes a predicate */
    }
    if (matches(h2, 0xd000U, 0xd000U)) {
        return plain(THUMB_CALL);
    }
    if (matches(h2, 0xd000U, 0x9000U) || bits(h1, 9U, 7U) != 7U) {
        return plain(THUMB_BRANCH);
    }
    return plain(h1 == 0xf3afU ? THUMB_NOP : THUMB_SYSTEM);
}

/* 0xf800 to 0xf9ff: single loads and stores. */
static thumb_instruction decode_wide_single(uint16_t h1, uint16_t h2) {
    const bool load = bits(h1, 4U, 4U) != 0U;
    const unsigned base = bits(h1, 3U, 0U);
    const unsigned transferred = bits(h2, 15U, 12U);
    thumb_instruction result = single(load, transferred, base, THUMB_NO_REGISTER);
    if (load && transferred == PC && bits(h1, 6U, 5U) != 2U) {
        return plain(THUMB_NOP); /* PLD, PLI */
    }
    if (bits(h1, 7U, 7U) == 0U && base != PC) {
        if (bits(h2, 11U, 11U) == 0U) {
            result.index = (uint8_t)bits(h2, 3U, 0U);
        } else {
            result.writeback = bits(h2, 8U, 8U) != 0U;
        }
    }
    return result;
}

/* 0xfb00 to 0xfbff: multiplications and divisions. */
static thumb_instruction decode_multiply(uint16_t h1, uint16_t h2) {
    const unsigned operation = bits(h1, 6U, 4U);
    if (bits(h1, 7U, 7U) == 0U) {
        const bool adds = operation == 0U && bits(h2, 15U, 12U) != 15U;
        return plain(adds ? THUMB_MULTIPLY_ADD : THUMB_MULTIPLY);
    }
    if (operation == 1U || operation == 3U) {
        return plain(THUMB_DIVIDE);
    }
    return plain(operation == 0U || operation == 2U ? THUMB_MULTIPLY_LONG : THUMB_MULTIPLY_ADD_LONG);
}

/* Loads and stores of MVE and FPU, and moves of two registers: 0xecxx, 0xedxx, 0xfcxx, 0xfdxx. */
static thumb_instruction decode_vector_memory(uint16_t h1, uint16_t h2) {
    const bool load = bits(h1, 4U, 4U) != 0U;
    if (bits(h2, 11U, 9U) == 7U) {
        if (matches(h1, 0xffa0U, 0xec00U)) {
            return plain(THUMB_MVE); /* two lanes */
        }
        return plain(load ? THUMB_MVE_LOAD : THUMB_MVE_STORE);
    }
    if (bits(h1, 12U, 12U) != 0U) {
        return plain(THUMB_MVE); /* VCADD, VCMLA */
    }
    if (bits(h2, 11U, 10U) != 2U) {
        return plain(THUMB_SYSTEM); /* other coprocessors */
    }
    if (matches(h1, 0xffe0U, 0xec40U)) {
        return plain(THUMB_FLOAT);
    }
    if (bits(h1, 8U, 8U) != 0U && bits(h1, 5U, 5U) == 0U) {
        return several(load ? THUMB_FLOAT_LOAD : THUMB_FLOAT_STORE, bits(h2, 9U, 8U) == 3U ? 2U : 1U);
    }
    return several(load ? THUMB_FLOAT_LOAD : THUMB_FLOAT_STORE, bits(h2, 7U, 0U));
}

/* Arithmetic of the FPU: 0xeexx with coprocessor 9, 10 or 11. */
static thumb_instruction decode_float(uint16_t h1, uint16_t h2) {
    const unsigned operation = (bits(h1, 7U, 7U) << 2U) | bits(h1, 5U, 4U);
    if (bits(h2, 4U, 4U) != 0U) {
        return plain(THUMB_FLOAT); /* between register files */
    }
    switch (operation) {
    case 0U:
    case 1U:
    case 5U:
    case 6U:
        return plain(THUMB_FLOAT_ACCUMULATE);
    case 4U:
        return plain(THUMB_FLOAT_DIVIDE);
    case 7U:
        if (bits(h1, 3U, 0U) == 1U && bits(h2, 7U, 6U) == 3U) {
            return plain(THUMB_FLOAT_DIVIDE); /* VSQRT */
        }
        return plain(THUMB_FLOAT);
    default:
        return plain(THUMB_FLOAT);
    }
}

/* 0xecxx to 0xefxx and 0xfcxx to 0xffxx. */
static thumb_instruction decode_coprocessor(uint16_t h1, uint16_t h2) {
    if (bits(h1, 9U, 8U) == 3U) {
        return plain(THUMB_MVE);
    }
    if (bits(h1, 9U, 9U) == 0U) {
        return decode_vector_memory(h1, h2);
    }
    if (bits(h2, 11U, 9U) == 7U) {
        return plain(THUMB_MVE);
    }
    if (bits(h2, 11U, 10U) != 2U) {
        return plain(THUMB_SYSTEM);
    }
    /* VSEL, VMAXNM, VRINT and VCVT with a rounding mode. */
    return bits(h1, 12U, 12U) != 0U ? plain(THUMB_FLOAT) : decode_float(h1, h2);
}

static thumb_instruction decode_wide(uint16_t h1, uint16_t h2) {
    if (bits(h1, 11U, 10U) == 3U && bits(h1, 15U, 13U) == 7U) {
        return decode_coprocessor(h1, h2);
    }
    if (bits(h1, 15U, 9U) == 0x74U) {
        return decode_double(h1, h2);
    }
    if (bits(h1, 15U, 11U) == 0x1eU && bits(h2, 15U, 15U) != 0U) {
        return decode_control(h1, h2);
    }
    if (bits(h1, 15U, 9U) == 0x7cU) {
        return decode_wide_single(h1, h2);
    }
    if (bits(h1, 15U, 8U) == 0xfbU) {
        return decode_multiply(h1, h2);
    }
    return plain(THUMB_ALU);
}

thumb_instruction thumb_decode(uint16_t first, uint16_t second) {
    return thumb_is_wide(first) ? decode_wide(first, second) : decode_narrow(first);
}
