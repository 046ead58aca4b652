/** Runs a net's library on this computer and on cores in QEMU, and compares every tensor with the device reference. */
import { join } from "node:path";
import type { CompiledModel } from "../../../src/compile.js";
import { BitloomError } from "../../../src/diagnostics/diagnostic.js";
import { type Emulator, hostEmulator, qemuEmulator, runVectors } from "../../../src/emulators/index.js";
import { Comparison, divergenceText, Expectations } from "../../../src/expectations.js";
import type { InputBatch } from "../../../src/inputs.js";
import type { TensorValues } from "../../../src/program/index.js";
import { compileTrace } from "../../../src/reference/device-fast.js";
import { findBoard } from "../../../src/targets/index.js";
import { temporaryFolder } from "../../../src/toolchain/at-exit.js";
import { buildFirmware, buildHost, type LibraryOnDisk } from "../../../src/toolchain/index.js";
import { writeLibrary } from "../../../src/verify.js";

/** Where libraries run: this computer, or a board that QEMU has. */
export const machines = {
  host: { emulator: hostEmulator, board: findBoard("mps2-an386") },
  M0: { emulator: qemuEmulator, board: findBoard("qemu-cortex-m0") },
  M4: { emulator: qemuEmulator, board: findBoard("mps2-an386") },
  M7: { emulator: qemuEmulator, board: findBoard("mps2-an500") },
} as const;

export type MachineName = keyof typeof machines;
export type Build = "flash" | "trace";

/** What differed, empty if nothing; "does not fit" where the machine's memories are too small. */
export async function runOn(
  name: MachineName,
  model: CompiledModel,
  inputs: readonly TensorValues[],
  builds: readonly Build[],
): Promise<string[]> {
  const folder = temporaryFolder("bitloom-method-");
  try {
    const library = writeLibrary(model, join(folder.path, "library"));
    const problems: string[] = [];
    for (const build of builds) {
      const image = await imageOf(name, library, join(folder.path, build), build === "trace");
      if (image === undefined) return ["does not fit"];
      const found = await compare(name, image, model, inputs, build);
      problems.push(...found.map((text) => `${name}, ${build} build: ${text}`));
    }
    return problems;
  } finally {
    folder.remove();
  }
}

/** Inputs of the device; what they stand for is not asked for here. */
export function batchOf(inputs: readonly TensorValues[]): InputBatch {
  return { count: inputs.length, stored: (index) => inputs[index]!, real: () => new Float32Array(0) };
}

async function imageOf(
  name: MachineName,
  library: LibraryOnDisk,
  outDir: string,
  trace: boolean,
): Promise<string | undefined> {
  if (name === "host") return (await buildHost({ library, outDir, trace })).program;
  const { board, emulator } = machines[name];
  const { link }: Emulator = emulator;
  try {
    return (await buildFirmware({ library, board, outDir, trace, link })).elf;
  } catch (error) {
    if (error instanceof BitloomError && error.diagnostics[0]?.code === "toolchain/does-not-fit")
      return undefined;
    throw error;
  }
}

async function compare(
  name: MachineName,
  image: string,
  { program, library }: CompiledModel,
  inputs: readonly TensorValues[],
  build: Build,
): Promise<string[]> {
  const { emulator, board } = machines[name];
  const expected = new Expectations(program, batchOf(inputs), compileTrace(program));
  const comparison = new Comparison(program, expected);
  const machine = await emulator.start(image, board);
  for await (const result of runVectors(machine, expected.inputs, { modelCrc: library.modelCrc }))
    comparison.add(result);
  const { failedVectors, divergence } = comparison.verdict(build === "trace");
  return [
    ...(failedVectors === 0 ? [] : [`${failedVectors} of ${inputs.length} inputs differ`]),
    ...(divergence === undefined ? [] : [divergenceText(divergence)]),
  ];
}
