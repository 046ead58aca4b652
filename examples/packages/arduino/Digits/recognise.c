#include "recognise.h"

#include "digits.h"

static uint8_t arena[DIGITS_ARENA_SIZE] __attribute__((aligned(DIGITS_ARENA_ALIGN)));
static digits_input_t pixels[DIGITS_INPUT_COUNT];
static digits_output_t scores[DIGITS_OUTPUT_COUNT];

static void put_text(void (*put)(char c), const char *text) {
    while (*text != '\0') {
        put(*text++);
    }
}

static void put_number(void (*put)(char c), int32_t value) {
    char digits[10];
    uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    uint32_t count = 0U;
    if (value < 0) {
        put('-');
    }
    do {
        digits[count++] = (char)('0' + rest % 10U);
        rest /= 10U;
    } while (rest != 0U);
    while (count > 0U) {
        put(digits[--count]);
    }
}

static int run(digits_context *context) {
    uint32_t i;
    int status = digits_init(context, arena);
    if (status == BITLOOM_OK) {
        status = digits_selftest(context);
    }
    for (i = 0U; i < DIGITS_INPUT_COUNT; i++) {
        pixels[i] = (digits_input_t)(37U * i);
    }
    return status == BITLOOM_OK ? digits_run(context, pixels, scores) : status;
}

int recognise_pattern(void (*put)(char c)) {
    digits_context context;
    uint32_t i;
    const int status = run(&context);
    if (status != BITLOOM_OK) {
        put_text(put, "FAIL: status ");
        put_number(put, status);
        put('\n');
        return 1;
    }
    put_text(put, "scores");
    for (i = 0U; i < DIGITS_OUTPUT_COUNT; i++) {
        put(' ');
        put_number(put, scores[i]);
    }
    put_text(put, "\nclass ");
    put_number(put, digits_argmax(scores));
    put_text(put, "\nPASS\n");
    return 0;
}
