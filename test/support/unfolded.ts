/**
 * A small net of one method, computed from the method's own definition: numbers and planes of every element, layer by layer,
 * float32 with `Math.fround` after every operation. It shares no code with importers, passes and references.
 */
import { type TensorSpec, tensor } from "./bundle.js";
import { Random } from "./random-graph.js";

const f = Math.fround;

/** An activation or an input: height × width × channels of elements, each the numbers of its planes. */
export interface Planar {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [y][x][c][plane]. */
  readonly planes: readonly (readonly number[])[];
}

/** A method: what its quantizer makes of a number, and how its weights are made. */
export interface Method {
  /** The planes' numbers, −1 and 1 or 0 and 1, of the definition. */
  encode(x: number): readonly number[];
  /** Coefficients of the planes, in the order in which they are summed. */
  readonly coefficients: readonly number[];
  /** The manifest's layer, and the tensors that it names. */
  readonly layer: object;
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  /** Bases of a layer's weights. */
  weights(random: Random, outputs: number, shape: readonly number[], name: string): Weights;
}

export interface Weights {
  /** [basis][output × input], as in the file. */
  readonly codes: readonly (readonly number[])[];
  /** [basis][output]. */
  readonly coefficients: readonly (readonly number[])[];
  readonly quantizer: object;
  readonly tensors: Readonly<Record<string, TensorSpec>>;
}

/** Basis after basis, plane after plane: what a layer of planes by bases is. */
export function sumOfProducts(
  dot: (basis: number, plane: number) => number,
  weights: readonly number[],
  planes: readonly number[],
): number {
  let acc = 0;
  weights.forEach((w, m) => {
    planes.forEach((d, l) => {
      acc = f(acc + f(f(dot(m, l)) * f(f(w) * f(d))));
    });
  });
  return acc;
}

interface BatchNorm {
  readonly gamma: readonly number[];
  readonly beta: readonly number[];
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/**
 * Statistics of some maps as training leaves them, with factors of both signs, shifts of 0, and means that are whole numbers.
 */
function measured(random: Random, maps: readonly Planar[]): BatchNorm {
  const { channels } = maps[0]!;
  const columns = Array.from({ length: channels }, (_, c) =>
    maps.flatMap(({ planes }) => planes.filter((_, i) => i % channels === c).map(([x]) => x!)),
  );
  const means = columns.map((x) => x.reduce((a, b) => a + b, 0) / x.length);
  const make = (draw: (c: number) => number): number[] => means.map((_, c) => f(draw(c)));
  return {
    gamma: make(() => (0.4 + Math.abs(random.normal())) * (random.next() < 0.15 ? -1 : 1)),
    beta: make(() => (random.next() < 0.3 ? 0 : random.normal() / 2)),
    mean: make((c) => (random.next() < 0.3 ? Math.round(means[c]!) : means[c]!)),
    variance: make((c) => columns[c]!.reduce((a, x) => a + (x - means[c]!) ** 2, 0) / columns[c]!.length),
  };
}

function normalize(bn: BatchNorm, x: number, c: number): number {
  const a = f(bn.gamma[c]! * f(1 / f(Math.sqrt(f(bn.variance[c]! + f(1e-5))))));
  const b = f(bn.beta[c]! - f(bn.mean[c]! * a));
  return f(f(x * a) + b);
}

export const INPUT = [3, 11, 9] as const;
const STEM = 8;
const MIDDLE = 33;
const LAST = 9;
const CLASSES = 10;
export const INPUT_AFFINE = { numerator: 1, denominator: 64, zero: 128 };

export interface Net {
  readonly layers: readonly object[];
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  run(input: ArrayLike<number>): number[];
}

/**
 * conv 3×3 of ±1 on bytes, normalization, the method's quantizer, max pool, conv 3×3 padded, conv 3×3 stride 2 padded on
 * one side more, and a dense layer, quantized between; `poolFirst` has the pool before the normalization.
 */
export function unfoldedNet(method: Method, seed: number, poolFirst = false): Net {
  const random = new Random(seed);
  const stem = Array.from({ length: STEM * 27 }, () => (random.next() < 0.5 ? -1 : 1));
  const second = method.weights(random, MIDDLE, [STEM, 3, 3], "second");
  const third = method.weights(random, LAST, [MIDDLE, 3, 3], "third");
  const dense = method.weights(random, CLASSES, [LAST * 4], "dense");
  const bias = Array.from({ length: CLASSES }, () => f(random.normal()));

  const encoded = (map: Planar, bn: BatchNorm): Planar =>
    mapOf(map, ([x], c) => method.encode(normalize(bn, x!, c)));
  const stemMap = (input: ArrayLike<number>): Planar => {
    const map = stemOf(stem, input);
    return poolFirst ? maxPool(map, ([x]) => x!) : map;
  };
  const middleMap = (map: Planar, bn: BatchNorm): Planar => {
    const codes = encoded(map, bn);
    const pooled = poolFirst ? codes : maxPool(codes, (planes) => numberOf(method, planes));
    return convolve(method, second, pooled, { stride: 1, pads: [1, 1, 1, 1] });
  };
  const lastMap = (map: Planar, bn: BatchNorm): Planar =>
    convolve(method, third, encoded(map, bn), { stride: 2, pads: [1, 1, 0, 1] });

  const samples = Array.from({ length: 12 }, () =>
    Float32Array.from({ length: INPUT[0] * INPUT[1] * INPUT[2] }, () => random.integer(-128, 127) / 64),
  );
  const stems = samples.map(stemMap);
  const first = measured(random, stems);
  const middles = stems.map((map) => middleMap(map, first));
  const between = measured(random, middles);
  const last = measured(
    random,
    middles.map((map) => lastMap(map, between)),
  );
  const run = (input: ArrayLike<number>): number[] => {
    const final = encoded(lastMap(middleMap(stemMap(input), first), between), last);
    return denseOf(method, dense, final).map((x, n) => f(x + bias[n]!));
  };
  const norms = [first, between, last];
  return { run, ...manifestParts(method, { stem, norms, second, third, dense, bias, poolFirst }) };
}

function stemOf(weights: readonly number[], input: ArrayLike<number>): Planar {
  const [channels, height, width] = INPUT;
  const planes: number[][] = [];
  for (let y = 0; y < height - 2; y++)
    for (let x = 0; x < width - 2; x++)
      for (let n = 0; n < STEM; n++) {
        let sum = 0;
        for (let c = 0; c < channels; c++)
          for (let k = 0; k < 9; k++) {
            const at = (c * height + y + Math.floor(k / 3)) * width + x + (k % 3);
            sum += input[at]! * weights[(n * channels + c) * 9 + k]!;
          }
        planes.push([f(sum)]);
      }
  return { height: height - 2, width: width - 2, channels: STEM, planes };
}

function mapOf(
  map: Planar,
  encode: (element: readonly number[], channel: number) => readonly number[],
): Planar {
  return { ...map, planes: map.planes.map((p, i) => encode(p, i % map.channels)) };
}

/** The element of the greatest number of each 2 × 2 window. */
function maxPool(map: Planar, value: (element: readonly number[]) => number): Planar {
  const [height, width] = [Math.floor(map.height / 2), Math.floor(map.width / 2)];
  const planes: (readonly number[])[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < map.channels; c++) {
        const window = [0, 1, 2, 3].map(
          (k) => map.planes[((2 * y + (k >> 1)) * map.width + 2 * x + (k & 1)) * map.channels + c]!,
        );
        planes.push(window.reduce((best, element) => (value(element) > value(best) ? element : best)));
      }
  return { height, width, channels: map.channels, planes };
}

function numberOf({ coefficients }: Method, planes: readonly number[]): number {
  return planes.reduce((sum, p, l) => f(sum + f(coefficients[l]!) * p), 0);
}

interface Geometry {
  readonly stride: number;
  readonly pads: readonly [number, number, number, number];
}

/** Taps outside the map are 0, which adds nothing. */
function convolve(method: Method, weights: Weights, map: Planar, { stride, pads }: Geometry): Planar {
  const outputs = weights.coefficients[0]!.length;
  const height = Math.floor((map.height + pads[0] + pads[2] - 3) / stride) + 1;
  const width = Math.floor((map.width + pads[1] + pads[3] - 3) / stride) + 1;
  const planes: number[][] = [];
  const element = (y: number, x: number, c: number): readonly number[] | undefined =>
    y < 0 || x < 0 || y >= map.height || x >= map.width
      ? undefined
      : map.planes[(y * map.width + x) * map.channels + c];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const taps: { readonly k: number; readonly planes: readonly number[] }[] = [];
      for (let c = 0; c < map.channels; c++)
        for (let k = 0; k < 9; k++) {
          const at = element(y * stride - pads[0] + Math.floor(k / 3), x * stride - pads[1] + (k % 3), c);
          if (at !== undefined) taps.push({ k: c * 9 + k, planes: at });
        }
      for (let n = 0; n < outputs; n++) planes.push([sumOf(method, weights, n, map.channels * 9, taps)]);
    }
  return { height, width, channels: outputs, planes };
}

function sumOf(
  { coefficients }: Method,
  weights: Weights,
  n: number,
  inputs: number,
  taps: readonly { readonly k: number; readonly planes: readonly number[] }[],
): number {
  const dot = (m: number, l: number): number =>
    taps.reduce((sum, tap) => sum + weights.codes[m]![n * inputs + tap.k]! * tap.planes[l]!, 0);
  return sumOfProducts(
    dot,
    weights.coefficients.map((c) => c[n]!),
    coefficients,
  );
}

/** Flattened as PyTorch does: channel by channel. */
function denseOf(method: Method, weights: Weights, map: Planar): number[] {
  const pixels = map.height * map.width;
  const taps = map.planes.map((planes, i) => ({
    k: (i % map.channels) * pixels + Math.floor(i / map.channels),
    planes,
  }));
  return Array.from({ length: CLASSES }, (_, n) => sumOf(method, weights, n, taps.length, taps));
}

interface Parts {
  readonly stem: readonly number[];
  readonly norms: readonly BatchNorm[];
  readonly second: Weights;
  readonly third: Weights;
  readonly dense: Weights;
  readonly bias: readonly number[];
  readonly poolFirst: boolean;
}

function manifestParts(method: Method, parts: Parts): Pick<Net, "layers" | "tensors"> {
  const { stem, norms, second, third, dense, bias, poolFirst } = parts;
  const norm = (i: number): object => ({
    type: "batchnorm",
    eps: 1e-5,
    weight: `gamma${i}`,
    bias: `beta${i}`,
    running_mean: `mean${i}`,
    running_var: `variance${i}`,
  });
  const pool = { type: "maxpool2d", kernel_size: 2 };
  const conv = (name: string, quantizer: object, geometry: object): object => ({
    type: "conv2d",
    name,
    weight: `${name}.0`,
    weight_quantizer: quantizer,
    padding_value: 0,
    ...geometry,
  });
  const sign = { type: "sign", sign_of_zero: 1, scale: 1 };
  const layers = [
    conv("stem", sign, {}),
    ...(poolFirst ? [pool, norm(0), method.layer] : [norm(0), method.layer, pool]),
    conv("second", second.quantizer, { padding: 1 }),
    norm(1),
    method.layer,
    conv("third", third.quantizer, { padding: [1, 1, 0, 1], stride: 2 }),
    norm(2),
    method.layer,
    { type: "flatten" },
    { type: "linear", weight: "dense.0", weight_quantizer: dense.quantizer, bias: "bias" },
  ];
  const named = norms.flatMap(({ gamma, beta, mean, variance }, i) => [
    [`gamma${i}`, tensor([gamma.length], gamma)] as const,
    [`beta${i}`, tensor([beta.length], beta)] as const,
    [`mean${i}`, tensor([mean.length], mean)] as const,
    [`variance${i}`, tensor([variance.length], variance)] as const,
  ]);
  const tensors = {
    "stem.0": tensor([STEM, INPUT[0], 3, 3], stem),
    bias: tensor([bias.length], bias),
    ...Object.fromEntries(named),
    ...method.tensors,
    ...second.tensors,
    ...third.tensors,
    ...dense.tensors,
  };
  return { layers, tensors };
}
