/** Kernels called row by row, on rings that hold fewer rows than the map, give what one call on the whole map gives. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { hostCc } from "../../src/toolchain/tools.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-rows-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A map of 7 rows × 5 pixels: once whole, once in steps of 1 to 3 rows through rings of 3 and 2 rows. */
const program = `
#include <stdio.h>
#include <string.h>
#include "bitloom_dense_b1.h"
#include "bitloom_dense_planes.h"
#include "bitloom_take_codes.h"
#include "bitloom_threshold.h"

#define ROWS 7u
#define WIDTH 5u
#define INPUTS 70u
#define OUTPUTS 37u

static uint32_t state = 12345u;
static uint32_t random_word(void) { state ^= state << 13; state ^= state >> 17; state ^= state << 5; return state; }

static uint8_t whole_in[65536], whole_out[65536], ring_in[65536], ring_out[65536];
static uint32_t weights[OUTPUTS * 2u * 3u];
static int16_t limits[OUTPUTS];
static int32_t thresholds[OUTPUTS * 3u], bias[OUTPUTS];

typedef void (*kernel)(const void *, const bitloom_const_ring *, const bitloom_ring *, void *, uint32_t, uint32_t);

/* Copies input rows into a ring of three as they are needed, takes output rows out of a ring of two. */
static int check(const char *name, kernel run, const void *layer, uint32_t in_bytes, uint32_t out_bytes)
{
    const bitloom_const_ring from = {whole_in, in_bytes, ROWS};
    const bitloom_ring to = {whole_out, out_bytes, ROWS};
    const bitloom_const_ring small_from = {ring_in, in_bytes, 3u};
    const bitloom_ring small_to = {ring_out, out_bytes, 2u};
    uint32_t y;
    memset(whole_out, 0xaa, sizeof whole_out);
    run(layer, &from, &to, NULL, 0u, ROWS);
    memset(ring_in, 0x55, sizeof ring_in);
    for (y = 0u; y < ROWS; y += 2u) {
        const uint32_t end = y + 2u < ROWS ? y + 2u : ROWS;
        uint32_t row;
        for (row = y; row < end; row++) memcpy(ring_in + (row % 3u) * in_bytes, whole_in + row * in_bytes, in_bytes);
        run(layer, &small_from, &small_to, NULL, y, end);
        for (row = y; row < end; row++) {
            if (memcmp(ring_out + (row % 2u) * out_bytes, whole_out + row * out_bytes, out_bytes) != 0) {
                printf("%s: row %u differs\\n", name, (unsigned)row);
                return 1;
            }
        }
    }
    printf("%s equal\\n", name);
    return 0;
}

#define ADAPT(NAME, TYPE) \\
    static void NAME##_any(const void *l, const bitloom_const_ring *i, const bitloom_ring *o, void *s, uint32_t a, uint32_t b) \\
    { NAME((const TYPE *)l, i, o, s, a, b); }
ADAPT(bitloom_dense_b1_threshold, bitloom_dense_b1)
ADAPT(bitloom_dense_b1_scores, bitloom_dense_b1)
ADAPT(bitloom_dense_planes_threshold, bitloom_dense_planes)
ADAPT(bitloom_dense_planes_scores, bitloom_dense_planes)
ADAPT(bitloom_threshold_u8, bitloom_threshold)
ADAPT(bitloom_threshold_i32, bitloom_threshold)
ADAPT(bitloom_take_codes_u8, bitloom_take_codes)

int main(void)
{
    const bitloom_dense_b1 b1 = {weights, limits, INPUTS, 3, OUTPUTS, WIDTH};
    const bitloom_dense_planes planes = {weights, thresholds, bias, 1, -1, 3, OUTPUTS, WIDTH, 2, 2, 2, 3};
    const bitloom_threshold shared = {thresholds, NULL, INPUTS, WIDTH, 0, 3, 2};
    const bitloom_take_codes codes = {INPUTS, WIDTH};
    uint32_t i;
    int failed = 0;
    for (i = 0u; i < sizeof whole_in; i++) whole_in[i] = (uint8_t)random_word();
    for (i = 0u; i < OUTPUTS * 6u; i++) weights[i] = random_word();
    for (i = 0u; i < OUTPUTS; i++) { limits[i] = (int16_t)(30u + random_word() % 20u); bias[i] = (int32_t)(random_word() % 99u); }
    for (i = 0u; i < OUTPUTS * 3u; i++) thresholds[i] = (int32_t)(40u * (i % 3u) + random_word() % 30u);
    failed += check("dense_b1_threshold", bitloom_dense_b1_threshold_any, &b1, WIDTH * 12u, WIDTH * 8u);
    failed += check("dense_b1_scores", bitloom_dense_b1_scores_any, &b1, WIDTH * 12u, WIDTH * OUTPUTS * 4u);
    failed += check("dense_planes_threshold", bitloom_dense_planes_threshold_any, &planes, WIDTH * 24u, WIDTH * 16u);
    failed += check("dense_planes_scores", bitloom_dense_planes_scores_any, &planes, WIDTH * 24u, WIDTH * OUTPUTS * 4u);
    failed += check("threshold_u8", bitloom_threshold_u8_any, &shared, WIDTH * INPUTS, WIDTH * 24u);
    failed += check("threshold_i32", bitloom_threshold_i32_any, &shared, WIDTH * INPUTS * 4u, WIDTH * 24u);
    failed += check("take_codes_u8", bitloom_take_codes_u8_any, &codes, WIDTH * INPUTS, WIDTH * 96u);
    return failed;
}
`;

describe("row ranges and rings", () => {
  it("every kernel gives the same rows in steps through small rings, under the sanitizers", async () => {
    const main = join(folder, "main.c");
    writeFileSync(main, program);
    const runtime = packageFile("runtime-c");
    const sources = readdirSync(runtime).filter((f) => f.endsWith(".c"));
    const binary = join(folder, "rows");
    await execa(hostCc(), [
      "-std=c99",
      "-O1",
      "-fsanitize=address,undefined",
      "-fno-sanitize-recover=all",
      `-I${runtime}`,
      main,
      ...sources.map((s) => join(runtime, s)),
      "-o",
      binary,
    ]);
    const { stdout } = await execa(binary);
    expect(stdout.split("\n")).toHaveLength(7);
    expect(stdout).not.toContain("differs");
  });
});
