import type { DeviceProgram, Instruction, TensorId } from "../program/types.js";

/** A `const` array of the generated weights file. */
export interface ConstantArray {
  /** Suffix of the C name, e.g. `weights`. */
  readonly name: string;
  readonly type: "uint32_t" | "int32_t" | "int16_t" | "uint8_t" | "float";
  readonly values: ArrayLike<number>;
  /** What it holds, with its layout. */
  readonly layout: string;
}

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
  }[];
}

/** One call of a runtime function with its data: how a kernel implements one or more instructions. */
export interface KernelCall {
  /** Runtime function: `fn(&layer, &input, &output, y0, y1)`. */
  readonly function: string;
  /** Type of the layer descriptor. */
  readonly type: string;
  readonly fields: readonly DescriptorField[];
  readonly steps?: DescriptorSteps["steps"];
  readonly constants: readonly ConstantArray[];
  /** Whether the function returns a status. */
  readonly canFail: boolean;
  /** Runtime files needed, e.g. `bitloom_dense_b1.c`. */
  readonly runtime: readonly string[];
}

export interface KernelChoice {
  readonly kernel: string;
  /** Indices of the instructions it implements, in order; the last one writes `output`. */
  readonly covers: readonly number[];
  readonly input: TensorId;
  readonly output: TensorId;
  readonly call: KernelCall;
  /** Estimated executed instructions for the whole tensor (not measured; orders candidates only). */
  readonly cost: number;
}

/** One way to execute instructions. */
export interface Kernel {
  readonly name: string;
  readonly summary: string;
  /** The kernel's choice for the instruction at `index`, if it matches. */
  match(program: DeviceProgram, index: number): KernelChoice | undefined;
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

/** The threshold that follows a dense instruction as the only reader of its sums: a pair that can be fused. */
export function followingThreshold(
  program: DeviceProgram,
  index: number,
): Extract<Instruction, { kind: "threshold" }> | undefined {
  const sums = program.instructions[index]!.output;
  const next = instructionOf(program, index + 1, "threshold");
  const readers = program.instructions.filter((i) => i.input === sums).length;
  const isFused = next?.input === sums && readers === 1 && program.output.tensor !== sums;
  return isFused && !next.flipped.includes(1) ? next : undefined;
}
