/** What the steps of lowering share: the program under construction. */
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
import type { MapShape } from "./values.js";

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
  /** Float32 tensors as the framework has them (default), or in fixed point of 16 bits, which is another function. */
  readonly streams?: "float32" | "q16";
  /** Whether the input is given row by row. A signal is then given moment by moment. */
  readonly pushes?: boolean;
}

/** The state of one lowering. */
export interface Lowering {
  readonly graph: ModelGraph;
  readonly options: LoweringOptions;
  readonly diagnostics: Diagnostics;
  readonly tensors: ProgramTensor[];
  readonly instructions: Instruction[];
  /** What was computed for a value once and serves all its readers; keys are made by `once`. */
  readonly made: Map<object, Map<string, unknown>>;
}

export function addTensor(context: Lowering, name: string, shape: MapShape, domain: Domain): TensorId {
  return context.tensors.push({ name, shape, domain }) - 1;
}

/** What `make` returns the first time it is asked for this owner and form. */
export function once<T>(context: Lowering, owner: object, form: string, make: () => T): T {
  let forms = context.made.get(owner);
  if (forms === undefined) {
    forms = new Map();
    context.made.set(owner, forms);
  }
  if (!forms.has(form)) forms.set(form, make());
  return forms.get(form) as T;
}

/** Whether codes stand for −1 and +1. */
export function isBipolar({ bits, step, offset }: Omit<CodesDomain, "kind">): boolean {
  return bits === 1 && step === 2 && offset === -1;
}
