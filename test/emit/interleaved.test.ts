/**
 * Several models, and several contexts of one model, in one firmware on emulated cores: calls that interleave, and calls of
 * interrupts in the middle of others, give what a run of each input by itself gives, and the reference.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { arrayText } from "../../src/emit/c-data.js";
import { randomBatch } from "../../src/inputs.js";
import { canonicalBytes, type TensorValues } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { findCpu } from "../../src/targets/index.js";
import type { LibraryOnDisk } from "../../src/toolchain/index.js";
import { writeLibrary } from "../../src/verify.js";
import { bareObjects, runBare } from "../support/bare-qemu.js";
import { type BareTarget, bareTargets, mveTarget } from "../support/kernel-cases.js";
import { compileGraph, full, mnistCnn, mnistMlp } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { randomStreamNet } from "../support/random-stream-net.js";
import { repoRoot } from "../support/root.js";
import { describeWith } from "../toolchain/toy.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-interleaved-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In the long version on every core. */
const few = ["M0", "M4"];
const targets = [...bareTargets.filter(({ name }) => full || few.includes(name)), mveTarget];

const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const FRAMES = 4;
const ROWS = 28;

/** A model with its library, inputs as the device takes them, and the reference's outputs. */
interface Speaker {
  readonly model: CompiledModel;
  readonly library: LibraryOnDisk;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly string[];
}

/** A frame that comes row by row, one that is whole, and a signal without end. */
interface Speakers {
  readonly camera: Speaker;
  readonly digits: Speaker;
  readonly signal: Speaker;
}

function compile(target: BareTarget): Speakers {
  const cpu = findCpu(target.cpu.replace(/\+.*/, ""));
  const camera = mnistCnn({ name: "camera", cpu, pushes: true });
  const digits = mnistMlp({ name: "digits", cpu });
  const lowering = { input: INPUT, pushes: true };
  const signal = compileGraph(randomStreamNet(76_000), undefined, lowering, { cpu, endless: true });
  const folderOf = mkdtempSync(join(folder, "libraries-"));
  const speaker = (model: CompiledModel, data: Pick<Speaker, "inputs" | "outputs">): Speaker => ({
    model,
    library: writeLibrary(model, join(folderOf, model.library.name)),
    ...data,
  });
  return {
    camera: speaker(camera, cases(camera, FRAMES, 21)),
    digits: speaker(digits, cases(digits, 3, 22)),
    signal: speaker(signal, samples(signal, 2 * ROWS)),
  };
}

const compiled = new Map<string, Speakers>();

function speakersFor(target: BareTarget): Speakers {
  const known = compiled.get(target.cpu) ?? compile(target);
  compiled.set(target.cpu, known);
  return known;
}

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

/** A stream as long as what is pushed beside it, and the outputs of its windows. */
function samples({ plan, program }: CompiledModel, count: number) {
  const { warmUp, perOutput } = plan.stream!;
  const [height, width, channels] = program.tensors[program.input.tensor]!.shape;
  const size = width * channels;
  const random = new Random(23);
  const values = Int32Array.from({ length: (count + height) * size }, () => random.integer(0, 255));
  const starts = Array.from(
    { length: Math.floor((count - warmUp) / perOutput) + 1 },
    (_, i) => i * perOutput,
  );
  const windows = starts.map((start) => values.subarray(start * size, (start + height) * size));
  return { inputs: [Uint8Array.from(values)], outputs: expected(program, windows) };
}

const array = (name: string, inputs: readonly Uint8Array[]): string =>
  `static const uint8_t ${name}[] __attribute__((aligned(8))) = {\n${arrayText("uint8_t", Buffer.concat(inputs))}\n};`;

/** Declarations of a program that knows all three libraries. Arenas hold what was there before. */
const programText = ({ camera, digits, signal }: Speakers): string => `#include <stdint.h>
#include <string.h>
#include "camera.h"
#include "digits.h"
#include "net.h"
void bare_print(const char *text);
${array("frames", camera.inputs)}
${array("pages", digits.inputs)}
${array("samples", signal.inputs)}
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
/* Each input by itself, in a whole run. */
static inline void run_alone(void)
{
    uint32_t i;
    for (i = 0U; i < ${FRAMES}U; i++) {
        failed |= camera_run(&cameras[0], (const void *)(frames + i * CAMERA_INPUT_SIZE), classes[0]);
        say("camera alone: ", classes[0], CAMERA_OUTPUT_SIZE);
    }
    for (i = 0U; i < 3U; i++) {
        read_page(0U, i);
        say("digits alone: ", scores[0], DIGITS_OUTPUT_SIZE);
    }
    for (i = NET_WARM_UP_SAMPLES; i <= 2U * ${ROWS}U; i += NET_SAMPLES_PER_OUTPUT) {
        failed |= net_run(&listener, (const void *)(samples + (i - NET_WARM_UP_SAMPLES) * NET_SAMPLE_COUNT), heard);
        say("signal alone: ", heard, NET_OUTPUT_SIZE);
    }
}
static inline int end(void)
{
    bare_print(failed == 0 ? "done\\n" : "failed\\n");
    return failed;
}
`;

/** What a program says on a core, one line after another, until it is done. */
async function said(target: BareTarget, main: string, machine: readonly string[] = []): Promise<string[]> {
  const build = mkdtempSync(join(folder, "build-"));
  const speakers = speakersFor(target);
  const libraries = Object.values(speakers).map(({ library }: Speaker) => library);
  writeFileSync(join(build, "main.c"), `${programText(speakers)}\n${main}`);
  const own = join(repoRoot, "test/support/bare-metal");
  const includes = [...libraries.map(({ dir }) => dir), own].map((dir) => `-I${dir}`);
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
  it("have outputs that tell inputs apart, and on a core with vectors kernels of its own", () => {
    const { camera, digits, signal } = speakersFor(mveTarget);
    for (const { outputs } of [camera, digits, signal]) expect(new Set(outputs).size).toBeGreaterThan(1);
    expect(Math.min(signal.outputs.length, camera.outputs.length)).toBeGreaterThan(2);
    const kernels = camera.model.plan.steps.map(({ choice }) => choice.kernel);
    expect(kernels).toContainEqual(expect.stringMatching(/_mve$/));
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
    run_alone();
    return end();
}
`;
    const { camera, digits, signal } = speakersFor(target);
    const lines = await said(target, main);
    expect(of(lines, "camera 0")).toEqual(camera.outputs.slice(0, 2));
    expect(of(lines, "signal")).toEqual(signal.outputs);
    expect(of(lines, "digits")).toEqual(Array.from({ length: 2 * ROWS }, (_, i) => digits.outputs[i % 3]!));
    for (const [name, { outputs }] of Object.entries({ camera, digits, signal }))
      expect(of(lines, `${name} alone`)).toEqual(outputs);
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
    const { camera } = speakersFor(target);
    const lines = await said(target, main);
    expect(of(lines, "camera 0")).toEqual(camera.outputs.slice(0, 2));
    expect(of(lines, "camera 1")).toEqual(camera.outputs.slice(2, 4));
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
    const { camera, digits, signal } = speakersFor(target);
    // Time is counted in instructions, so that interrupts come at the same ones in every run.
    const lines = await said(target, main, ["-icount", "shift=5"]);
    expect(of(lines, "digits")).toEqual([...digits.outputs, ...digits.outputs]);
    expect(of(lines, "camera 0")).toEqual(camera.outputs.slice(0, 2));
    expect(of(lines, "signal")).toEqual(signal.outputs);
    const [ticks] = of(lines, "ticks");
    expect(Buffer.from(ticks!, "hex").readUInt32LE()).toBeGreaterThan(50);
  });
});
