/**
 * The proof: a generated library is built for a machine, fed with inputs, and everything it answers is
 * compared with the device reference, bit for bit. Two builds are checked: the one that would be flashed, by
 * its outputs, and a trace build, by a hash of every program tensor, which names the first layer that differs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Check, checksOf, exceededStacks, type Problem } from "./checks.js";
import type { CompiledModel } from "./compile.js";
import { BitloomError, type Diagnostic } from "./diagnostics/diagnostic.js";
import { type Hello, type Machine, runVectors, type VectorResult, type Verdict } from "./emulators/index.js";
import { type Compared, Comparison, divergenceText, Expectations } from "./expectations.js";
import type { InputBatch } from "./inputs.js";
import type { Plan } from "./plan/index.js";
import { isArmv6M } from "./targets/index.js";
import { checkArmv6M } from "./toolchain/armv6m.js";
import { temporaryFolder } from "./toolchain/at-exit.js";
import { type Elf, readElf } from "./toolchain/elf.js";
import type { Firmware } from "./toolchain/firmware.js";
import type { LibraryOnDisk } from "./toolchain/library.js";
import { type EntryStack, entryStacks, libraryStack } from "./toolchain/library-stack.js";
import {
  type BuildName,
  flashImageOf,
  type Image,
  type ImageOptions,
  type NotChecked,
  traceImageOf,
} from "./verify-images.js";

export interface VerifyOptions extends ImageOptions {
  /** Milliseconds that one run may take. */
  readonly timeoutMs?: number;
  readonly onProgress?: (message: string) => void;
  /** A library on disk to check instead of the model's own: tests corrupt it. */
  readonly library?: LibraryOnDisk;
}

export interface BuildVerdict extends Compared {
  readonly build: BuildName;
  /** What went wrong other than differing bits: a fault, a time-out, a failed self-test. */
  readonly problems: readonly string[];
  /** The same, one check at a time. */
  readonly checks: readonly Check[];
  /** What the user should know all the same. */
  readonly notes?: readonly string[];
  readonly seconds: number;
}

export interface Verification {
  readonly emulator: string;
  readonly board: string;
  /** Whether every check that could be made held: see `notChecked`. */
  readonly passed: boolean;
  readonly builds: readonly BuildVerdict[];
  /** Builds that do not fit the machine: nothing is known of them. The one that would be flashed is never among them. */
  readonly notChecked: readonly NotChecked[];
  /** The image for the board that was asked for; absent on the host. */
  readonly firmware?: Pick<Firmware, "flashBytes" | "ramBytes" | "library"> & {
    /** Worst-case stack of the library's functions; empty where there is no bound, which is a problem of the build. */
    readonly stack: readonly EntryStack[];
    /** That of `name_run`; 0 where there is no bound. */
    readonly stackBytes: number;
  };
  readonly seconds: number;
}

/** Builds, runs and compares. Throws only for missing tools and images that do not build. */
export async function verifyModel(
  model: CompiledModel,
  batch: InputBatch,
  options: VerifyOptions,
): Promise<Verification> {
  const started = performance.now();
  const folder = temporaryFolder("bitloom-verify-");
  try {
    const library = options.library ?? writeLibrary(model, join(folder.path, "library"));
    const expected = new Expectations(model.program, batch);
    options.onProgress?.("building (flash)");
    const flash = await flashImageOf(library, options, folder.path);
    const stack = await stackOf(library, flash);
    const builds = [await checkBuild("flash", flash, model, expected, { ...options, stack })];
    options.onProgress?.("building (trace)");
    const trace = await traceImageOf(library, options, folder.path);
    if ("path" in trace) builds.push(await checkBuild("trace", trace, model, expected, options));
    const firmware = flash.own ?? flash.firmware;
    return {
      emulator: options.emulator.id,
      board: options.emulator.id === "host" ? "host" : options.board.id,
      passed: builds.every(hasPassed),
      builds,
      notChecked: "path" in trace ? [] : [trace],
      ...(firmware === undefined ? {} : { firmware: { ...firmware, ...stackFields(stack) } }),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    folder.remove();
  }
}

/** Bounds of the build that would be flashed, or why it has none. */
interface StackBounds {
  readonly entries: readonly EntryStack[];
  readonly problems: readonly Problem[];
}

async function stackOf(library: LibraryOnDisk, { firmware, own = firmware }: Image): Promise<StackBounds> {
  if (own === undefined) return { entries: [], problems: [] };
  try {
    return { entries: entryStacks(await libraryStack(library, own), library.name), problems: [] };
  } catch (error) {
    if (!(error instanceof BitloomError) || error.exitCode !== 1) throw error;
    return { entries: [], problems: error.diagnostics.map((d) => ({ check: "stack", text: d.message })) };
  }
}

function stackFields({ entries }: StackBounds) {
  return { stack: entries, stackBytes: entries.find((e) => e.entry === "run")?.bytes ?? 0 };
}

export interface FlashedOptions extends Pick<VerifyOptions, "board" | "timeoutMs" | "onProgress"> {
  /** Reaches the board, which runs the harness with this model already; gets the bytes of one input. */
  readonly connect: (inputBytes: number) => Promise<Machine>;
}

/**
 * Runs the inputs on a board that was flashed before, and compares. Nothing is built: which build it is, the board says.
 * Throws only where the board cannot be reached.
 */
export async function verifyFlashed(
  model: CompiledModel,
  batch: InputBatch,
  { connect, board, timeoutMs, onProgress }: FlashedOptions,
): Promise<Verification> {
  const started = performance.now();
  const expected = new Expectations(model.program, batch);
  const machine = await connect(expected.inputs[0]?.length ?? 0);
  const build = await checkMachine(async () => machine, model, expected, {
    board,
    isLine: true,
    searched: false,
    known: [],
    modelCrc: model.library.modelCrc,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return {
    emulator: SERIAL,
    board: board.id,
    passed: hasPassed(build),
    builds: [build],
    notChecked: [],
    seconds: (performance.now() - started) / 1000,
  };
}

function hasPassed(build: BuildVerdict): boolean {
  return build.failedVectors === 0 && build.problems.length === 0 && build.divergence === undefined;
}

/** Writes the library's files into a new folder. */
export function writeLibrary(model: CompiledModel, dir: string): LibraryOnDisk {
  mkdirSync(dir, { recursive: true });
  for (const { path, text } of model.library.files) writeFileSync(join(dir, path), text);
  return { dir, name: model.library.name, sources: model.library.sources };
}

/** Emulators run some instructions that a Cortex-M0 lacks, so its images are disassembled as well. */
async function foreignInstructions(elf: string): Promise<Problem[]> {
  const violations = await checkArmv6M(elf);
  return violations.map((v) => ({
    check: "instruction-set",
    text: `${v.symbol}: ${v.instruction} at 0x${v.address.toString(16)} is not in Armv6-M`,
  }));
}

async function checkBuild(
  build: BuildVerdict["build"],
  { path, firmware, own = firmware }: Image,
  model: CompiledModel,
  expected: Expectations,
  options: VerifyOptions & { readonly stack?: StackBounds },
): Promise<BuildVerdict> {
  const { emulator, board, target = board, timeoutMs, onProgress, stack } = options;
  const searched = own !== undefined && isArmv6M(board.cpu);
  const isElsewhere = target.id !== board.id && own === firmware;
  return checkMachine(() => emulator.start(path, board), model, expected, {
    board: target,
    build,
    ...(isElsewhere ? { standIn: board.id } : {}),
    isLine: emulator.id === SERIAL,
    searched,
    known: [...(searched ? await foreignInstructions(own.elf) : []), ...(stack?.problems ?? [])],
    ...(stack === undefined ? {} : { stack: stack.entries }),
    ...(own === undefined ? {} : { firmware: own, elf: await readElf(path) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

/** Id of targets at the end of a serial line. */
export const SERIAL = "serial";

interface CheckOptions extends Pick<VerifyOptions, "board" | "timeoutMs" | "onProgress"> {
  /** Which build runs; undefined where the machine is to say it. */
  readonly build?: BuildVerdict["build"];
  /** Whether bytes travel over a real line: frames that were damaged and sent again are worth a note then, not a problem. */
  readonly isLine: boolean;
  /** The image for the board, where it was built here and is no program of this machine. */
  readonly firmware?: Firmware;
  /** The stand-in, of an image that was linked for it alone. */
  readonly standIn?: string;
  /** The image that runs. */
  readonly elf?: Elf;
  /** Whether the image was searched for instructions that the core lacks. */
  readonly searched: boolean;
  /** Worst-case stack of the image's functions, where it is known. */
  readonly stack?: readonly EntryStack[];
  /** Problems that the image itself shows. */
  readonly known: readonly Problem[];
  /** The model that must run; another one is a problem among others by default. */
  readonly modelCrc?: number;
}

/** What a machine tells while it runs. */
interface Heard {
  build: BuildVerdict["build"];
  introduced: boolean;
  verdict: Verdict | undefined;
  readonly problems: Problem[];
}

/** Runs every input on a machine and compares. */
async function checkMachine(
  start: () => Promise<Machine>,
  model: CompiledModel,
  expected: Expectations,
  options: CheckOptions,
): Promise<BuildVerdict> {
  const began = performance.now();
  const comparison = new Comparison(model.program, expected);
  const heard: Heard = {
    build: options.build ?? "flash",
    introduced: false,
    verdict: undefined,
    problems: [...options.known],
  };
  try {
    const machine = await start();
    for await (const result of listen(machine, model, expected, options, heard)) comparison.add(result);
  } catch (error) {
    if (!(error instanceof BitloomError) || error.exitCode !== 1) throw error;
    heard.problems.push(...error.diagnostics.map(runProblem));
  }
  return { ...verdictOf(comparison, options, heard), seconds: (performance.now() - began) / 1000 };
}

function listen(
  machine: Machine,
  model: CompiledModel,
  { inputs }: Expectations,
  options: CheckOptions,
  heard: Heard,
): AsyncIterable<VectorResult> {
  const { timeoutMs, elf, modelCrc, isLine } = options;
  return runVectors(machine, inputs, {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(elf === undefined ? {} : { elf }),
    ...(modelCrc === undefined ? {} : { modelCrc }),
    allowFailedSelftest: true,
    onHello: (hello) => {
      heard.introduced = true;
      if (options.build === undefined) heard.build = hello.trace ? "trace" : "flash";
      heard.problems.push(...helloProblems(hello, model));
    },
    onProgress: (done, total) => options.onProgress?.(`${heard.build} build: ${done}/${total}`),
    onVerdict: (verdict) => {
      heard.verdict = verdict;
      const { rejectedFrames } = verdict;
      heard.problems.push(...exceededStacks(verdict, options.stack ?? []));
      if (rejectedFrames > 0 && !isLine)
        heard.problems.push({ check: "outputs", text: `${rejectedFrames} frames were damaged on the way` });
    },
  });
}

function verdictOf(
  comparison: Comparison,
  { board, firmware, standIn, searched, isLine, stack }: CheckOptions,
  { build, introduced, verdict, problems }: Heard,
): Omit<BuildVerdict, "seconds"> {
  const compared = comparison.verdict(build === "trace");
  const divergence = compared.divergence && divergenceText(compared.divergence);
  const rejected = isLine ? (verdict?.rejectedFrames ?? 0) : 0;
  const checks = checksOf({
    ...compared,
    divergence,
    board,
    firmware,
    standIn,
    searched,
    started: introduced,
    verdict,
    stack,
    problems,
  });
  return {
    build,
    ...compared,
    problems: problems.map((p) => p.text),
    checks,
    ...(rejected === 0
      ? {}
      : {
          notes: [`the board has refused ${rejected} damaged frames since its reset; they were sent again`],
        }),
  };
}

/** What ended a run is the self-test's, the stack's or the outputs' failure. */
function runProblem({ code, message }: Diagnostic): Problem {
  const check =
    code === "emulator/selftest" ? "self-test" : code === "emulator/stack-overflow" ? "stack" : "outputs";
  return { check, text: message };
}

function helloProblems(hello: Hello, { library, program, plan }: CompiledModel): Problem[] {
  const problems: string[] = [];
  if (hello.modelCrc !== library.modelCrc) problems.push("the firmware reports another model's checksum");
  if (hello.tensorCount !== program.tensors.length)
    problems.push("the firmware has another number of tensors");
  if (hello.selftestStatus !== 0)
    problems.push(`the self-test failed: ${selftestText(hello.selftestStatus, plan)}`);
  return problems.map((text) => ({ check: "self-test", text }));
}

/** BITLOOM_ERROR_LAYER(n) of runtime-c/bitloom_runtime.h. */
const FIRST_LAYER_STATUS = -16;

function selftestText(status: number, plan: Plan): string {
  if (status > FIRST_LAYER_STATUS)
    return status === -3 ? "a known answer came out differently" : `status ${status}`;
  const step = plan.steps[FIRST_LAYER_STATUS - status];
  const layer =
    step === undefined ? "the output's constants" : `layer ${plan.program.tensors[step.choice.output]!.name}`;
  return `weights or thresholds of ${layer} are not the ones that were generated`;
}
