/**
 * Several models, and several contexts of one model, in one firmware on emulated cores: calls that interleave, and calls of
 * interrupts in the middle of others, give what the reference gives for each input by itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { arrayText } from "../../src/emit/c-data.js";
import { randomBatch } from "../../src/inputs.js";
import { canonicalBytes, type TensorValues } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import type { LibraryOnDisk } from "../../src/toolchain/index.js";
import { writeLibrary } from "../../src/verify.js";
import { bareObjects, runBare } from "../support/bare-qemu.js";
import { type BareTarget, bareTargets, mveTarget } from "../support/kernel-cases.js";
import { compileGraph, mnistCnn, mnistMlp } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { randomStreamNet } from "../support/random-stream-net.js";
import { repoRoot } from "../support/root.js";
import { describeWith } from "../toolchain/toy.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-interleaved-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const targets = [...bareTargets.filter(({ name }) => name === "M0" || name === "M4"), mveTarget];

/** A frame that comes row by row, one that is whole, and a signal without end. */
const camera = mnistCnn({ name: "camera", pushes: true });
const digits = mnistMlp({ name: "digits" });
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const signal = compileGraph(
  randomStreamNet(76_000),
  undefined,
  { input: INPUT, pushes: true },
  { endless: true },
);
const FRAMES = 4;
const ROWS = 28;

/** The device's bytes of random inputs, and of what the reference makes of each. */
function cases({ program }: CompiledModel, count: number, seed: number) {
  const batch = randomBatch(program, count, seed);
  const stored = Array.from({ length: count }, (_, i) => batch.stored(i));
  const input = program.tensors[program.input.tensor]!;
  return {
    inputs: stored.map((values) => canonicalBytes(input, values)),
    outputs: expected(program, stored),
  };
}

function expected(program: CompiledModel["program"], inputs: readonly TensorValues[]): string[] {
  const run = compileDevice(program);
  const output = program.tensors[program.output.tensor]!;
  return inputs.map((values) => Buffer.from(canonicalBytes(output, run(values))).toString("hex"));
}

const frames = cases(camera, FRAMES, 21);
const pages = cases(digits, 3, 22);
const stream = samples(2 * ROWS);

/** A stream as long as what is pushed beside it, and the outputs of its windows. */
function samples(count: number) {
  const { warmUp, perOutput } = signal.plan.stream!;
  const { program } = signal;
  const [height, width, channels] = program.tensors[program.input.tensor]!.shape;
  const size = width * channels;
  const random = new Random(23);
  const values = Int32Array.from({ length: (count + height) * size }, () => random.integer(0, 255));
  const starts = Array.from(
    { length: Math.floor((count - warmUp) / perOutput) + 1 },
    (_, i) => i * perOutput,
  );
  const windows = starts.map((start) => values.subarray(start * size, (start + height) * size));
  return { input: Uint8Array.from(values), outputs: expected(program, windows) };
}

const array = (name: string, inputs: readonly Uint8Array[]): string =>
  `static const uint8_t ${name}[] __attribute__((aligned(8))) = {\n${arrayText("uint8_t", Buffer.concat(inputs))}\n};`;

/** Declarations of a program that knows all three libraries. Arenas hold what was there before. */
const PROGRAM = `#include <stdint.h>
#include <string.h>
#include "camera.h"
#include "digits.h"
#include "net.h"
void bare_print(const char *text);
${array("frames", frames.inputs)}
${array("pages", pages.inputs)}
${array("samples", [stream.input])}
static uint64_t arenas[4][(CAMERA_ARENA_SIZE + DIGITS_ARENA_SIZE + NET_ARENA_SIZE) / 8U + 1U];
static camera_context cameras[2];
static digits_context readers[2];
static net_context listener;
static camera_output_t classes[2][CAMERA_OUTPUT_COUNT];
static digits_output_t scores[2][DIGITS_OUTPUT_COUNT];
static net_output_t heard[NET_OUTPUT_COUNT];
static int failed;
static inline void say(const char *name, const void *bytes, uint32_t count)
{
    static char text[600];
    uint32_t i, n = 0U;
    for (; *name != 0; name++) text[n++] = *name;
    for (i = 0U; i < count && n < sizeof text - 4U; i++) {
        text[n++] = "0123456789abcdef"[((const uint8_t *)bytes)[i] >> 4];
        text[n++] = "0123456789abcdef"[((const uint8_t *)bytes)[i] & 15U];
    }
    text[n++] = '\\n';
    text[n] = 0;
    bare_print(text);
}
static inline void start(void)
{
    memset(arenas, 0xa5, sizeof arenas);
    failed |= camera_init(&cameras[0], arenas[0]) | camera_init(&cameras[1], arenas[1]);
    failed |= digits_init(&readers[0], arenas[2]) | net_init(&listener, arenas[3]);
    /* In the same array as a camera's, behind it. */
    failed |= digits_init(&readers[1], arenas[1] + (CAMERA_ARENA_SIZE + 7U) / 8U);
}
/* Row y of a stream of frames; what was seen is said when a frame is whole. */
static inline void push(uint32_t which, uint32_t frame, uint32_t y)
{
    const uint8_t *row = frames + frame * CAMERA_INPUT_SIZE + y * (CAMERA_INPUT_SIZE / CAMERA_INPUT_ROWS);
    const int status = camera_push_row(&cameras[which], (const void *)row, classes[which]);
    failed |= status != (y + 1U == CAMERA_INPUT_ROWS ? BITLOOM_DONE : BITLOOM_OK);
    if (status == BITLOOM_DONE) say(which == 0U ? "camera 0: " : "camera 1: ", classes[which], CAMERA_OUTPUT_SIZE);
}
static inline void read_page(uint32_t which, uint32_t page)
{
    failed |= digits_run(&readers[which], (const void *)(pages + page * DIGITS_INPUT_SIZE), scores[which]);
}
static inline void hear(uint32_t sample)
{
    const int status = net_push_sample(&listener, (const void *)(samples + sample * NET_SAMPLE_COUNT), heard);
    failed |= status < BITLOOM_OK;
    if (status == BITLOOM_DONE) say("signal: ", heard, NET_OUTPUT_SIZE);
}
static inline int end(void)
{
    bare_print(failed == 0 ? "done\\n" : "failed\\n");
    return failed;
}
`;

let libraries: LibraryOnDisk[] = [];
beforeAll(() => {
  libraries = [camera, digits, signal].map((m) => writeLibrary(m, join(folder, m.library.name)));
});

/** What a program says on a core, one line after another, until it is done. */
async function said(target: BareTarget, main: string, machine: readonly string[] = []): Promise<string[]> {
  const build = mkdtempSync(join(folder, "build-"));
  writeFileSync(join(build, "main.c"), `${PROGRAM}\n${main}`);
  const includes = [
    ...libraries.map(({ dir }) => `-I${dir}`),
    `-I${join(repoRoot, "test/support/bare-metal")}`,
  ];
  const objects = await bareObjects(libraries, build, target);
  const args = [...["-Wall", "-Wextra", "-Werror"], ...includes, "main.c", ...objects];
  const lines = (await runBare(build, args, target, machine)).trim().split("\n");
  expect(lines.pop()).toBe("done");
  return lines;
}

/** Lines of one speaker. */
const of = (lines: readonly string[], who: string): string[] =>
  lines.flatMap((line) => (line.startsWith(`${who}: `) ? [line.slice(who.length + 2)] : []));

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "calls that interleave", () => {
  it("have outputs that tell inputs apart", () => {
    for (const { outputs } of [frames, pages, stream]) expect(new Set(outputs).size).toBeGreaterThan(1);
    expect(Math.min(stream.outputs.length, frames.outputs.length)).toBeGreaterThan(2);
  });

  it.each(targets)("of three models on $name: rows, samples and whole runs in turns", async (target) => {
    const main = `int main(void)
{
    uint32_t i;
    start();
    for (i = 0U; i < 2U * ${ROWS}U; i++) {
        push(0U, i / ${ROWS}U, i % ${ROWS}U);
        read_page(0U, i % 3U);
        say("digits: ", scores[0], DIGITS_OUTPUT_SIZE);
        hear(i);
    }
    return end();
}
`;
    const lines = await said(target, main);
    expect(of(lines, "camera 0")).toEqual(frames.outputs.slice(0, 2));
    expect(of(lines, "signal")).toEqual(stream.outputs);
    expect(of(lines, "digits")).toEqual(Array.from({ length: 2 * ROWS }, (_, i) => pages.outputs[i % 3]!));
    expect(lines.length).toBe(2 + stream.outputs.length + 2 * ROWS);
  });

  it.each(
    targets,
  )("of two contexts of one model on $name: rows in turns, one input behind the other", async (target) => {
    const main = `int main(void)
{
    const uint32_t behind = 9U;
    uint32_t i;
    start();
    for (i = 0U; i < 2U * ${ROWS}U + behind; i++) {
        if (i < 2U * ${ROWS}U) push(0U, i / ${ROWS}U, i % ${ROWS}U);
        if (i >= behind) push(1U, 2U + (i - behind) / ${ROWS}U, (i - behind) % ${ROWS}U);
    }
    return end();
}
`;
    const lines = await said(target, main);
    expect(of(lines, "camera 0")).toEqual(frames.outputs.slice(0, 2));
    expect(of(lines, "camera 1")).toEqual(frames.outputs.slice(2, 4));
    expect(lines.length).toBe(4);
  });

  it.each(
    targets,
  )("of interrupts on $name, which break into calls of the same and of other models", async (target) => {
    const main = `#include "tick.h"
static volatile uint32_t ticks;
static uint8_t right[3][DIGITS_OUTPUT_SIZE];
void tick(void)
{
    const uint32_t page = ticks % 3U;
    read_page(1U, page);
    failed |= memcmp(scores[1], right[page], DIGITS_OUTPUT_SIZE) != 0;
    ticks++;
}
int main(void)
{
    uint32_t i;
    start();
    for (i = 0U; i < 3U; i++) {
        read_page(1U, i);
        memcpy(right[i], scores[1], DIGITS_OUTPUT_SIZE);
        say("digits: ", right[i], DIGITS_OUTPUT_SIZE);
    }
    tick_begin();
    for (i = 0U; i < 2U * ${ROWS}U; i++) {
        push(0U, i / ${ROWS}U, i % ${ROWS}U);
        if (i < 3U) {
            read_page(0U, i);
            say("digits: ", scores[0], DIGITS_OUTPUT_SIZE);
        }
        hear(i);
    }
    tick_end();
    i = ticks;
    say("ticks: ", &i, 4U);
    return end();
}
`;
    // Time is counted in instructions, so that interrupts come at the same ones in every run.
    const lines = await said(target, main, ["-icount", "shift=5"]);
    expect(of(lines, "digits")).toEqual([...pages.outputs, ...pages.outputs]);
    expect(of(lines, "camera 0")).toEqual(frames.outputs.slice(0, 2));
    expect(of(lines, "signal")).toEqual(stream.outputs);
    const [ticks] = of(lines, "ticks");
    expect(Buffer.from(ticks!, "hex").readUInt32LE()).toBeGreaterThan(50);
  });
});
