/* Serves a generated library over the byte link: see docs/PROTOCOL.md of bitloom. Assumes a little-endian
 * processor. */
#include "harness.h"
#include "harness_model.h"
#include "protocol.h"
#include "uart.h"

#define HARNESS_ALIGNED __attribute__((aligned(8)))
/* Room for any frame that is not a REQUEST, too. */
#define INPUT_BYTES (HARNESS_INPUT_BYTES < 16U ? 16U : HARNESS_INPUT_BYTES)

/* Bytes at the end of the stack whose use counts as overflow: a frame may leave gaps, but rarely so large. */
#define STACK_GUARD 64U

/* Of END: more where the library's input is pushed. */
#ifdef HARNESS_PUSHES
#define END_WORDS 12U
#else
#define END_WORDS 9U
#endif

#define FLAG_TRACE 1U
#define FLAG_SELFTEST 2U

typedef struct {
    uint32_t tensor;
    uint32_t hash;
} trace_entry;

typedef struct {
    int32_t status;
    uint32_t traces;
} result_header;

static uint8_t arena[HARNESS_ARENA_BYTES == 0U ? 8U : HARNESS_ARENA_BYTES] HARNESS_ALIGNED;
static uint8_t input[INPUT_BYTES] HARNESS_ALIGNED;
static uint8_t output[HARNESS_OUTPUT_BYTES] HARNESS_ALIGNED;
static harness_instance context;

/* Most bytes of stack that a call has taken. */
static uint32_t init_stack;
static uint32_t run_stack;
static uint32_t selftest_stack;
#ifdef HARNESS_PUSHES
static uint32_t reset_stack;
static uint32_t push_stack;
#endif

static int32_t init_status;
static int32_t selftest_status;
static result_header result;
static uint32_t runs;
static uint32_t failed_runs;
static uint32_t rejected_frames;

volatile uint16_t harness_sequence;

#ifdef BITLOOM_TRACE
static trace_entry traces[HARNESS_TENSORS == 0U ? 1U : HARNESS_TENSORS];

void bitloom_trace_tensor(unsigned int tensor, const void *canonical, size_t bytes) {
    const uint8_t *p = (const uint8_t *)canonical;
    uint32_t hash = 0x811c9dc5U;
    size_t i;
    for (i = 0U; i < bytes; i++) {
        hash = (hash ^ p[i]) * 0x01000193U;
    }
    if (result.traces < HARNESS_TENSORS) {
        traces[result.traces].tensor = tensor;
        traces[result.traces].hash = hash;
    }
    result.traces++;
}
#endif

static void send_hello(void) {
    uint32_t words[9];
    frame_part part;
    words[0] = PROTOCOL_VERSION;
    words[1] = HARNESS_IDENTITY;
    words[2] = HARNESS_INPUT_BYTES;
    words[3] = HARNESS_OUTPUT_BYTES;
    words[4] = HARNESS_TENSORS;
    words[5] = HARNESS_ARENA_BYTES;
    words[6] = (uint32_t)init_status;
    words[7] = (uint32_t)selftest_status;
    words[8] = FLAG_SELFTEST;
#ifdef BITLOOM_TRACE
    words[8] |= FLAG_TRACE;
#endif
    part.bytes = words;
    part.count = sizeof words;
    frame_send(FRAME_HELLO, 0U, &part, 1U);
}

static void send_result(void) {
    frame_part parts[3];
    parts[0].bytes = &result;
    parts[0].count = sizeof result;
    parts[1].bytes = output;
    parts[1].count = HARNESS_OUTPUT_BYTES;
    parts[2].bytes = output;
    parts[2].count = 0U;
#ifdef BITLOOM_TRACE
    parts[2].bytes = traces;
    parts[2].count =
        sizeof(trace_entry) * (result.traces < HARNESS_TENSORS ? result.traces : HARNESS_TENSORS);
#endif
    frame_send(FRAME_RESULT, harness_sequence, parts, 3U);
}

static void send_end(uint32_t passed) {
    uint32_t words[END_WORDS];
    frame_part part;
    words[0] = passed;
    words[1] = runs;
    words[2] = failed_runs;
    words[3] = rejected_frames;
    words[4] = harness_stack_used();
    words[5] = harness_stack_size();
    words[6] = init_stack;
    words[7] = run_stack;
    words[8] = selftest_stack;
#ifdef HARNESS_PUSHES
    words[9] = reset_stack;
    words[10] = HARNESS_PUSHES_SAMPLES ? 0U : push_stack;
    words[11] = HARNESS_PUSHES_SAMPLES ? push_stack : 0U;
#endif
    part.bytes = words;
    part.count = sizeof words;
    frame_send(FRAME_END, FINISH_SEQUENCE, &part, 1U);
}

static void reject(uint32_t reason) {
    frame_part part;
    rejected_frames++;
    part.bytes = &reason;
    part.count = sizeof reason;
    frame_send(FRAME_REJECTED, 0U, &part, 1U);
}

/* Memory below the stack may swallow what overflows into it without a fault. */
static void check_stack(void) {
    uint32_t words[15] = {0U};
    frame_part part;
    if (harness_stack_size() == 0U || harness_stack_used() + STACK_GUARD <= harness_stack_size()) {
        return;
    }
    words[10] = FAULT_STACK_OVERFLOW;
    part.bytes = words;
    part.count = sizeof words;
    frame_send(FRAME_FAULT, harness_sequence, &part, 1U);
    for (;;) {
    }
}

static void keep_most(uint32_t *most, uint32_t bytes) {
    *most = bytes > *most ? bytes : *most;
    check_stack();
}

/* Each call in a function of its own, whose frame is complete before and after it. */
static __attribute__((noinline)) int32_t call_init(void) {
    const volatile uint32_t *const end = harness_paint_stack();
    const int32_t status = HARNESS_CALL_INIT(&context, arena);
    keep_most(&init_stack, harness_stack_below(end));
    return status;
}

static __attribute__((noinline)) int32_t call_run(void) {
    const volatile uint32_t *const end = harness_paint_stack();
    const int32_t status = HARNESS_CALL_RUN(&context, (const void *)input, (void *)output);
    keep_most(&run_stack, harness_stack_below(end));
    return status;
}

static __attribute__((noinline)) int32_t call_selftest(void) {
    const volatile uint32_t *const end = harness_paint_stack();
    const int32_t status = HARNESS_CALL_SELFTEST(&context);
    keep_most(&selftest_stack, harness_stack_below(end));
    return status;
}

#ifdef HARNESS_PUSHES
static __attribute__((noinline)) int32_t call_reset(void) {
    const volatile uint32_t *const end = harness_paint_stack();
    const int32_t status = HARNESS_CALL_RESET(&context);
    keep_most(&reset_stack, harness_stack_below(end));
    return status;
}

/* The last input once more, as users of push functions give it: a run calls them from within itself. The
 * stack is painted once for all pieces, which may be thousands. Returns whether the output came with the last
 * one. */
static __attribute__((noinline)) uint32_t call_pushes(void) {
    const volatile uint32_t *const end = harness_paint_stack();
    int32_t status = BITLOOM_OK;
    uint32_t i;
    for (i = 0U; i < HARNESS_PUSHES && status == BITLOOM_OK; i++) {
        status = HARNESS_CALL_PUSH(&context, (const void *)(input + i * HARNESS_PUSH_BYTES), (void *)output);
    }
    keep_most(&push_stack, harness_stack_below(end));
    return i == HARNESS_PUSHES && status == BITLOOM_DONE ? 1U : 0U;
}
#endif

/* Behind the last run, where no host counts what is called any more. */
static void finish(void) {
    uint32_t passed = (init_status == 0 && selftest_status == 0 && failed_runs == 0U) ? 1U : 0U;
#ifdef HARNESS_PUSHES
    /* It leaves another output and traces than the last run's, which is not to be repeated then. */
    harness_sequence = 0U;
    passed = passed == 1U && call_reset() == BITLOOM_OK ? call_pushes() : 0U;
#endif
    send_end(passed);
}

static void run_once(uint16_t sequence) {
    frame_send(FRAME_ACCEPTED, sequence, 0, 0U);
    if (sequence != harness_sequence) {
        harness_sequence = sequence;
        result.traces = 0U;
        result.status = call_run();
        runs++;
        failed_runs += result.status == 0 ? 0U : 1U;
    }
    send_result();
}

static void serve(void) {
    frame_header header;
    const uint32_t problem = frame_receive(&header, input, INPUT_BYTES);
    if (problem != 0U) {
        reject(problem);
    } else if (header.type == FRAME_REQUEST && header.length == HARNESS_INPUT_BYTES) {
        run_once(header.sequence);
    } else if (header.type == FRAME_ASK) {
        /* Another session, which counts from 1 again: nothing that was served before is a repetition. */
        harness_sequence = 0U;
        send_hello();
    } else if (header.type == FRAME_FINISH) {
        finish();
    } else {
        reject(REJECTED_TYPE);
    }
}

int main(void) {
    harness_link_open();
    init_status = call_init();
    selftest_status = init_status == 0 ? call_selftest() : 0;
    send_hello();
    for (;;) {
        serve();
    }
}
