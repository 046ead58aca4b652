/**
 * What cells of searched networks are made of: BN → sign → convolution of weights α_o · (±1) → activation, pools of 3 × 3 whose pads do
 * not count, sums of two edges, and concatenations of nodes.
 */
import {
  filled,
  maxPool,
  meanMagnitudes,
  products,
  sign as signOf,
  sumPool,
  type Taps,
  times,
  type Value,
} from "./arithmetic.js";
import { batchnorm, conv, type Fields, sign } from "./layers.js";
import type { See } from "./net.js";
import { normalized, type Parameters } from "./parameters.js";

const f = Math.fround;

/** Latent weights by their sign, times the mean magnitude of each filter. */
const MEAN_SIGNS: Fields = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };

/** A convolution of a cell: [outputs, channels / groups, kh, kw]. */
export interface BinaryConv {
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
  readonly taps: Taps;
  /** Pads above and below, left and right, where kernels are not square. */
  readonly pads?: readonly [number, number, number, number];
}

/** BN → sign → convolution, of the value `from`. */
export function binaryConvLayers({ name, taps }: BinaryConv, from: string): Fields[] {
  const { stride = 1, pads = 0, dilation = 1, groups = 1 } = taps;
  return [
    batchnorm(`${name}.bn`, { inputs: [from] }),
    sign(`${name}.sign`, 1),
    conv(`${name}.conv`, MEAN_SIGNS, { stride, padding: pads, padding_value: 0, dilation, groups }),
  ];
}

/** The same, given `latent` weights. */
export function binaryConv(
  { name, taps }: BinaryConv,
  x: Value,
  latent: Value,
  drawn: Parameters,
  see: See,
): Value {
  const a = see(`${name}.sign`, signOf(normalized(drawn, `${name}.bn`, x), 1));
  const sums = see(`${name}.conv`, products(a, signOf(latent, 1), taps));
  return times(sums, meanMagnitudes(latent, "output"));
}

const POOL: Taps = { stride: 1, pads: 1 };

export function poolLayer(name: string, kind: "maxpool2d" | "avgpool2d", from: string, stride = 1): Fields {
  const counted = kind === "avgpool2d" ? { count_include_pad: false } : {};
  return { type: kind, name, kernel_size: 3, stride, padding: 1, ...counted, inputs: [from] };
}

/** Sums of the taps inside the map, and their numbers. */
export function averaged(name: string, x: Value, see: See, stride = 1): Value {
  const taps = { ...POOL, stride };
  const sums = see(name, sumPool(see(`${name} input`, x), 3, taps));
  const counts = sumPool(
    filled(x.shape, () => 1),
    3,
    taps,
  );
  return filled(sums.shape, (i) => f(sums.data[i]! / counts.data[i]!));
}

export function greatest(name: string, x: Value, see: See, stride = 1): Value {
  return see(name, maxPool(x, 3, { ...POOL, stride }));
}

