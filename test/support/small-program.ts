/** Small device programs by hand, for tests of passes, and what passes must keep. */
import { expect } from "vitest";
import {
  type DeviceProgram,
  type Domain,
  type Instruction,
  type ProgramTensor,
  type ScalarType,
  type ScaleStep,
  type TensorId,
  verifyProgram,
} from "../../src/program/index.js";
import { traceDevice } from "../../src/reference/device.js";
import { Random } from "./random-graph.js";
import { randomValues } from "./random-program.js";

type Shape = ProgramTensor["shape"];
const BIPOLAR: Domain = { kind: "codes", bits: 1, step: 2, offset: -1 };
const scalar = (type: ScalarType): Domain => ({ kind: "scalar", type });

/** Instructions one after another; the last one's output is the program's. Tensors are named %0, %1, … */
export class SmallProgram {
  readonly #tensors: ProgramTensor[];
  readonly #instructions: Instruction[] = [];
  #program: DeviceProgram | undefined;

  constructor(shape: Shape, type: ScalarType) {
    this.#tensors = [{ name: "%0", shape, domain: scalar(type) }];
  }

  get program(): DeviceProgram {
    this.#program ??= this.#verified();
    return this.#program;
  }

  #verified(): DeviceProgram {
    const tensor = this.#tensors.length - 1;
    const program: DeviceProgram = {
      name: "small",
      tensors: this.#tensors,
      instructions: this.#instructions,
      input: { tensor: 0, modelShape: [1, ...this.#shape(0)] },
      output: {
        tensor,
        affine: [],
        order: { kind: "scores" },
        omitted: [],
        modelShape: [1, ...this.#shape(tensor)],
      },
    };
    verifyProgram(program);
    return program;
  }

  /** A threshold of one level; one row for all channels unless there are more keys. */
  threshold(input: TensorId, keys: readonly number[] = [0], flipped: readonly number[] = []): TensorId {
    return this.#emit(this.#shape(input), BIPOLAR, (output) => ({
      kind: "threshold",
      input,
      output,
      levels: 1,
      thresholds: Int32Array.from(keys),
      flipped: Uint8Array.from(keys, (_, i) => flipped[i] ?? 0),
    }));
  }

  /** A 3 × 3 convolution by ±1 that keeps the size. */
  conv(input: TensorId, outputs: number, seed = 1): TensorId {
    const random = new Random(seed);
    const [height, width, channels] = this.#shape(input);
    const codes = Uint8Array.from({ length: 9 * channels * outputs }, () => random.integer(0, 1));
    return this.#emit([height, width, outputs], scalar("i32"), (output) => ({
      kind: "conv",
      input,
      output,
      weights: { outputs, inputs: 9 * channels, bits: 1, step: 2, offset: -1, codes },
      window: { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1, 1, 1, 1] },
      groups: 1,
      padValue: 0,
      inputOffset: 0,
    }));
  }

  scale(input: TensorId, ...steps: readonly (readonly [ScaleStep["operator"], ...number[]])[]): TensorId {
    return this.#emit(this.#shape(input), scalar("f32"), (output) => ({
      kind: "scale",
      input,
      output,
      steps: steps.map(([operator, ...operand]) => ({ operator, operand: Float32Array.from(operand) })),
    }));
  }

  concat(...inputs: readonly TensorId[]): TensorId {
    const [height, width] = this.#shape(inputs[0]!);
    const channels = inputs.reduce((sum, id) => sum + this.#shape(id)[2], 0);
    const { domain } = this.#tensors[inputs[0]!]!;
    return this.#emit([height, width, channels], domain, (output) => ({ kind: "concat", inputs, output }));
  }

  select(input: TensorId, channels: readonly number[]): TensorId {
    const [height, width] = this.#shape(input);
    return this.#emit([height, width, channels.length], this.#tensors[input]!.domain, (output) => ({
      kind: "select",
      input,
      output,
      top: 0,
      left: 0,
      steps: [1, 1],
      channels: Int32Array.from(channels),
    }));
  }

  add(a: TensorId, b: TensorId): TensorId {
    const { shape, domain } = this.#tensors[a]!;
    return this.#emit(shape, domain, (output) => ({ kind: "add", inputs: [a, b], output }));
  }

  /** Of two float32 tensors; a side of the second may be 1. */
  multiply(a: TensorId, b: TensorId): TensorId {
    const { shape, domain } = this.#tensors[a]!;
    return this.#emit(shape, domain, (output) => ({
      kind: "pairwise",
      operator: "multiply",
      inputs: [a, b],
      output,
    }));
  }

  /** The sum of all elements. */
  reduce(input: TensorId): TensorId {
    const { domain } = this.#tensors[input]!;
    return this.#emit([1, 1, 1], domain, (output) => ({ kind: "reduce", over: "all", input, output }));
  }

  /** Over 2 × 2 elements. */
  pool(input: TensorId, operator: "maximum" | "sum" = "maximum"): TensorId {
    const { shape, domain } = this.#tensors[input]!;
    const size = shape.map((n, axis) => (axis < 2 ? Math.floor(n / 2) : n)) as unknown as Shape;
    return this.#emit(size, domain, (output) => ({
      kind: "pool",
      operator,
      input,
      output,
      window: { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], pads: [0, 0, 0, 0] },
    }));
  }

  #shape(id: TensorId): Shape {
    return this.#tensors[id]!.shape;
  }

  #emit(shape: Shape, domain: Domain, make: (output: TensorId) => Instruction): TensorId {
    const id = this.#tensors.push({ name: `%${this.#tensors.length}`, shape, domain }) - 1;
    this.#instructions.push(make(id));
    return id;
  }
}

/** Verifies a pass's result and expects its output to be that of the program before, on two inputs. */
export function expectSameProgram(before: DeviceProgram, after: DeviceProgram, seed = 1): void {
  verifyProgram(after);
  const random = new Random(seed);
  for (let i = 0; i < 2; i++) {
    const input = randomValues(random, before.tensors[before.input.tensor]!);
    const [wanted, found] = [before, after].map((p) => traceDevice(p, input)[p.output.tensor]);
    expect(found).toEqual(wanted);
  }
}

/** Instructions as text: kind, type of the output, and its channels. */
export function outline({ tensors, instructions }: DeviceProgram): readonly string[] {
  return instructions.map(({ kind, output }) => {
    const { domain, shape } = tensors[output]!;
    return `${kind} ${domain.kind === "codes" ? "codes" : domain.type} ${shape[2]}`;
  });
}
