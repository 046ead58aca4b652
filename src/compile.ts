/**
 * The whole way from a model file to C text, without touching the disk: what `bitloom compile` does and
 * what programs that embed bitloom call.
 */
import { readFileSync } from "node:fs";
import { packageFile } from "./assets/package-files.js";
import { BitloomError, type Diagnostic, fail } from "./diagnostics/diagnostic.js";
import { checkedName, emitLibrary, type KnownAnswer, type Library, nameFrom } from "./emit/index.js";
import { type ReadOptions, readModel } from "./formats/index.js";
import type { ModelGraph } from "./graph/types.js";
import { type LoweringOptions, lowerGraph } from "./passes/registry.js";
import type { Streams } from "./passes/streams.js";
import { type Goal, type Plan, planProgram, verifyPlan } from "./plan/index.js";
import {
  canonicalBytes,
  canonicalSize,
  type DeviceProgram,
  elementCount,
  type TensorValues,
  workOf,
} from "./program/index.js";
import { compileDevice } from "./reference/device-fast.js";
import { type Cpu, findCpu } from "./targets/index.js";

export interface CompileOptions extends LoweringOptions, ReadOptions {
  /** Prefix of every C symbol and file; by default made from the file's name. */
  readonly name?: string;
  /** Core that kernels are chosen for, `DEFAULT_CPU` by default. The generated C runs on every core. */
  readonly cpu?: Cpu;
  /** What the plan is to be good for; speed by default. */
  readonly goal?: Goal;
  /** Bytes of the arena at most. */
  readonly ramLimit?: number;
  /** Bytes of several memories at most, in place of one arena: the first is filled first. */
  readonly banks?: readonly number[];
  /** Whether the rows that are given never end: every output follows from the last ones. Needs `pushes`. */
  readonly endless?: boolean;
  /** Measured instructions of kernels: see `tuning/lock-file.ts`. */
  readonly measured?: ReadonlyMap<string, number>;
  /** Sees the state after each stage: `import`, the passes by name, `plan`. */
  readonly observe?: (stage: string, state: ModelGraph | DeviceProgram | Plan) => void;
}

/** Core that kernels are chosen for where none is named. */
export const DEFAULT_CPU = "cortex-m4";

export interface CompiledModel {
  readonly graph: ModelGraph;
  /** With its instructions in the plan's order, some of them twice where the plan makes results again. */
  readonly program: DeviceProgram;
  /** Where it does, the program that makes everything once. */
  readonly once?: DeviceProgram;
  readonly plan: Plan;
  readonly library: Library;
  /** Warnings and notes; errors are thrown as BitloomError. */
  readonly diagnostics: readonly Diagnostic[];
  /** What became fixed point with `streams: "q16"`, and how far it can be from the model. */
  readonly streams?: Streams;
}

/** bitloom's own version, from package.json. */
export const version: string = (
  JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string }
).version;

/**
 * Reads, lowers, plans and emits a model. `fileName` serves messages and the default name only; files that the model
 * names come from `options.companions`.
 */
export function compileModelFile(
  bytes: Uint8Array,
  fileName: string,
  options: CompileOptions = {},
): CompiledModel {
  const name = options.name === undefined ? nameFrom(fileName) : checkedName(options.name);
  const graph = readModel(bytes, fileName, options);
  options.observe?.("import", graph);
  const { program: lowered, diagnostics, streams } = lowerGraph(graph, options, options.observe);
  const cpu = options.cpu ?? findCpu(DEFAULT_CPU);
  const { goal = "speed", measured = new Map<string, number>(), ramLimit, banks, pushes, endless } = options;
  const plan = planProgram(lowered, {
    ...{ cpu, goal, measured },
    ...(ramLimit === undefined ? {} : { ramLimit }),
    ...(banks === undefined ? {} : { banks }),
    ...(pushes === undefined ? {} : { pushes }),
    ...(endless === undefined ? {} : { endless }),
  });
  const { program } = plan;
  verifyPlan(plan);
  options.observe?.("plan", plan);
  const answers = knownAnswers(program);
  if (answers.length === 0) {
    diagnostics.note("compile/self-test", "the self-test checks constants only, since the model is large", {
      remedy: "`bitloom verify` compares outputs",
    });
  }
  const arch = cpu.gccFlags.join(" ");
  const library = emitLibrary(plan, { name, version, arch, knownAnswers: answers });
  return {
    graph,
    program,
    ...(program.instructions.length > lowered.instructions.length ? { once: lowered } : {}),
    plan,
    library,
    diagnostics: diagnostics.all,
    ...(streams === undefined ? {} : { streams }),
  };
}

/** Steps of the reference that known answers may take together: one or two seconds. */
const ANSWER_WORK = 2 ** 27;
/** Bytes of flash that their inputs may take together. */
const ANSWER_BYTES = 2 ** 20;

/**
 * Known answers are kept in flash with the self-test: one for wide float inputs, two otherwise, fewer or none for large
 * models.
 */
function knownAnswers(program: DeviceProgram): KnownAnswer[] {
  const input = program.tensors[program.input.tensor]!;
  const count = elementCount(input);
  const type = input.domain.kind === "scalar" ? input.domain.type : "u8";
  const random = xorshift32(0x6b17_1003);
  const affordable = Math.min(ANSWER_WORK / workOf(program), ANSWER_BYTES / canonicalSize(input));
  const device = compileDevice(program);
  return Array.from({ length: Math.min(type === "f32" ? 1 : 2, Math.floor(affordable)) }, () => {
    const values = randomInput(type, count, random);
    const output = finiteOutput(device, values);
    return {
      input: canonicalBytes(input, values),
      output: canonicalBytes(program.tensors[program.output.tensor]!, output),
    };
  });
}

/** Layers that compute infinities of an ordinary input compute nothing of use: their float weights are damaged. */
function finiteOutput(device: (input: TensorValues) => TensorValues, input: TensorValues): TensorValues {
  try {
    return device(input);
  } catch (error) {
    if (!(error instanceof BitloomError) || error.diagnostics[0]?.code !== "input/not-finite") throw error;
    throw fail("compile/overflow", "a layer computes infinities of an ordinary input", {
      remedy: "its float weights are too large: the training may have diverged",
    });
  }
}

/** Inputs over the type's whole range; floats have both signs and a size around 1. */
export function randomInput(type: string, count: number, random: () => number): TensorValues {
  if (type === "f32") return Float32Array.from({ length: count }, () => (random() / 2 ** 31 - 1) * 2);
  const [low, size] = type === "u8" ? [0, 256] : type === "i8" ? [-128, 256] : [-32768, 65536];
  return Int32Array.from({ length: count }, () => low + (random() % size));
}

/** Marsaglia's xorshift generator: small, seedable, the same everywhere. */
export function xorshift32(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
