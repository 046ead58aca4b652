/** Hooks around layers: in order, with names, free where nobody defines them; runs that interleave in them do not meet. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { arrayText } from "../../src/emit/c-data.js";
import { commentText } from "../../src/emit/names.js";
import { randomBatch } from "../../src/inputs.js";
import { runDevice } from "../../src/reference/device.js";
import { writeLibrary } from "../../src/verify.js";
import { compileGraph, mnistMlp } from "../support/models.js";
import { layeredNet, randomFloats } from "../support/random-graph.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-hooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WARNINGS = ["-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"];

/** A model whose layers can fail beside one whose layers cannot: both forms of a call. */
const digits = mnistMlp({ name: "digits" });
const net = compileGraph(layeredNet(5, [40, 33, 7], 3), randomFloats(1, 40), { output: "float32" });
const written = (model: CompiledModel) =>
  writeLibrary(model, mkdtempSync(join(folder, `${model.library.name}-`)));
const libraries = [digits, net].map(written);

/** Objects of both libraries and a C++17 program, linked; what the program prints. */
async function printed(main: string, hooks: string): Promise<string> {
  const build = mkdtempSync(join(folder, "build-"));
  writeFileSync(join(build, "bitloom_hooks.h"), hooks);
  writeFileSync(join(build, "main.cpp"), main);
  const sources = new Map(libraries.flatMap(({ dir, sources }) => sources.map((s) => [s, join(dir, s)])));
  const c = ["-std=c99", ...WARNINGS, "-DBITLOOM_HOOKS", `-I${build}`, "-c"];
  await execa("gcc", [...c, ...sources.values()], { cwd: build });
  const objects = [...sources.keys()].map((s) => s.replace(/\.[cS]$/, ".o"));
  const includes = libraries.map(({ dir }) => `-I${dir}`);
  await execa("g++", ["-std=c++17", ...WARNINGS, ...includes, "main.cpp", ...objects, "-o", "program"], {
    cwd: build,
  });
  return (await execa(join(build, "program"))).stdout;
}

const HOOKS = `void at_layer(const char *model, unsigned int index, const char *name, int is_end);
#define BITLOOM_LAYER_BEGIN(model, index, name) at_layer(#model, index##U, name, 0)
#define BITLOOM_LAYER_END(model, index, name) at_layer(#model, index##U, name, 1)
`;

/** A C array of an input as the device takes it. */
const array = (values: ArrayLike<number>): string => `{${Array.from(values).join(", ")}}`;

const inputs = {
  first: randomBatch(digits.program, 1, 11).stored(0),
  second: randomBatch(digits.program, 1, 12).stored(0),
  net: randomBatch(net.program, 1, 13).stored(0),
};

/** Declarations of a program that knows both libraries; `at_layer` is what the hooks call. */
const PROGRAM = `#include <cstdio>
#include "digits.h"
#include "net.h"
extern "C" void at_layer(const char *model, unsigned int index, const char *name, int is_end);
alignas(DIGITS_ARENA_ALIGN) static unsigned char arenas[2][(DIGITS_ARENA_SIZE + 7U) / 8U * 8U];
alignas(NET_ARENA_ALIGN) static unsigned char net_arena[NET_ARENA_SIZE];
static const digits_input_t first[DIGITS_INPUT_COUNT] = ${array(inputs.first)};
static const digits_input_t second[DIGITS_INPUT_COUNT] = ${array(inputs.second)};
static const net_input_t net_input[NET_INPUT_COUNT] = {${arrayText("float", inputs.net)}};
static digits_output_t scores[2][DIGITS_OUTPUT_COUNT];
static net_output_t net_output[NET_OUTPUT_COUNT];
static digits_context contexts[2];
static net_context net_state;
static int start() {
    return digits_init(&contexts[0], arenas[0]) + digits_init(&contexts[1], arenas[1]) + net_init(&net_state, net_arena);
}
`;

describe("hooks around layers", () => {
  it("are called in order, with the model, index and name; tables of the header agree", async () => {
    const main = `${PROGRAM}
#define ROW(index, name, symbol) {index, name, symbol},
static const struct { unsigned int index; const char *name; const char *symbol; } rows[] = { DIGITS_LAYERS(ROW) };
static_assert(sizeof rows / sizeof rows[0] == DIGITS_LAYER_COUNT, "a row for each layer");
extern "C" void at_layer(const char *model, unsigned int index, const char *name, int is_end) {
    std::printf("%s %s %u %s\\n", is_end != 0 ? "end" : "begin", model, index, name);
}
int main() {
    if (start() != 0 || digits_run(&contexts[0], first, scores[0]) != 0) return 1;
    if (net_run(&net_state, net_input, net_output) != 0) return 1;
    for (const auto &row : rows) std::printf("%u %s %s\\n", row.index, row.name, row.symbol);
    std::printf("%d %d\\n", DIGITS_LAYER_SUM3_NODE, DIGITS_STREAMS_ROWS + DIGITS_STREAMS_SAMPLES);
}
`;
    const names = ({ plan, program }: CompiledModel) =>
      plan.steps.map(({ choice }) => commentText(program.tensors[choice.output]!.name));
    const events = (model: CompiledModel) =>
      names(model).flatMap((name, i) =>
        ["begin", "end"].map((edge) => `${edge} ${model.library.name} ${i} ${name}`),
      );
    const rows = names(digits).map((name, i) => `${i} ${name} ${digits.plan.steps[i]!.symbol}`);
    const last = `${names(digits).indexOf("sum3_node")} 0`;
    expect((await printed(main, HOOKS)).split("\n")).toEqual([
      ...events(digits),
      ...events(net),
      ...rows,
      last,
    ]);
  });

  it("other contexts and other models may run in the middle of a run", async () => {
    const main = `${PROGRAM}
static int depth, failed;
extern "C" void at_layer(const char *, unsigned int, const char *, int) {
    if (depth != 0) return;
    depth = 1;
    failed |= digits_run(&contexts[1], second, scores[1]) | net_run(&net_state, net_input, net_output);
    depth = 0;
}
int main() {
    if (start() != 0 || digits_run(&contexts[0], first, scores[0]) != 0 || failed != 0) return 1;
    for (const auto &row : scores) for (auto score : row) std::printf("%d ", static_cast<int>(score));
    for (auto value : net_output) std::printf("%.9g ", static_cast<double>(value));
}
`;
    const said = (await printed(main, HOOKS)).trim().split(" ").map(Number);
    expect(said.map(Math.fround)).toEqual([
      ...runDevice(digits.program, inputs.first),
      ...runDevice(digits.program, inputs.second),
      ...runDevice(net.program, inputs.net),
    ]);
  });

  it.each(
    libraries.map((library) => [library.name, library] as const),
  )("%s: the schedule is the same object without them", async (name, { dir }) => {
    const source = readFileSync(join(dir, `${name}.c`), "utf8");
    const bare = source.replaceAll(/^ {4}BITLOOM_LAYER_(BEGIN|END)\(.*\);\n/gm, "");
    expect(bare).not.toBe(source);
    const object = async (text: string, flags: readonly string[] = []): Promise<Buffer> => {
      const build = mkdtempSync(join(folder, "object-"));
      writeFileSync(join(build, "schedule.c"), text);
      const target = ["-mcpu=cortex-m0", "-mthumb", "-std=c99", "-O2", `-I${dir}`];
      await execa("arm-none-eabi-gcc", [...target, ...flags, "-c", "schedule.c"], { cwd: build });
      return readFileSync(join(build, "schedule.o"));
    };
    const plain = await object(source);
    expect(plain.equals(await object(bare))).toBe(true);
    const hook = "-DBITLOOM_LAYER_BEGIN(model,index,name)=(*(volatile int *)0x20000000 = index)";
    expect(plain.equals(await object(source, [hook]))).toBe(false);
  });
});

it("the libraries have no data that can change: all state is the caller's", async () => {
  for (const { dir, sources } of libraries) {
    const target = ["-mcpu=cortex-m4", "-mthumb", "-std=c99", "-O2", "-r", "-nostdlib"];
    const object = join(dir, "whole.o");
    await execa("arm-none-eabi-gcc", [...target, ...sources.map((s) => join(dir, s)), "-o", object]);
    const { stdout } = await execa("arm-none-eabi-nm", [object]);
    expect(stdout.split("\n").length).toBeGreaterThan(10);
    expect(stdout.split("\n").filter((line) => / [bBcCdDsS] /.test(line))).toEqual([]);
  }
});
