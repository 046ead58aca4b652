/**
 * Random convolutional nets as trained frameworks export them: quantized layers with the parameters that break
 * careless lowerings, branches that meet again, data moved in every way, pools on either side of a quantizer.
 * All scales are powers of two and all weights small, so that float sums are exact and both references must
 * agree in every bit.
 */
import type {
  FloatTensor,
  GraphNode,
  GraphOp,
  GraphValue,
  ModelGraph,
  ScaledQuantizer,
  Shape,
  WeightTensor,
  Window,
} from "../../src/graph/types.js";
import { everyWindowTouches, mapShape, mapSize, windowPositions } from "../../src/graph/window.js";
import { Random } from "./random-graph.js";

export interface ConvNetOptions {
  /** Operations that some part of a pipeline does not have yet are left out. */
  readonly without?: readonly Feature[];
  /** Whether all inputs are signals. */
  readonly signals?: true;
  readonly maxChannels?: number;
  readonly maxSide?: number;
  /** Scales of any size: float sums are rounded, and references may differ where they are. */
  readonly anyScales?: boolean;
}

export type Feature =
  | "float-layer"
  | "residual"
  | "concat"
  | "slice"
  | "shuffle"
  | "average-pool"
  | "pad"
  | "prelu"
  | "channels-last"
  | "wide-codes"
  | "signal";

/** A value whose numbers are `unit` times small integers, of at most `most` units. */
interface Handle {
  readonly name: string;
  readonly shape: Shape;
  /** Present where sums of products with it are exact in float32. */
  readonly exact?: { readonly unit: number; readonly most: number };
}

export function randomConvNet(seed: number, options: ConvNetOptions = {}): ModelGraph {
  return new NetBuilder(new Random(seed), options).build();
}

const CHANNELS = [1, 2, 3, 5, 8, 12, 31, 32, 33, 40];

class NetBuilder {
  readonly #random: Random;
  readonly #options: ConvNetOptions;
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();

  constructor(random: Random, options: ConvNetOptions) {
    this.#random = random;
    this.#options = options;
  }

  build(): ModelGraph {
    const random = this.#random;
    let x = this.#input();
    x = this.#quantized(this.#chance("float-layer", 0.1) ? this.#floatLayer(x) : x, 1);
    const blocks = random.integer(1, 3);
    for (let i = 0; i < blocks; i++) x = this.#block(x);
    const hasLayers = this.#nodes.some((n) => n.op.kind === "conv");
    if (!hasLayers || random.next() < 0.75) x = this.#head(x);
    return {
      name: "random conv net",
      origin: { format: "test", version: "", producer: "" },
      nodes: this.#nodes,
      values: this.#values,
      inputs: ["input"],
      outputs: [x.name],
    };
  }

  #chance(feature: Feature, probability: number): boolean {
    return this.#options.without?.includes(feature) !== true && this.#random.next() < probability;
  }

  #add(op: GraphOp, inputs: readonly Handle[], shape: Shape, exact?: Handle["exact"]): Handle {
    const name = `v${this.#nodes.length}`;
    this.#nodes.push({
      name: `${op.kind}_${this.#nodes.length}`,
      op,
      inputs: inputs.map((i) => i.name),
      output: name,
    });
    this.#values.set(name, { name, shape, dtype: "float32" });
    return { name, shape, ...(exact === undefined ? {} : { exact }) };
  }

  #channels(): number {
    const most = this.#options.maxChannels ?? 40;
    return Math.min(most, this.#random.pick(CHANNELS));
  }

  #input(): Handle {
    const random = this.#random;
    const side = (): number => random.integer(3, this.#options.maxSide ?? 9);
    const channels = random.pick([1, 2, 3, 3, 4, 33]);
    const isSignal = this.#options.signals === true || this.#chance("signal", 0.15);
    const isLast = !isSignal && this.#chance("channels-last", 0.25);
    const [height, width] = [side(), side()];
    const shape = isSignal
      ? [1, channels, width]
      : isLast
        ? [1, height, width, channels]
        : [1, channels, height, width];
    this.#values.set("input", { name: "input", shape, dtype: "float32" });
    const input: Handle = { name: "input", shape };
    return isLast ? this.#transposed(input, [0, 3, 1, 2]) : input;
  }

  #transposed(x: Handle, permutation: readonly number[]): Handle {
    const shape = permutation.map((axis) => x.shape[axis]!);
    return this.#add({ kind: "transpose", permutation }, [x], shape, x.exact);
  }

  /** Scalar operations, pools on both sides, and a quantizer. */
  #quantized(from: Handle, spread: number): Handle {
    const random = this.#random;
    let x = from;
    if (random.next() < 0.2) x = this.#maxPool(this.#chance("pad", 0.3) ? this.#padded(x, -1) : x);
    if (spread > 1 || random.next() < 0.3) x = this.#scalars(x, spread);
    if (random.next() < 0.3) x = this.#maxPool(x);
    if (random.next() < 0.2) x = this.#scalars(x, spread);
    const quantizer = this.#quantizer(spread);
    const scale = Math.abs(quantizer.scale.data[0]!);
    const most = quantizer.kind === "bipolar" ? 1 : Math.max(-quantizer.qmin, quantizer.qmax) + 2;
    x = this.#add({ kind: "quantize", quantizer }, [x], x.shape, { unit: scale, most });
    if (random.next() < 0.2) x = this.#maxPool(x);
    if (random.next() < 0.1) x = this.#recoded(x);
    return x;
  }

  /** What exporters put behind a sign: a multiplication, a shift, a relu. */
  #recoded(x: Handle): Handle {
    const { unit, most } = x.exact!;
    const operand = { shape: [], data: Float32Array.of(unit) };
    const make = this.#random.pick<() => Handle>([
      () => this.#add({ kind: "relu" }, [x], x.shape, x.exact),
      () =>
        this.#add({ kind: "arithmetic", operator: "add", operand, reversed: false }, [x], x.shape, {
          unit: unit * 2,
          most: most + 1,
        }),
      () =>
        this.#add({ kind: "arithmetic", operator: "subtract", operand, reversed: true }, [x], x.shape, {
          unit: unit * 2,
          most: most + 1,
        }),
      () =>
        this.#add(
          { kind: "arithmetic", operator: "multiply", operand: number(2), reversed: false },
          [x],
          x.shape,
          {
            unit: unit * 2,
            most,
          },
        ),
    ]);
    return make();
  }

  #scalars(from: Handle, spread: number): Handle {
    const random = this.#random;
    let x: Handle = { name: from.name, shape: from.shape };
    const count = random.integer(0, 2);
    for (let i = 0; i < count; i++) x = this.#add(this.#scalar(x, spread), [x], x.shape);
    return count === 0 ? from : x;
  }

  #scalar(x: Handle, spread: number): GraphOp {
    const random = this.#random;
    const channels = x.shape[1]!;
    const along = [channels, ...x.shape.slice(2).map(() => 1)];
    const perChannel = (make: (c: number) => number): FloatTensor => ({
      shape: along,
      data: Float32Array.from({ length: channels }, (_, c) => make(c)),
    });
    const kind = random.integer(0, 9);
    if (kind < 5) return batchNormalization(random, channels, spread);
    if (kind === 5) return { kind: "relu" };
    if (kind === 6) return { kind: "clip", low: -spread, high: spread };
    if (kind === 7 && this.#chance("prelu", 1)) {
      return { kind: "prelu", slope: perChannel(() => (random.next() < 0.2 ? -0.25 : 0.25)) };
    }
    const operand = random.next() < 0.5 ? number(random.integer(-3, 3)) : perChannel(() => random.normal());
    return {
      kind: "arithmetic",
      operator: random.pick(["add", "subtract"]),
      operand,
      reversed: random.next() < 0.3,
    };
  }

  #scale(exponent: number): number {
    return Math.fround(2 ** exponent * (this.#options.anyScales ? 0.75 + this.#random.next() / 2 : 1));
  }

  #quantizer(spread: number): ScaledQuantizer {
    const random = this.#random;
    const scale = number(this.#scale(random.integer(-3, 1)));
    if (random.next() < 0.6) return { kind: "bipolar", scale, signOfZero: 1 };
    const bits = this.#chance("wide-codes", 0.25) ? random.pick([5, 8]) : random.integer(1, 4);
    const signed = bits > 1 && random.next() < 0.5;
    return {
      kind: "uniform",
      scale: bits > 4 ? scale : number(this.#scale(Math.round(Math.log2(spread)))),
      zeroPoint: number(random.next() < 0.3 ? random.integer(-2, 2) : 0),
      qmin: signed ? -(2 ** (bits - 1)) : 0,
      qmax: signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1,
      rounding: random.pick(["half-even", "floor", "half-up"]),
    };
  }

  #window(x: Handle, kind: "conv" | "pool"): Window | undefined {
    const random = this.#random;
    const isSignal = x.shape.length === 3;
    const pair = (make: () => number, signal: number): [number, number] => [
      isSignal ? signal : make(),
      make(),
    ];
    const kernel = pair(() => random.pick(kind === "pool" ? [2, 2, 3] : [1, 2, 3, 3, 3, 5]), 1);
    const stride = pair(() => random.pick([1, 1, 1, 2, 3]), 1);
    const dilation = pair(() => random.pick(kind === "pool" ? [1] : [1, 1, 1, 2]), 1);
    const pad = (k: number): number => (random.next() < 0.5 ? 0 : random.integer(0, Math.ceil(k / 2)));
    const pads: Window["pads"] = isSignal
      ? [0, pad(kernel[1]), 0, pad(kernel[1])]
      : [pad(kernel[0]), pad(kernel[1]), pad(kernel[0]), pad(kernel[1])];
    const window = { kernel, stride, dilation, pads };
    const map = mapSize(x.shape)!;
    const fits = windowPositions(window, map.height, 0) > 0 && windowPositions(window, map.width, 1) > 0;
    if (!fits) return undefined;
    if (kind === "conv") return window;
    return everyWindowTouches(window, map.height, 0) && everyWindowTouches(window, map.width, 1)
      ? window
      : undefined;
  }

  #maxPool(x: Handle): Handle {
    const window = this.#window(x, "pool");
    if (window === undefined) return x;
    return this.#add({ kind: "max-pool", window }, [x], outputShape(x, window, x.shape[1]!), x.exact);
  }

  #conv(x: Handle, outputs?: number, like?: Window): Handle {
    const random = this.#random;
    const channels = x.shape[1]!;
    const divisors = [1, 2, 3, 4, channels].filter((g) => channels % g === 0);
    const groups = outputs !== undefined || random.next() < 0.7 ? 1 : random.pick(divisors);
    const count = outputs ?? (groups === channels ? groups : groups * Math.ceil(this.#channels() / groups));
    const padValue = this.#padValue(x);
    let from = x;
    if (like === undefined && this.#chance("pad", 0.15)) from = this.#padded(x, padValue);
    const window = like ?? this.#window(from, "conv") ?? pointwise();
    const weights = this.#weights([count, channels / groups, ...window.kernel], 0);
    const op: GraphOp = { kind: "conv", weights, window, groups, padValue };
    const taps = weights.data.length / count;
    const exact = { unit: x.exact!.unit * weightUnit(weights), most: x.exact!.most * taps * 7 };
    return this.#add(op, [from], outputShape(from, window, count), exact);
  }

  #padValue(x: Handle): number {
    const { unit } = x.exact!;
    return this.#random.pick([0, 0, -unit, unit]);
  }

  #padded(x: Handle, value: number): Handle {
    const amounts = (): number[] => x.shape.map((_, axis) => (axis < 2 ? 0 : this.#random.integer(0, 1)));
    const [before, after] = [amounts(), amounts()];
    const shape = x.shape.map((n, axis) => before[axis]! + n + after[axis]!);
    return this.#add({ kind: "pad", before, after, value }, [x], shape, x.exact);
  }

  /** Weights [N, …] or [K, N]: ±1 mostly, with one scale or one per output. */
  #weights(shape: Shape, outputAxis: number): WeightTensor {
    const random = this.#random;
    const bits = random.pick([1, 1, 1, 2, 3]);
    const draw = (): number =>
      bits === 1 ? (random.next() < 0.5 ? 1 : -1) : random.integer(1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1);
    const outputs = shape[outputAxis]!;
    const scales = Float32Array.from(
      { length: random.next() < 0.3 ? outputs : 1 },
      () => 2 ** random.integer(-2, 1),
    );
    const codes = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw);
    const inner = shape.slice(outputAxis + 1).reduce((a, b) => a * b, 1);
    const scaleShape = shape.map((n, axis) => (axis === outputAxis && scales.length > 1 ? n : 1));
    const data = Float32Array.from(
      codes,
      (c, i) => c * scales[scales.length > 1 ? Math.floor(i / inner) % outputs : 0]!,
    );
    return { shape, data, quantized: { codes, scale: { shape: scaleShape, data: scales } } };
  }

  /** Weights without codes, on inputs that may be any floats: exact only on small numbers. */
  #floatLayer(x: Handle): Handle {
    const channels = x.shape[1]!;
    const window = this.#window(x, "conv") ?? pointwise();
    const shape = [this.#random.integer(1, 8), channels, ...window.kernel];
    const length = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length }, () => this.#random.integer(-12, 12) / 8);
    const op: GraphOp = { kind: "conv", weights: { shape, data }, window, groups: 1, padValue: 0 };
    return this.#add(op, [x], outputShape(x, window, shape[0]!));
  }

  #block(x: Handle): Handle {
    const random = this.#random;
    const spread = (y: Handle): number => Math.max(1, Math.sqrt(y.exact?.most ?? 1));
    if (this.#chance("residual", 0.25)) return this.#residual(x);
    if (this.#chance("concat", 0.2)) return this.#concat(x);
    if (this.#chance("slice", 0.15)) return this.#sliced(x);
    if (this.#chance("shuffle", 0.15)) return this.#shuffled(x);
    const y = this.#conv(x);
    if (this.#chance("average-pool", 0.15)) return this.#quantized(this.#averagePool(y), spread(y));
    const q = this.#quantized(y, spread(y));
    return random.next() < 0.15 ? this.#quantized(this.#scalars(q, 1), 1) : q;
  }

  #residual(x: Handle): Handle {
    const window = this.#window(x, "conv") ?? pointwise();
    const outputs = this.#channels();
    const a = this.#conv(x, outputs, window);
    const side = this.#random.integer(0, 2);
    const b = this.#conv(x, outputs, window);
    const left = side === 0 ? a : this.#scalars(a, 4);
    const sum = this.#add({ kind: "sum" }, [left, b], a.shape);
    const q = this.#quantized(sum, Math.sqrt(a.exact!.most));
    // The identity beside a convolution of the same size, on codes.
    if (!this.#random.integer(0, 1)) return q;
    const same: Window = { ...pointwise(), kernel: [1, 1] };
    const c = this.#conv(q, q.shape[1]!, same);
    return this.#quantized(this.#add({ kind: "sum" }, [c, q], q.shape), 4);
  }

  #concat(x: Handle): Handle {
    const window = this.#window(x, "conv") ?? pointwise();
    const parts = [this.#conv(x, this.#channels(), window), this.#conv(x, this.#channels(), window)];
    const first = this.#random.next();
    const joined =
      first < 0.4
        ? parts
        : first < 0.7
          ? parts.map((p) =>
              this.#add({ kind: "quantize", quantizer: bipolar }, [p], p.shape, { unit: 1, most: 1 }),
            )
          : [parts[0]!, this.#scalars(parts[1]!, 4)];
    const channels = joined.reduce((sum, p) => sum + p.shape[1]!, 0);
    const shape = joined[0]!.shape.map((n, axis) => (axis === 1 ? channels : n));
    const isCodes = first >= 0.4 && first < 0.7;
    const all = this.#add(
      { kind: "concat", axis: 1 },
      joined,
      shape,
      isCodes ? { unit: 1, most: 1 } : undefined,
    );
    return isCodes && this.#random.next() < 0.7 ? all : this.#quantized(all, 4);
  }

  /** Half of the channels, or every second pixel, quantized once more. */
  #sliced(x: Handle): Handle {
    const random = this.#random;
    const starts = x.shape.map((n, axis) => (axis === 0 ? 0 : random.integer(0, Math.min(1, n - 1))));
    const steps = x.shape.map((_, axis) => (axis < 1 ? 1 : random.pick([1, 1, 2])));
    const shape = x.shape.map((n, axis) => Math.ceil((n - starts[axis]!) / steps[axis]!));
    const part = this.#add({ kind: "slice", starts, steps }, [x], shape, x.exact);
    return random.next() < 0.5 ? part : this.#quantized(this.#conv(part), 4);
  }

  #shuffled(x: Handle): Handle {
    const [batch, channels, ...pixels] = x.shape as [number, number, ...number[]];
    const groups = [2, 3, 4].find((g) => channels % g === 0);
    if (groups === undefined) return this.#quantized(this.#conv(x), 4);
    const split = this.#add({ kind: "reshape" }, [x], [batch, groups, channels / groups, ...pixels], x.exact);
    const moved = this.#transposed(split, [0, 2, 1, ...pixels.map((_, i) => i + 3)]);
    return this.#add({ kind: "reshape" }, [moved], x.shape, x.exact);
  }

  #averagePool(x: Handle): Handle {
    const map = mapSize(x.shape)!;
    const isGlobal = this.#random.next() < 0.4;
    const window: Window | undefined = isGlobal
      ? { kernel: [map.height, map.width], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] }
      : this.#window(x, "pool");
    if (window === undefined) return x;
    return this.#add(
      { kind: "average-pool", window, countPads: true },
      [x],
      outputShape(x, window, x.shape[1]!),
    );
  }

  /** Constants that differ between positions of one channel, or two flattened maps side by side. */
  #onFeatures(x: Handle): Handle {
    const features = x.shape[1]!;
    const y = this.#chance("concat", 0.3)
      ? this.#add({ kind: "concat", axis: 1 }, [x, x], [1, 2 * features], x.exact)
      : this.#scalars(x, 1);
    return this.#add({ kind: "quantize", quantizer: bipolar }, [y], y.shape, { unit: 1, most: 1 });
  }

  /** Flatten in either order of channels and pixels, and dense layers; or the mean over the map before them. */
  #head(x: Handle): Handle {
    const random = this.#random;
    let y = x;
    const rank = x.shape.length;
    const lastOrder = rank === 4 ? [0, 2, 3, 1] : [0, 2, 1];
    if (this.#chance("channels-last", 0.4)) y = this.#transposed(x, lastOrder);
    const inputs = y.shape.reduce((a, b) => a * b, 1);
    y = this.#add({ kind: "reshape" }, [y], [1, inputs], y.exact);
    // Larger maps are not taken apart: lowering refuses constants per position there.
    if (inputs <= 64 * x.shape[1]! && random.next() < 0.2) y = this.#onFeatures(y);
    const layers = random.integer(1, 2);
    for (let layer = 0; layer < layers; layer++) {
      const [width, outputs] = [y.shape[1]!, random.integer(1, 20)];
      y = this.#add({ kind: "dense", weights: this.#weights([width, outputs], 1) }, [y], [1, outputs]);
      if (layer + 1 < layers) {
        y = this.#scalars(y, Math.sqrt(width));
        y = this.#add({ kind: "quantize", quantizer: bipolar }, [y], y.shape, { unit: 1, most: 1 });
      }
    }
    return random.next() < 0.5 ? this.#scalars(y, 8) : y;
  }
}

const bipolar: ScaledQuantizer = { kind: "bipolar", scale: number(1), signOfZero: 1 };

function pointwise(): Window {
  return { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
}

function outputShape(x: Handle, window: Window, channels: number): Shape {
  const map = mapSize(x.shape)!;
  const [height, width] = [windowPositions(window, map.height, 0), windowPositions(window, map.width, 1)];
  return mapShape(x.shape.length, { channels, height, width });
}

function weightUnit({ quantized }: WeightTensor): number {
  return Math.min(...quantized!.scale.data);
}

function number(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

/** Negative and zero factors, ties at integers, a threshold out of reach: `primitives.md`'s recipe. */
function batchNormalization(random: Random, channels: number, spread: number): GraphOp {
  const tensor = (make: (c: number) => number): FloatTensor => ({
    shape: [channels],
    data: Float32Array.from({ length: channels }, (_, c) => make(c)),
  });
  // Factors of both signs are the rule in some nets, and never occur in others.
  const negative = random.pick([0, 0.1, 0.5]);
  return {
    kind: "batch-normalization",
    scale: tensor((c) => {
      if (c === 0 && negative > 0) return 0;
      return Math.abs(random.normal()) * (random.next() < negative ? -1 : 1);
    }),
    bias: tensor((c) => (random.next() < 0.3 ? 0 : random.normal() * (c === 1 ? 1e6 : 1))),
    mean: tensor(() => (random.next() < 0.4 ? random.integer(-4, 4) : random.normal() * spread)),
    variance: tensor(() => spread * spread * (0.05 + random.next())),
    epsilon: 1e-5,
  };
}
