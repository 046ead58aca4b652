/**
 * Random dense nets as ModelGraphs, with the parameters that break careless lowerings: factors of both signs
 * and zero, exact ties, thresholds out of reach, constants per channel, every rounding mode.
 */
import fc from "fast-check";
import type {
  FloatTensor,
  GraphNode,
  GraphOp,
  GraphValue,
  ModelGraph,
  Quantizer,
  Rounding,
  Shape,
  WeightTensor,
} from "../../src/graph/types.js";

export interface NetOptions {
  /** Scales are powers of two, so that float sums are exact and references must agree in every bit. */
  readonly exactScales: boolean;
  readonly maxWidth?: number;
  readonly maxLayers?: number;
  readonly inputShape?: Shape;
}

/** A deterministic stream of numbers, so that one integer replays a whole net. */
export class Random {
  #state: number;
  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring streams: mix the bits first (MurmurHash3's finalizer).
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    this.#state = (mixed ^ (mixed >>> 16)) >>> 0 || 1;
  }
  /** Uniform in [0, 1). */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}

/** Seeds of nets; a failing one is printed by fast-check and replays the net. */
export const netSeed = fc.integer({ min: 1, max: 2 ** 31 - 1 });

const ROUNDINGS: readonly Rounding[] = [
  "half-even",
  "half-up",
  "half-down",
  "half-away",
  "toward-zero",
  "away-from-zero",
  "floor",
  "ceil",
];

export function randomNet(seed: number, options: NetOptions): ModelGraph {
  const random = new Random(seed);
  const builder = new GraphBuilder(options.inputShape ?? [1, random.integer(1, options.maxWidth ?? 70)]);
  if (builder.shape.length > 2) builder.add({ kind: "reshape" }, [1, builder.elements]);
  scalarOps(builder, random, 1);
  builder.add({ kind: "quantize", quantizer: randomQuantizer(random, options, 1) });
  const layers = random.integer(1, options.maxLayers ?? 3);
  for (let layer = 0; layer < layers; layer++) {
    const inputs = builder.elements;
    const outputs = random.integer(1, options.maxWidth ?? 70);
    builder.add({ kind: "dense", weights: randomWeights(random, inputs, outputs, options) }, [1, outputs]);
    scalarOps(builder, random, Math.sqrt(inputs));
    if (layer + 1 < layers) {
      builder.add({ kind: "quantize", quantizer: randomQuantizer(random, options, Math.sqrt(inputs)) });
    }
  }
  return builder.graph;
}

/**
 * A net of given widths (inputs first) whose quantizers and weights all have `bits` bits: 1 for ±1. Every
 * hidden layer has batch normalization, with thresholds near the middle of the sums.
 */
export function layeredNet(seed: number, widths: readonly number[], bits: number): ModelGraph {
  const random = new Random(seed);
  const [inputs, ...outputs] = widths as [number, ...number[]];
  const builder = new GraphBuilder([1, inputs]);
  const quantizer: Quantizer =
    bits === 1
      ? { kind: "bipolar", scale: scalar(1), signOfZero: 1 }
      : {
          kind: "uniform",
          scale: scalar(0.5),
          zeroPoint: scalar(1),
          qmin: 0,
          qmax: 2 ** bits - 1,
          rounding: "half-even",
        };
  let before = inputs;
  for (const width of outputs) {
    builder.add({ kind: "quantize", quantizer });
    builder.add({ kind: "dense", weights: weightsOfBits(random, before, width, bits) }, [1, width]);
    builder.add(randomBatchNormalization(random, width, Math.sqrt(before)));
    before = width;
  }
  return builder.graph;
}

class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();
  #current = "input";

  constructor(shape: Shape) {
    this.#values.set("input", { name: "input", shape, dtype: "float32" });
  }

  get shape(): Shape {
    return this.#values.get(this.#current)!.shape;
  }

  get elements(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  add(op: GraphOp, shape: Shape = this.shape): void {
    const output = `v${this.#nodes.length}`;
    this.#nodes.push({ name: `${op.kind}_${this.#nodes.length}`, op, inputs: [this.#current], output });
    this.#values.set(output, { name: output, shape, dtype: "float32" });
    this.#current = output;
  }

  get graph(): ModelGraph {
    return {
      name: "random net",
      origin: { format: "test", version: "", producer: "" },
      nodes: this.#nodes,
      values: this.#values,
      inputs: ["input"],
      outputs: [this.#current],
    };
  }
}

/** Batch norm or loose constants, sometimes nothing, sometimes several. */
function scalarOps(builder: GraphBuilder, random: Random, spread: number): void {
  const channels = builder.elements;
  const count = random.integer(0, 3);
  for (let i = 0; i < count; i++) {
    const shape = random.next() < 0.5 ? [1] : [channels];
    const constants = (make: () => number): FloatTensor => ({
      shape,
      data: Float32Array.from({ length: shape[0]! }, make),
    });
    const kind = random.integer(0, 4);
    if (kind === 0) builder.add(randomBatchNormalization(random, channels, spread));
    else if (kind === 1) builder.add({ kind: "relu" });
    else if (kind === 2) {
      const operand = constants(() => nonZero(random));
      builder.add({
        kind: "arithmetic",
        operator: random.pick(["multiply", "divide"]),
        operand,
        reversed: false,
      });
    } else {
      const operand = constants(() =>
        random.next() < 0.3 ? random.integer(-3, 3) : random.normal() * spread,
      );
      const operator = random.pick(["add", "subtract"] as const);
      builder.add({ kind: "arithmetic", operator, operand, reversed: random.next() < 0.3 });
    }
  }
}

function nonZero(random: Random): number {
  const magnitude = random.next() < 0.3 ? 2 ** random.integer(-3, 3) : 0.1 + Math.abs(random.normal());
  return random.next() < 0.3 ? -magnitude : magnitude;
}

function randomBatchNormalization(random: Random, channels: number, spread: number): GraphOp {
  const tensor = (make: (c: number) => number): FloatTensor => ({
    shape: [channels],
    data: Float32Array.from({ length: channels }, (_, c) => make(c)),
  });
  return {
    kind: "batch-normalization",
    scale: tensor((c) => (c === 0 ? 0 : random.normal() * (random.next() < 0.1 ? -1 : 1))),
    bias: tensor((c) => (random.next() < 0.3 ? 0 : random.normal() * (c === 1 ? 1e6 : 1))),
    mean: tensor(() => (random.next() < 0.4 ? random.integer(-4, 4) : random.normal() * spread)),
    variance: tensor(() => spread * spread * (0.05 + random.next())),
    epsilon: 1e-5,
  };
}

function scalar(value: number): FloatTensor {
  return { shape: [], data: Float32Array.of(value) };
}

function randomScale(random: Random, { exactScales }: NetOptions, size: number): number {
  return exactScales ? 2 ** random.integer(-4, 2) : Math.fround((0.05 + random.next()) * size);
}

function randomQuantizer(random: Random, options: NetOptions, spread: number): Quantizer {
  const scale = scalar(randomScale(random, options, spread));
  if (random.next() < 0.5) return { kind: "bipolar", scale, signOfZero: 1 };
  const bits = random.integer(1, 4);
  const signed = bits > 1 && random.next() < 0.5;
  const qmin = signed ? -(2 ** (bits - 1)) + (random.next() < 0.5 ? 1 : 0) : 0;
  const qmax = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const zeroPoint = scalar(random.next() < 0.3 ? random.integer(-2, 2) : 0);
  return { kind: "uniform", scale, zeroPoint, qmin, qmax, rounding: random.pick(ROUNDINGS) };
}

function weightsOfBits(random: Random, inputs: number, outputs: number, bits: number): WeightTensor {
  const greatest = bits === 1 ? 1 : 2 ** (bits - 1) - 1;
  const codes = Int32Array.from({ length: inputs * outputs }, () =>
    bits === 1 ? (random.next() < 0.5 ? 1 : -1) : random.integer(-greatest, greatest),
  );
  const scale: FloatTensor = { shape: [1, 1], data: Float32Array.of(1) };
  return { shape: [inputs, outputs], data: Float32Array.from(codes), quantized: { codes, scale } };
}

function randomWeights(random: Random, inputs: number, outputs: number, options: NetOptions): WeightTensor {
  const bits = random.pick([1, 1, 1, 2, 2, 3, 4]);
  const draw = (): number => {
    if (bits === 1) return random.next() < 0.5 ? 1 : -1;
    return random.integer(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1);
  };
  const perChannel = random.next() < 0.4;
  const scale: FloatTensor = {
    shape: [1, perChannel ? outputs : 1],
    data: Float32Array.from({ length: perChannel ? outputs : 1 }, () => randomScale(random, options, 1)),
  };
  const codes = Int32Array.from({ length: inputs * outputs }, draw);
  // Outputs of equal weights meet equal inputs: words in which all 32 positions agree, or none does.
  for (let n = 0; n < outputs; n++) {
    if (random.next() >= 0.1) continue;
    const same = random.next() < 0.5 ? 1 : -1;
    for (let k = 0; k < inputs; k++) codes[k * outputs + n] = same;
  }
  const data = Float32Array.from(codes, (c, i) => c * scale.data[perChannel ? i % outputs : 0]!);
  return { shape: [inputs, outputs], data, quantized: { codes, scale } };
}

/** Inputs in the range in which the random input quantizers decide, some exactly on grid points. */
export function randomFloats(seed: number, count: number): Float32Array {
  const random = new Random(seed);
  const kind = random.next();
  if (kind < 0.1) return new Float32Array(count).fill(100);
  if (kind < 0.2) return new Float32Array(count).fill(-100);
  return Float32Array.from({ length: count }, () =>
    random.next() < 0.3 ? random.integer(-8, 8) / 4 : random.normal() * 2,
  );
}

/** A graph with further operations at its end. */
export function withTail(graph: ModelGraph, tail: readonly ("softmax" | "relu" | "argmax")[]): ModelGraph {
  const nodes: GraphNode[] = [...graph.nodes];
  const values = new Map(graph.values);
  const classes = graph.values.get(graph.outputs[0]!)!.shape[1]!;
  for (const kind of tail) {
    const output = `tail${nodes.length}`;
    const op: GraphOp =
      kind === "softmax"
        ? { kind, axis: 1 }
        : kind === "relu"
          ? { kind }
          : { kind, axis: 1, keepDims: true, selectLast: classes % 2 === 0 };
    nodes.push({ name: `${kind} at the end`, op, inputs: [nodes.at(-1)!.output], output });
    values.set(output, { name: output, shape: [1, kind === "argmax" ? 1 : classes], dtype: "float32" });
  }
  return { ...graph, nodes, values, outputs: [nodes.at(-1)!.output] };
}
