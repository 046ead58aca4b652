/** Graphs written by hand, for tests of single rules. */
import type {
  FloatTensor,
  GraphNode,
  GraphOp,
  GraphValue,
  ModelGraph,
  Quantizer,
  Shape,
  WeightTensor,
  Window,
} from "../../src/graph/types.js";
import { mapShape, mapSize, windowPositions } from "../../src/graph/window.js";

/** A value of the graph under construction; operations return the value that they make. */
export class SmallGraph {
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();

  constructor(readonly inputShape: Shape) {
    this.#values.set("input", { name: "input", shape: inputShape, dtype: "float32" });
  }

  /** Adds a node named like its operation; without `inputs` it reads the last value. */
  add(op: GraphOp, shape?: Shape, inputs?: readonly string[]): string {
    const from = inputs ?? [this.#nodes.at(-1)?.output ?? "input"];
    const output = `v${this.#nodes.length}`;
    this.#nodes.push({ name: `${op.kind}_${this.#nodes.length}`, op, inputs: from, output });
    this.#values.set(output, { name: output, shape: shape ?? this.shapeOf(from[0]!), dtype: "float32" });
    return output;
  }

  shapeOf(value: string): Shape {
    return this.#values.get(value)!.shape;
  }

  get last(): string {
    return this.#nodes.at(-1)?.output ?? "input";
  }

  /** A ±1 convolution, weights from a fixed pattern. */
  conv(
    outputs: number,
    options: {
      readonly window?: Partial<Window>;
      readonly groups?: number;
      readonly padValue?: number;
      readonly from?: string;
      readonly scale?: number;
    } = {},
  ): string {
    const from = options.from ?? this.last;
    const shape = this.shapeOf(from);
    const map = mapSize(shape)!;
    const window = windowOf(options.window);
    const groups = options.groups ?? 1;
    const weights = patternWeights([outputs, map.channels / groups, ...window.kernel], options.scale ?? 1);
    const [height, width] = [windowPositions(window, map.height, 0), windowPositions(window, map.width, 1)];
    const op: GraphOp = { kind: "conv", weights, window, groups, padValue: options.padValue ?? 0 };
    return this.add(op, mapShape(shape.length, { channels: outputs, height, width }), [from]);
  }

  dense(outputs: number): string {
    const inputs = this.shapeOf(this.last).at(-1)!;
    return this.add({ kind: "dense", weights: patternWeights([inputs, outputs], 1) }, [1, outputs]);
  }

  maxPool(size: number, from = this.last): string {
    const shape = this.shapeOf(from);
    const map = mapSize(shape)!;
    const window = windowOf({ kernel: [size, size], stride: [size, size] });
    const [height, width] = [windowPositions(window, map.height, 0), windowPositions(window, map.width, 1)];
    return this.add({ kind: "max-pool", window }, mapShape(shape.length, { ...map, height, width }), [from]);
  }

  sign(from = this.last): string {
    return this.add({ kind: "quantize", quantizer: SIGN }, undefined, [from]);
  }

  uniform(bits: number, scale = 1, from = this.last): string {
    const quantizer: Quantizer = {
      kind: "uniform",
      scale: single(scale),
      zeroPoint: single(0),
      qmin: 0,
      qmax: 2 ** bits - 1,
      rounding: "half-even",
    };
    return this.add({ kind: "quantize", quantizer }, undefined, [from]);
  }

  /** `x · factor[c]` per channel of axis 1. */
  multiply(factors: readonly number[], from = this.last): string {
    const rank = this.shapeOf(from).length;
    const shape = [factors.length, ...Array<number>(rank - 2).fill(1)];
    const operand: FloatTensor =
      factors.length === 1 ? single(factors[0]!) : { shape, data: Float32Array.from(factors) };
    return this.add({ kind: "arithmetic", operator: "multiply", operand, reversed: false }, undefined, [
      from,
    ]);
  }

  flatten(): string {
    const elements = this.shapeOf(this.last).reduce((a, b) => a * b, 1);
    return this.add({ kind: "reshape" }, [1, elements]);
  }

  transpose(permutation: readonly number[]): string {
    const shape = this.shapeOf(this.last);
    return this.add(
      { kind: "transpose", permutation },
      permutation.map((axis) => shape[axis]!),
    );
  }

  get graph(): ModelGraph {
    return {
      name: "small graph",
      origin: { format: "test", version: "", producer: "" },
      nodes: this.#nodes,
      values: this.#values,
      inputs: ["input"],
      outputs: [this.last],
    };
  }
}

export const SIGN: Quantizer = { kind: "bipolar", scale: single(1), signOfZero: 1 };

export function single(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

export function windowOf(parts: Partial<Window> = {}): Window {
  return { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], ...parts };
}

function patternWeights(shape: Shape, scale: number): WeightTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const codes = Int32Array.from({ length }, (_, i) => ((i * 7 + (i >> 2)) % 5 < 2 ? -1 : 1));
  const data = Float32Array.from(codes, (c) => c * scale);
  const scales = { shape: shape.map(() => 1), data: Float32Array.of(scale) };
  return { shape, data, quantized: { codes, scale: scales } };
}
