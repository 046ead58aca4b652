import type { DeviceProgram, Instruction, TensorId } from "../program/types.js";
import { inputsOf } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import type { Layout } from "./layout.js";

/** A `const` array of the generated weights file. */
export interface ConstantArray {
  /** Suffix of the C name, e.g. `weights`. */
  readonly name: string;
  readonly type: "uint32_t" | "int32_t" | "uint16_t" | "int16_t" | "uint8_t" | "int8_t" | "float";
  readonly values: ArrayLike<number>;
  /** What it holds, with its layout. */
  readonly layout: string;
}

/** Bytes of an element of a constant array. */
export const CONSTANT_BYTES: Readonly<Record<ConstantArray["type"], number>> = Object.freeze({
  uint32_t: 4,
  int32_t: 4,
  uint16_t: 2,
  int16_t: 2,
  uint8_t: 1,
  int8_t: 1,
  float: 4,
});

/** A field of a layer descriptor: a number, or the constant array of that name. */
export type DescriptorField = readonly [name: string, value: number | { readonly constant: string } | null];

/**
 * Steps of a `scale` descriptor: the one descriptor that holds an array of structs. Operands are constants.
 */
export interface DescriptorSteps {
  readonly steps: readonly {
    readonly operator: string;
    readonly operand: string | null;
    readonly perChannel: boolean;
    readonly perColumn: boolean;
    readonly perRow: boolean;
  }[];
}

/** One call of a runtime function with its data: how a kernel implements one or more instructions. */
export interface KernelCall {
  /** Runtime function: `fn(&layer, inputs, &output, scratch, y0, y1)`. */
  readonly function: string;
  /** Type of the layer descriptor. */
  readonly type: string;
  readonly fields: readonly DescriptorField[];
  readonly steps?: DescriptorSteps["steps"];
  readonly constants: readonly ConstantArray[];
  /** Whether the function returns a status. */
  readonly canFail: boolean;
  /** Runtime files needed, e.g. `bitloom_dense_b1.c`; `.S` files are assembled like sources. */
  readonly runtime: readonly string[];
}

/** One way to execute one or more instructions: a candidate of the plan. */
export interface KernelChoice {
  readonly kernel: string;
  /**
   * Indices of the instructions it implements, in order; the last one writes `output`. Empty for a change of
   * layout, whose input and output are one tensor.
   */
  readonly covers: readonly number[];
  readonly inputs: readonly TensorId[];
  /** Layout that each input must have. */
  readonly inputLayouts: readonly Layout[];
  readonly output: TensorId;
  readonly outputLayout: Layout;
  /**
   * Inputs over which the output may be written, as indices, where both are whole and calls make rows in ascending order: no
   * byte is overwritten that is read later. An output that is no larger begins where the input does, a larger one begins
   * lower by at least the bytes that it has more. None if absent.
   */
  readonly inPlace?: readonly number[];
  /** Bytes of working memory, needed during the call only; they begin at a word. */
  readonly scratchBytes: number;
  readonly call: KernelCall;
  /** Estimated executed instructions on the target core for the whole tensor, in all calls; orders candidates only. */
  readonly cost: number;
  /** How often each part of the work is done, where the cost is a weighted sum of that: what bench/fit.ts fits. */
  readonly work?: Readonly<Record<string, number>>;
}

/** One way to execute instructions. */
export interface Kernel {
  readonly name: string;
  readonly summary: string;
  /**
   * Whether `match` counts what calls of few rows cost and need. For other kernels `matches` adds a number of
   * instructions for each further call.
   */
  readonly countsRows?: true;
  /**
   * Every way in which the kernel can execute the instruction at `index`, alone or with those after it.
   *
   * @param rows The most output rows that one call is asked for; all of them if absent.
   */
  match(program: DeviceProgram, index: number, cpu: Cpu, rows?: number): readonly KernelChoice[];
}

/** The instruction at `index` if it has the wanted kind. */
export function instructionOf<K extends Instruction["kind"]>(
  program: DeviceProgram,
  index: number,
  kind: K,
): Extract<Instruction, { kind: K }> | undefined {
  const instruction = program.instructions[index];
  return instruction?.kind === kind ? (instruction as Extract<Instruction, { kind: K }>) : undefined;
}

type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** The threshold that follows as the only reader of an instruction's output: a pair that can be fused. */
export function followingReader(program: DeviceProgram, index: number): Threshold | undefined {
  const sums = program.instructions[index]!.output;
  const next = instructionOf(program, index + 1, "threshold");
  const readers = program.instructions.filter((i) => inputsOf(i).includes(sums)).length;
  return next?.input === sums && readers === 1 && program.output.tensor !== sums ? next : undefined;
}

/** The same where codes rise with sums and are stored as they are. */
export function followingThreshold(program: DeviceProgram, index: number): Threshold | undefined {
  const next = followingReader(program, index);
  return next?.flipped.includes(1) || next?.table !== undefined ? undefined : next;
}
