/** What the steps of lowering share: the program under construction and what they hand to each other. */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import type {
  CodesDomain,
  Domain,
  InputAffine,
  Instruction,
  ProgramTensor,
  ScalarType,
  TensorId,
} from "../program/types.js";
import type { ChainStep } from "./chain.js";

export type InputType = Exclude<ScalarType, "i32">;

/** How the device gets its input. */
export interface InputFormat {
  readonly type: InputType;
  /** What stored integers stand for; absent for f32. */
  readonly affine?: InputAffine;
}

export interface LoweringOptions {
  /** By default u8 with value x/255 for images, f32 otherwise. */
  readonly input?: InputFormat;
  /** Integer scores with their affine (default), or the model's own float outputs. */
  readonly output?: "scores" | "float32";
}

/** The state of one lowering. */
export interface Lowering {
  readonly graph: ModelGraph;
  readonly options: LoweringOptions;
  readonly diagnostics: Diagnostics;
  readonly tensors: ProgramTensor[];
  readonly instructions: Instruction[];
}

/** Codes of the tensor that the next dense layer reads. */
export interface Codes {
  readonly tensor: TensorId;
  /** Real value = scale · integer value. */
  readonly scale: number;
  readonly least: number;
  readonly greatest: number;
}

/** Sums of a dense layer, and the float operations that follow them. */
export interface Layer {
  /** Distance between sums that can occur. */
  readonly stride: number;
  readonly output: TensorId;
  readonly ranges: readonly (readonly [number, number])[];
  readonly steps: readonly ChainStep[];
  readonly uncertainty: (channel: number) => number;
}

/** Adds a vector of the given length to the program. */
export function addTensor(context: Lowering, name: string, channels: number, domain: Domain): TensorId {
  return context.tensors.push({ name, shape: [1, 1, channels], domain }) - 1;
}

/** Whether codes stand for −1 and +1. */
export function isBipolar({ bits, step, offset }: Omit<CodesDomain, "kind">): boolean {
  return bits === 1 && step === 2 && offset === -1;
}
