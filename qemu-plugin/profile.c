/*
 * A QEMU plugin that counts the instructions executed in regions of an image, by class.
 *
 *   -plugin file=profile.so,out=FILE,regions=ADDRESS[:ADDRESS...]
 *
 * A region is a function: it begins where its first instruction executes and ends when it returns, with all
 * that it calls. At each end a line is appended to FILE: the region's number, then names and counts. Regions
 * may nest.
 *
 * QEMU executes translation blocks: straight code with one way in. Executions are counted per block, which is
 * cheap, and multiplied with what is in the block whenever a region begins or ends, which is seldom.
 */
#include "qemu_plugin.h"
#include "thumb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

QEMU_EXPORT int qemu_plugin_version = BITLOOM_QEMU_API;

/* What is counted beside the classes; src/profile/counters.ts has the same names. */
enum {
    LOADED_WORDS = THUMB_CLASS_COUNT,
    STORED_WORDS,
    PIPELINED_LOADS,
    INDEXED_STORES,
    BRANCHES_TAKEN,
    BRANCHES_NOT_TAKEN,
    COUNTERS
};

static const char *const extra_names[COUNTERS - THUMB_CLASS_COUNT] = {
    "loaded-words", /* by instructions that load several registers, or one of the FPU */
    "stored-words",
    "pipelined-loads", /* single loads straight after another single access that they do not depend on */
    "indexed-stores",  /* single stores to the sum of two registers, not straight after another single access
                        */
    "branches-taken",  /* all changes of control: calls and returns, too */
    "branches-not-taken",
};

#define MAX_REGIONS 4096U
#define MAX_NESTING 64U
#define MAX_CALLS 1024U

/* A translation block. QEMU may translate the same code more than once; nothing is ever freed. */
typedef struct block {
    struct block *next_touched;
    uint64_t executions; /* since the last boundary */
    uint32_t start;
    uint32_t end;
    bool is_region;
    /* What the last instruction is. */
    bool calls;
    bool may_return; /* a jump to what a register or the memory holds */
    bool may_jump;   /* it may go elsewhere than to `end` */
    bool loops;      /* a low-overhead loop's instruction, whose jumps count as no branches */
    uint32_t contents[COUNTERS];
} block;

typedef struct {
    uint32_t number;
    uint32_t depth; /* of the call stack at its entry */
    uint64_t counts[COUNTERS];
} region;

static FILE *report;
static uint32_t region_starts[MAX_REGIONS];
static uint32_t region_count;

static region active[MAX_NESTING];
static uint32_t nesting;
static uint32_t return_addresses[MAX_CALLS];
static uint32_t depth;

static const block *previous;
static block *touched;
static uint64_t taken;
static uint64_t not_taken;

static void add_to_active(size_t counter, uint64_t amount) {
    uint32_t i;
    for (i = 0U; i < nesting; i++) {
        active[i].counts[counter] += amount;
    }
}

/* Adds what was executed since the last boundary to every active region. */
static void settle(void) {
    block *b;
    size_t counter;
    for (b = touched; b != NULL; b = b->next_touched) {
        for (counter = 0U; counter < COUNTERS; counter++) {
            add_to_active(counter, b->executions * b->contents[counter]);
        }
        b->executions = 0U;
    }
    touched = NULL;
    add_to_active(BRANCHES_TAKEN, taken);
    add_to_active(BRANCHES_NOT_TAKEN, not_taken);
    taken = 0U;
    not_taken = 0U;
}

static void print_region(const region *r) {
    size_t i;
    fprintf(report, "%" PRIu32, r->number);
    for (i = 0U; i < COUNTERS; i++) {
        if (r->counts[i] != 0U) {
            const char *name =
                i < THUMB_CLASS_COUNT ? thumb_class_names[i] : extra_names[i - THUMB_CLASS_COUNT];
            fprintf(report, " %s %" PRIu64, name, r->counts[i]);
        }
    }
    fputc('\n', report);
    /* QEMU is killed when the host has heard enough. */
    fflush(report);
}

static void begin_region(uint32_t start) {
    uint32_t i = 0U;
    while (i < region_count && region_starts[i] != start) {
        i++;
    }
    if (i == region_count || nesting == MAX_NESTING) {
        return;
    }
    settle();
    memset(&active[nesting], 0, sizeof active[nesting]);
    active[nesting].number = i;
    active[nesting].depth = depth;
    nesting++;
}

static void end_regions(void) {
    while (nesting > 0U && active[nesting - 1U].depth > depth) {
        settle();
        nesting--;
        print_region(&active[nesting]);
    }
}

static void count_transition(const block *b) {
    if (previous == NULL || previous->loops) {
        return;
    }
    if (previous->end != b->start) {
        taken++;
    } else if (previous->may_jump) {
        not_taken++;
    }
}

/* Place of the newest call that returns to `address`, at `from` or above; `depth` when there is none. */
static uint32_t find_call(uint32_t address, uint32_t from) {
    uint32_t i = depth;
    while (i > from) {
        i--;
        if (return_addresses[i] == address) {
            return i;
        }
    }
    return depth;
}

/*
 * Where BL only jumps far (Armv6-M has no other long jump), or a helper returns elsewhere, a call stays on
 * the stack that never returns. It goes when its place in the code is passed again: without recursion no call
 * is on the stack twice.
 */
static void begin_call(uint32_t return_address) {
    depth = find_call(return_address, nesting > 0U ? active[nesting - 1U].depth : 0U);
    if (depth < MAX_CALLS) {
        return_addresses[depth] = return_address;
        depth++;
    }
}

/* Calls and returns, without looking at registers: where a call on the stack returns to, a block begins. */
static void follow_calls(const block *b) {
    if (previous == NULL || previous->end == b->start) {
        return;
    }
    if (previous->calls) {
        begin_call(previous->end);
    } else if (previous->may_return) {
        const uint32_t call = find_call(b->start, 0U);
        if (call < depth) {
            depth = call;
            end_regions();
        }
    }
}

static void block_executed(unsigned int cpu, void *data) {
    block *b = (block *)data;
    (void)cpu;
    count_transition(b);
    follow_calls(b);
    if (b->is_region) {
        begin_region(b->start);
    }
    if (nesting > 0U) {
        if (b->executions == 0U) {
            b->next_touched = touched;
            touched = b;
        }
        b->executions++;
    }
    previous = b;
}

static bool is_single_access(const thumb_instruction *i) {
    return i->kind == THUMB_LOAD || i->kind == THUMB_STORE;
}

/* Whether an access can overlap with the one before it (M3 and M4 manuals, "Load/store timings"). */
static bool overlaps(const thumb_instruction *before, const thumb_instruction *access) {
    if (!is_single_access(before) || before->writeback || access->writeback) {
        return false;
    }
    return before->loaded == THUMB_NO_REGISTER ||
           (before->loaded != access->base && before->loaded != access->index);
}

static void add_instruction(block *b, const thumb_instruction *before, const thumb_instruction *i) {
    b->contents[i->kind]++;
    switch (i->kind) {
    case THUMB_LOAD:
        b->contents[PIPELINED_LOADS] += overlaps(before, i) ? 1U : 0U;
        break;
    case THUMB_STORE:
        b->contents[INDEXED_STORES] += i->index != THUMB_NO_REGISTER && !is_single_access(before) ? 1U : 0U;
        break;
    case THUMB_LOAD_MULTIPLE:
    case THUMB_RETURN_MULTIPLE:
    case THUMB_FLOAT_LOAD:
        b->contents[LOADED_WORDS] += i->words;
        break;
    case THUMB_STORE_MULTIPLE:
    case THUMB_FLOAT_STORE:
        b->contents[STORED_WORDS] += i->words;
        break;
    default:
        break;
    }
}

static bool may_return(const thumb_instruction *i) {
    return i->kind == THUMB_JUMP || i->kind == THUMB_RETURN_MULTIPLE ||
           (i->kind == THUMB_LOAD && i->loaded == 15U);
}

static bool may_jump(const thumb_instruction *i) {
    return i->kind == THUMB_BRANCH || i->kind == THUMB_CALL || i->kind == THUMB_TABLE_BRANCH || may_return(i);
}

static void read_halfwords(const struct qemu_plugin_insn *instruction, size_t size, uint16_t halves[2]) {
    uint8_t bytes[4] = {0U, 0U, 0U, 0U};
    if (size > sizeof bytes) {
        size = sizeof bytes;
    }
#if BITLOOM_QEMU_API >= 3
    (void)qemu_plugin_insn_data(instruction, bytes, size);
#else
    memcpy(bytes, qemu_plugin_insn_data(instruction), size);
#endif
    halves[0] = (uint16_t)(bytes[0] | (bytes[1] << 8));
    halves[1] = (uint16_t)(bytes[2] | (bytes[3] << 8));
}

static bool is_region_start(uint32_t address) {
    uint32_t i;
    for (i = 0U; i < region_count; i++) {
        if (region_starts[i] == address) {
            return true;
        }
    }
    return false;
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    const size_t count = qemu_plugin_tb_n_insns(tb);
    thumb_instruction before = thumb_decode(THUMB_NOP_ENCODING, 0U);
    block *b = (block *)calloc(1U, sizeof *b);
    size_t i;
    (void)id;
    if (b == NULL || count == 0U) {
        free(b);
        return;
    }
    b->start = (uint32_t)qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0U));
    b->is_region = is_region_start(b->start);
    for (i = 0U; i < count; i++) {
        const struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        const size_t size = qemu_plugin_insn_size(instruction);
        thumb_instruction decoded;
        uint16_t halves[2];
        read_halfwords(instruction, size, halves);
        decoded = thumb_decode(halves[0], halves[1]);
        add_instruction(b, &before, &decoded);
        b->end = (uint32_t)(qemu_plugin_insn_vaddr(instruction) + size);
        b->may_jump = may_jump(&decoded);
        b->loops = decoded.kind == THUMB_LOOP;
        b->calls = decoded.kind == THUMB_CALL || thumb_is_blx(halves[0]);
        b->may_return = may_return(&decoded) && !b->calls;
        before = decoded;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, QEMU_NO_REGISTERS, b);
}

static bool parse_regions(const char *text) {
    while (*text != '\0') {
        char *end;
        const unsigned long start = strtoul(text, &end, 0);
        if (end == text || (*end != ':' && *end != '\0') || region_count == MAX_REGIONS) {
            return false;
        }
        region_starts[region_count] = (uint32_t)start & ~1U;
        region_count++;
        text = *end == ':' ? end + 1 : end;
    }
    return region_count > 0U;
}

QEMU_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                                    char **argv) {
    int i;
    (void)info;
    for (i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4U) == 0) {
            report = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "regions=", 8U) == 0 && !parse_regions(argv[i] + 8)) {
            fprintf(stderr, "bitloom profile plugin: bad list of regions\n");
            return 1;
        }
    }
    if (report == NULL || region_count == 0U) {
        fprintf(stderr,
                "bitloom profile plugin: needs out=FILE, which can be written, and regions=ADDRESSES\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    return 0;
}
