/** Random float32 programs of the kind that residual nets become: binary layers, and streams that run past them. */
import {
  type DeviceProgram,
  type Domain,
  type Instruction,
  outputSize,
  type ProgramTensor,
  type ScaleStep,
  type TensorId,
  type Window,
} from "../../src/program/index.js";
import { Random } from "./random-graph.js";

type Shape = ProgramTensor["shape"];

const SIGNS: Domain = { kind: "codes", bits: 1, step: 2, offset: -1 };
const F32: Domain = { kind: "scalar", type: "f32" };
const I32: Domain = { kind: "scalar", type: "i32" };

/** A float32 program with u8 inputs and a float32 vector as output. */
export function randomResidual(seed: number): DeviceProgram {
  return new Builder(new Random(seed)).program();
}

class Builder {
  readonly #random: Random;
  readonly #tensors: ProgramTensor[] = [];
  readonly #instructions: Instruction[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  program(): DeviceProgram {
    const random = this.#random;
    const side = random.integer(3, 7);
    const input = this.#tensor([side, side, random.integer(1, 4)], { kind: "scalar", type: "u8" });
    let stream = this.#stem(input);
    for (let block = random.integer(1, 5); block > 0; block--) stream = this.#block(stream);
    const [height, width, channels] = this.#shape(stream);
    const whole: Window = { kernel: [height, width], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
    const mean = this.#emit([1, 1, channels], F32, (output) => ({
      kind: "pool",
      operator: "sum",
      input: stream,
      output,
      window: whole,
    }));
    const divided = this.#scale(mean, [step("divide", [height * width])]);
    const output = this.#convFloat(divided, random.integer(2, 5), 1);
    return {
      name: "residual",
      tensors: this.#tensors,
      instructions: this.#instructions,
      input: { tensor: input, modelShape: [1, ...this.#shape(input)] },
      output: {
        tensor: output,
        affine: [],
        order: { kind: "float" },
        omitted: [],
        modelShape: [1, ...this.#shape(output)],
      },
    };
  }

  /** Bytes less a zero point, over a power of two or 255; then a float32 layer. */
  #stem(input: TensorId): TensorId {
    const random = this.#random;
    const steps = random.pick([
      [step("subtract", [128]), step("divide", [128])],
      [step("divide", [255])],
      [step("divide", [255]), step("subtract", [0.45]), step("divide", [0.23])],
    ]);
    return this.#scale(this.#convFloat(this.#scale(input, steps), random.integer(2, 6), 3), [
      step("multiply", [random.pick([0.1, 1, 40])]),
    ]);
  }

  /** One branch of a binary layer, and a shortcut that may be moved, pooled or convolved. */
  #block(stream: TensorId): TensorId {
    const random = this.#random;
    const [height, width, channels] = this.#shape(stream);
    const codes = this.#emit([height, width, channels], SIGNS, (output) => ({
      kind: "threshold",
      input: stream,
      output,
      levels: 1,
      thresholds: Int32Array.of(random.pick([0, -1, key(random.normal())])),
      flipped: Uint8Array.of(random.integer(0, 1)),
    }));
    const grows = random.next() < 0.4;
    const outputs = grows ? channels + random.integer(1, 3) : channels;
    const window = same(3);
    const inputs = 9 * channels;
    const sums = this.#emit([height, width, outputs], I32, (output) => ({
      kind: "conv",
      input: codes,
      output,
      window,
      groups: 1,
      padValue: 0,
      inputOffset: 0,
      weights: {
        ...{ outputs, inputs, bits: 1, step: 2, offset: -1 },
        codes: Uint8Array.from({ length: outputs * inputs }, () => random.integer(0, 1)),
      },
    }));
    const branch = this.#scale(sums, this.#norm(outputs));
    const sum = this.#emit([height, width, outputs], F32, (output) => ({
      kind: "add",
      inputs: [branch, grows ? this.#grown(stream, outputs) : this.#kept(stream)],
      output,
    }));
    return random.next() < 0.6 ? this.#scale(sum, this.#activation(outputs)) : sum;
  }

  /** A shortcut of as many channels. */
  #kept(stream: TensorId): TensorId {
    const random = this.#random;
    const [height, width, channels] = this.#shape(stream);
    if (random.next() < 0.5) return stream;
    const order = Int32Array.from({ length: channels }, () => random.integer(0, channels - 1));
    return random.pick([
      () =>
        this.#emit([height, width, channels], F32, (output) => ({
          kind: "select",
          ...{ input: stream, output, top: 0, left: 0, steps: [1, 1], channels: order },
        })),
      () =>
        this.#emit([height, width, channels], F32, (output) => ({
          kind: "pool",
          ...{ operator: random.pick(["maximum", "minimum"]), input: stream, output, window: same(3) },
        })),
    ])();
  }

  /** Zeros beside the channels, a float32 convolution, or channels of another branch. */
  #grown(stream: TensorId, outputs: number): TensorId {
    const random = this.#random;
    const [height, width, channels] = this.#shape(stream);
    const more = outputs - channels;
    return random.pick([
      () =>
        this.#emit([height, width, outputs], F32, (output) => ({
          kind: "pad",
          ...{
            input: stream,
            output,
            pads: [0, 0, 0, 0],
            channels: [0, more],
            fill: random.pick([0, 0, 1.625]),
          },
        })),
      () => this.#scale(this.#convFloat(stream, outputs, 1), this.#norm(outputs)),
      () => {
        const part = this.#convFloat(stream, more, random.pick([1, 3]));
        return this.#emit([height, width, outputs], F32, (output) => ({
          kind: "concat",
          inputs: [stream, part],
          output,
        }));
      },
    ])();
  }

  #norm(channels: number): ScaleStep[] {
    const random = this.#random;
    const numbers = (most: number): number[] =>
      Array.from({ length: channels }, () => (random.next() < 0.1 ? 0 : most * random.normal()));
    const size = random.pick([0.02, 1, 30]);
    return random.pick([
      [step("multiply", [size * (0.1 + random.next())])],
      [step("multiply", numbers(size)), step("add", numbers(size))],
      [step("subtract", numbers(size)), step("multiply", numbers(1)), step("add", numbers(size))],
    ]);
  }

  #activation(channels: number): ScaleStep[] {
    const random = this.#random;
    const slopes = Array.from({ length: random.pick([1, channels]) }, () =>
      random.pick([0.25, 0, -0.5, random.normal()]),
    );
    return random.pick<ScaleStep[]>([
      [step("relu", [])],
      [step("maximum", [-1]), step("minimum", [1])],
      [step("abs", [])],
      [step("prelu", slopes)],
      [step("add", [random.normal()]), step("prelu", slopes), step("subtract-from", [random.normal()])],
    ]);
  }

  #convFloat(input: TensorId, outputs: number, side: 1 | 3): TensorId {
    const random = this.#random;
    const [height, width, channels] = this.#shape(input);
    const window = same(side);
    const form = random.pick(["normal", "normal", "binary", "ternary"]);
    const weight = (): number => {
      if (form === "normal") return 0.3 * random.normal();
      return 0.37 * random.pick(form === "binary" ? [-1, 1] : [-1, 0, 1]);
    };
    const shape: Shape = [outputSize(height, window, 0), outputSize(width, window, 1), outputs];
    return this.#emit(shape, F32, (output) => ({
      kind: "conv-float",
      ...{ input, output, window, groups: 1 },
      weights: Float32Array.from({ length: outputs * side * side * channels }, weight),
    }));
  }

  #scale(input: TensorId, steps: readonly ScaleStep[]): TensorId {
    return this.#emit(this.#shape(input), F32, (output) => ({ kind: "scale", input, output, steps }));
  }

  #shape(id: TensorId): Shape {
    return this.#tensors[id]!.shape;
  }

  #emit(shape: Shape, domain: Domain, make: (output: TensorId) => Instruction): TensorId {
    const output = this.#tensor(shape, domain);
    this.#instructions.push(make(output));
    return output;
  }

  #tensor(shape: Shape, domain: Domain): TensorId {
    return this.#tensors.push({ name: `t${this.#tensors.length}`, shape, domain }) - 1;
  }
}

function step(operator: ScaleStep["operator"], operand: readonly number[]): ScaleStep {
  return { operator, operand: Float32Array.from(operand) };
}

function same(side: 1 | 3): Window {
  const pad = (side - 1) / 2;
  return { kernel: [side, side], stride: [1, 1], dilation: [1, 1], pads: [pad, pad, pad, pad] };
}

/** The order-preserving key of a float32. */
function key(x: number): number {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0]!;
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}
