/**
 * Parameters of small nets as training leaves them, drawn when a reference first asks for them: normalizations with factors of
 * both signs, at least one below 0, and one 0, means near what they normalize, some exactly on a value that occurs, shifts that are 0 on some
 * channels so that ties occur, one channel that never changes its sign.
 */
import type { TensorSpec } from "../bundle.js";
import { Random } from "../random-graph.js";
import { batchNorm, channelsOf, filled, type Normalization, sign, type Value } from "./arithmetic.js";

const f = Math.fround;

/** Default epsilon of PyTorch's BatchNorm. */
export const EPS = 1e-5;

export interface NormalizationOptions {
  /** For scores: no channel is out of reach, none is constant. */
  readonly ofScores?: boolean;
  /** `BatchNormalization(scale=False)`: all factors are 1. */
  readonly withoutScale?: boolean;
  readonly eps?: number;
}

export class Parameters {
  readonly random: Random;
  readonly #tensors = new Map<string, TensorSpec>();
  readonly #drawn = new Map<string, Normalization>();

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Everything drawn so far, by the names of a state_dict; names with ~ in front are not for the file. */
  get tensors(): Readonly<Record<string, TensorSpec>> {
    return Object.fromEntries([...this.#tensors].filter(([name]) => !name.startsWith("~")));
  }

  /** A tensor of float32 numbers, drawn by `draw` the first time. */
  numbers(name: string, shape: readonly number[], draw: (index: number) => number): Value {
    let tensor = this.#tensors.get(name);
    if (tensor === undefined) {
      const { data } = filled(shape, (i) => f(draw(i)));
      tensor = { shape, data: Array.from(data) };
      this.#tensors.set(name, tensor);
    }
    return { shape: tensor.shape, data: Float64Array.from(tensor.data) };
  }

  /** Latent weights: normally distributed, none exactly 0. */
  latent(name: string, shape: readonly number[]): Value {
    return this.numbers(name, shape, () => f(this.random.normal()) || 1);
  }

  /** One number per channel. */
  vector(name: string, channels: number, draw: (index: number) => number): Float32Array {
    return Float32Array.from(this.numbers(name, [channels], draw).data);
  }

  /** Constants of the normalization of `x`, whose statistics they are drawn near the first time. */
  normalization(name: string, x: Value, options: NormalizationOptions = {}): Normalization {
    let drawn = this.#drawn.get(name);
    if (drawn === undefined) {
      drawn = this.#draw(x, options);
      const { gamma, beta, mean, variance } = drawn;
      const named = {
        ...(options.withoutScale === true ? {} : { weight: gamma }),
        bias: beta,
        running_mean: mean,
        running_var: variance,
      };
      for (const [field, data] of Object.entries(named))
        this.#tensors.set(`${name}.${field}`, { shape: [data.length], data: Array.from(data) });
      this.#drawn.set(name, drawn);
    }
    return drawn;
  }

  #draw(
    x: Value,
    { ofScores = false, withoutScale = false, eps = EPS }: NormalizationOptions,
  ): Normalization {
    const { random } = this;
    const channels = channelsOf(x);
    const samples = samplesOf(x);
    const [constant, unreachable] = distinct(random, channels);
    const mean = new Float32Array(channels);
    const variance = new Float32Array(channels);
    const gamma = new Float32Array(channels);
    const beta = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      const { average, spread } = statistics(samples[c]!);
      const isTie = random.next() < 0.4;
      mean[c] = isTie ? random.pick(samples[c]!) : average + 0.5 * spread * random.normal();
      variance[c] = Math.max(spread * spread, 0.01) * (0.8 + 0.4 * random.next());
      beta[c] = isTie || random.next() < 0.1 ? 0 : 0.3 * random.normal();
      gamma[c] = withoutScale ? 1 : (random.next() < 0.1 ? -1 : 1) * (0.05 + Math.abs(random.normal()));
      if (ofScores) continue;
      if (c === constant && !withoutScale) gamma[c] = 0;
      if (c === unreachable) mean[c] = average + 1000 * (1 + spread);
    }
    if (!withoutScale && !ofScores && !gamma.some((g) => g < 0)) {
      const rising = gamma.findIndex((g) => g > 0);
      if (rising >= 0) gamma[rising] = -gamma[rising]!;
    }
    return { gamma, beta, mean, variance, eps };
  }
}

/** Bits of latent weights, ±1. */
export function bits(drawn: Parameters, name: string, shape: readonly number[]): Value {
  return sign(drawn.latent(name, shape), 1);
}

/** A sign of its own for every number of a value. */
export function randomBits(random: Random, { shape }: Value): Value {
  return filled(shape, () => (random.next() < 0.5 ? 1 : -1));
}

/** Batch normalization by constants drawn near the statistics of `x`. */
export function normalized(
  drawn: Parameters,
  name: string,
  x: Value,
  options: NormalizationOptions = {},
): Value {
  return batchNorm(x, drawn.normalization(name, x, options));
}

/** Two channels, the same one if there is only one. */
function distinct(random: Random, channels: number): [number, number] {
  const first = random.integer(0, channels - 1);
  return [first, (first + random.integer(1, Math.max(1, channels - 1))) % channels];
}

/** Numbers of each channel. Features seen once each tell little alone, so that all of them count for each. */
function samplesOf(x: Value): number[][] {
  const channels = channelsOf(x);
  const size = x.data.length / x.shape[0]! / channels;
  const samples = Array.from({ length: channels }, (): number[] => []);
  x.data.forEach((v, i) => {
    samples[Math.floor(i / size) % channels]!.push(v);
  });
  return samples;
}

function statistics(samples: readonly number[]): { average: number; spread: number } {
  const average = samples.reduce((a, b) => a + b, 0) / samples.length;
  const squares = samples.reduce((a, b) => a + (b - average) ** 2, 0);
  return { average, spread: Math.sqrt(squares / samples.length) };
}
