/** One firmware with many layers, each a generated library of its own. */

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageFile } from "../src/assets/package-files.js";
import { version } from "../src/compile.js";
import { emitLibrary } from "../src/emit/index.js";
import type { Plan } from "../src/plan/index.js";
import { canonicalBytes, canonicalSize } from "../src/program/index.js";
import type { Board } from "../src/targets/index.js";
import {
  armGcc,
  type CompileJob,
  compileAll,
  HARNESS_FLAGS,
  LIBRARY_FLAGS,
  linkImage,
  objectPath,
  writeBoardFiles,
} from "../src/toolchain/index.js";

/** A layer to run: its plan, and the inputs that it gets. */
export interface BenchCase {
  readonly plan: Plan;
  readonly inputs: readonly Int32Array[];
}

export const STACK_BYTES = 3072;
/** Code of harness, runtime and the compiler's library at most. */
const CODE_BYTES = 60 * 1024;
const CODE_PER_CASE = 1200;

/** Cuts a list of cases into such as fit a board together. A case that does not fit alone is left out. */
export function batches(cases: readonly BenchCase[], board: Board): BenchCase[][] {
  const { flash, ram } = board.memories;
  const all: BenchCase[][] = [];
  let batch: BenchCase[] = [];
  let used = CODE_BYTES;
  for (const layer of cases) {
    const flashBytes = flashOf(layer);
    if (ramOf(layer) > ram.size || CODE_BYTES + flashBytes > flash.size) continue;
    if (used + flashBytes > flash.size) {
      all.push(batch);
      batch = [];
      used = CODE_BYTES;
    }
    batch.push(layer);
    used += flashBytes;
  }
  return batch.length === 0 ? all : [...all, batch];
}

function flashOf({ plan, inputs }: BenchCase): number {
  const { program } = plan;
  const input = canonicalSize(program.tensors[program.input.tensor]!);
  return plan.weightBytes + inputs.length * input + CODE_PER_CASE;
}

function ramOf({ plan }: BenchCase): number {
  const { program, memory } = plan;
  return memory.arenaBytes + canonicalSize(program.tensors[program.output.tensor]!) + STACK_BYTES + 1024;
}

/** The self-test is generated with the library, but not built here. */
const NO_ANSWER = { input: new Uint8Array(4), output: new Uint8Array(4) };

/** Prefix of a case's symbols. */
export const caseName = (index: number): string => `case${index}`;

/** Builds the image of a batch and returns its path. `shared` keeps the objects of the runtime for the next batch. */
export async function buildBatch(
  cases: readonly BenchCase[],
  board: Board,
  outDir: string,
  shared: string,
): Promise<string> {
  await mkdir(outDir, { recursive: true });
  await mkdir(shared, { recursive: true });
  const runtime = new Set<string>();
  const own: string[] = [];
  for (const [index, { plan }] of cases.entries()) {
    const name = caseName(index);
    const { files, sources } = emitLibrary(plan, {
      name,
      version,
      arch: board.cpu.gccFlags.join(" "),
      knownAnswers: [NO_ANSWER],
    });
    for (const file of files.filter((f) => f.path.startsWith(name))) {
      await writeFile(join(outDir, file.path), file.text);
    }
    for (const source of sources) {
      if (!source.startsWith(name)) runtime.add(source);
      else if (!source.endsWith("_selftest.c")) own.push(source);
    }
  }
  await writeFile(join(outDir, "bench_sizes.h"), sizes(cases));
  await writeFile(join(outDir, "bench_cases.c"), table(cases));
  await writeBoardFiles(board, outDir, STACK_BYTES);
  const objects = await compile([...own, "bench_cases.c"], [...runtime], board, outDir, shared);
  const elf = join(outDir, "bench.elf");
  await linkImage(board, outDir, objects, elf);
  return elf;
}

async function compile(
  own: readonly string[],
  runtime: readonly string[],
  board: Board,
  outDir: string,
  shared: string,
): Promise<string[]> {
  const cpu = board.cpu.gccFlags;
  const includes = [
    outDir,
    packageFile("runtime-c"),
    packageFile("bench/firmware"),
    packageFile("templates/harness"),
  ];
  const include = includes.map((folder) => `-I${folder}`);
  const library = [...cpu, ...LIBRARY_FLAGS, ...include];
  const harness = [...cpu, ...HARNESS_FLAGS, ...include];
  const job = (source: string, folder: string, flags: readonly string[]): CompileJob => ({
    source,
    object: objectPath(folder, source),
    flags,
  });
  const kept = runtime
    .map((file) => job(packageFile(`runtime-c/${file}`), shared, library))
    .filter((j) => !existsSync(j.object));
  const harnessFiles = ["startup.c", "fault.c", "protocol.c", "uart_semihosting.c"];
  const jobs = [
    ...own.map((file) => job(join(outDir, file), outDir, library)),
    ...harnessFiles.map((file) => job(packageFile(`templates/harness/${file}`), outDir, harness)),
    job(packageFile("bench/firmware/main.c"), outDir, harness),
  ];
  await compileAll(armGcc(), [...kept, ...jobs]);
  return [...jobs.map((j) => j.object), ...runtime.map((file) => objectPath(shared, file))];
}

function sizes(cases: readonly BenchCase[]): string {
  const output = ({ plan }: BenchCase): number =>
    canonicalSize(plan.program.tensors[plan.program.output.tensor]!);
  return [
    `#define BENCH_CASES ${cases.length}U`,
    `#define BENCH_INPUTS ${cases[0]!.inputs.length}U`,
    `#define BENCH_OUTPUT_BYTES ${Math.max(...cases.map(output))}U`,
    `#define BENCH_ARENA_BYTES ${Math.max(8, ...cases.map((c) => c.plan.memory.arenaBytes))}U`,
    "",
  ].join("\n");
}

function table(cases: readonly BenchCase[]): string {
  const parts = cases.map(({ plan, inputs }, index) => {
    const name = caseName(index);
    const tensor = plan.program.tensors[plan.program.input.tensor]!;
    const arrays = inputs.map((values, i) => {
      const words = wordsOf(canonicalBytes(tensor, values));
      return `static const uint32_t ${name}_input${i}[] = {${words}};\n`;
    });
    return `${arrays.join("")}
static int ${name}_bench(const void *input, void *output) {
    ${name}_context context;
    const int status = ${name}_init(&context, arena);
    return status != 0 ? status : ${name}_run(&context, input, output);
}
`;
  });
  const rows = cases.map(({ inputs }, index) => {
    const name = caseName(index);
    const list = inputs.map((_, i) => `${name}_input${i}`).join(", ");
    return `    {${name}_bench, {${list}}, ${name.toUpperCase()}_OUTPUT_SIZE},`;
  });
  const includes = cases.map((_, index) => `#include "${caseName(index)}.h"`);
  return [
    '#include "bench_cases.h"',
    ...includes,
    "static uint8_t arena[BENCH_ARENA_BYTES] __attribute__((aligned(8)));",
    ...parts,
    "const bench_case bench_cases[BENCH_CASES] = {",
    ...rows,
    "};",
    "",
  ].join("\n");
}

function wordsOf(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return [...new Uint32Array(padded.buffer)].map((word) => `0x${word.toString(16)}U`).join(",");
}
