/** One firmware with many layers, each a generated library of its own. */

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageFile } from "../assets/package-files.js";
import { render } from "../assets/templates.js";
import { emitLibrary } from "../emit/index.js";
import type { Plan } from "../plan/index.js";
import { canonicalBytes, canonicalSize, type TensorValues } from "../program/index.js";
import type { Board } from "../targets/index.js";
import {
  armGcc,
  type CompileJob,
  compileAll,
  HARNESS_FLAGS,
  LIBRARY_FLAGS,
  linkImage,
  objectPath,
  writeBoardFiles,
} from "../toolchain/index.js";

/** A layer to run: its plan, and the inputs that it gets. */
export interface LayerCase {
  readonly plan: Plan;
  readonly inputs: readonly TensorValues[];
  /** Output rows of each call of its first kernel: how rolled plans run it. All in one call if absent. */
  readonly rows?: number;
}

export const STACK_BYTES = 3072;
/** Code of harness, runtime and the compiler's library at most. */
const CODE_BYTES = 60 * 1024;
const CODE_PER_CASE = 1200;
/** Variables of the harness at most. */
const RAM_RESERVE = 1024;

/** Cuts a list of cases into such as fit a board together. A case that does not fit alone is left out. */
export function batches(cases: readonly LayerCase[], board: Board): LayerCase[][] {
  const all: LayerCase[][] = [];
  for (const layer of cases.filter((c) => fits([c], board))) {
    const batch = all.at(-1);
    if (batch !== undefined && fits([...batch, layer], board)) batch.push(layer);
    else all.push([layer]);
  }
  return all;
}

/** All constants lie side by side in flash; the largest arena and the largest output are shared. */
function fits(batch: readonly LayerCase[], { memories: { flash, ram } }: Board): boolean {
  const flashBytes = batch.reduce((sum, layer) => sum + flashOf(layer), CODE_BYTES);
  const arena = Math.max(...batch.map(({ plan }) => plan.memory.arenaBytes));
  const output = Math.max(...batch.map(outputBytes));
  return flashBytes <= flash.size && arena + output + STACK_BYTES + RAM_RESERVE <= ram.size;
}

function flashOf({ plan, inputs }: LayerCase): number {
  const { program } = plan;
  const input = canonicalSize(program.tensors[program.input.tensor]!);
  return plan.weightBytes + inputs.length * input + CODE_PER_CASE;
}

/** The self-test is generated with the library, but not built here. */
const NO_ANSWER = { input: new Uint8Array(4), output: new Uint8Array(4) };

/** Prefix of a case's symbols. */
export const caseName = (index: number): string => `case${index}`;

/** Builds the image of a batch and returns its path. `shared` keeps the objects of the runtime for the next batch. */
export async function buildBatch(
  cases: readonly LayerCase[],
  board: Board,
  outDir: string,
  shared: string,
): Promise<string> {
  await mkdir(outDir, { recursive: true });
  await mkdir(shared, { recursive: true });
  const runtime = new Set<string>();
  const own: string[] = [];
  for (const [index, { plan, rows }] of cases.entries()) {
    const name = caseName(index);
    const { files, sources } = emitLibrary(plan, {
      name,
      version: "measured",
      arch: board.cpu.gccFlags.join(" "),
      knownAnswers: [NO_ANSWER],
    });
    for (const file of files.filter((f) => f.path.startsWith(name))) {
      const text =
        rows !== undefined && file.path === `${name}.c` ? inRows(plan, file.text, rows) : file.text;
      await writeFile(join(outDir, file.path), text);
    }
    for (const source of sources) {
      if (!source.startsWith(name)) runtime.add(source);
      else if (!source.endsWith("_selftest.c")) own.push(source);
    }
  }
  const view = casesView(cases);
  await writeFile(join(outDir, "layer_cases.h"), render("harness/layer_cases.h", view));
  await writeFile(join(outDir, "layer_cases.c"), render("harness/layer_cases.c", view));
  await writeBoardFiles(board, outDir, STACK_BYTES);
  const objects = await compile([...own, "layer_cases.c"], [...runtime], board, outDir, shared);
  const elf = join(outDir, "layers.elf");
  await linkImage(board, outDir, objects, elf);
  return elf;
}

/** The library's code with the calls of its first kernel for so many rows at a time. */
function inRows(plan: Plan, text: string, rows: number): string {
  const name = plan.steps.find(({ choice }) => choice.covers.length > 0)!.choice.call.function;
  const called = text.replace(
    new RegExp(`^ {4}(${name}\\(.*), 0U, (\\d+U)\\);$`, "m"),
    (_, call: string, end: string) => `    uint32_t y;
    for (y = 0U; y < ${end}; y += ${rows}U) {
        ${call}, y, y + ${rows}U < ${end} ? y + ${rows}U : ${end});
    }`,
  );
  if (called === text) throw new Error(`the call of ${name} cannot be divided`);
  return called;
}

async function compile(
  own: readonly string[],
  runtime: readonly string[],
  board: Board,
  outDir: string,
  shared: string,
): Promise<string[]> {
  const cpu = board.cpu.gccFlags;
  const includes = [outDir, packageFile("runtime-c"), packageFile("templates/harness")];
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
  const harnessFiles = ["layers.c", "startup.c", "fault.c", "protocol.c", "uart_semihosting.c"];
  const jobs = [
    ...own.map((file) => job(join(outDir, file), outDir, library)),
    ...harnessFiles.map((file) => job(packageFile(`templates/harness/${file}`), outDir, harness)),
  ];
  await compileAll(armGcc(), [...kept, ...jobs]);
  return [...jobs.map((j) => j.object), ...runtime.map((file) => objectPath(shared, file))];
}

function casesView(cases: readonly LayerCase[]) {
  return {
    inputs: cases[0]!.inputs.length,
    outputBytes: Math.max(...cases.map(outputBytes)),
    arenaBytes: Math.max(8, ...cases.map((c) => c.plan.memory.arenaBytes)),
    cases: cases.map(({ plan, inputs }, index) => {
      const tensor = plan.program.tensors[plan.program.input.tensor]!;
      const name = caseName(index);
      return {
        name,
        NAME: name.toUpperCase(),
        inputs: inputs.map((values) => `{${wordsOf(canonicalBytes(tensor, values))}}`),
        // Braces beside a template's own are hard to read.
        open: "{",
        close: "}",
      };
    }),
  };
}

function outputBytes({ plan }: LayerCase): number {
  return canonicalSize(plan.program.tensors[plan.program.output.tensor]!);
}

function wordsOf(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return [...new Uint32Array(padded.buffer)].map((word) => `0x${word.toString(16)}U`).join(",");
}
