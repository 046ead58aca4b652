/**
 * The small net of methods whose activations are sums of planes: a convolution of bytes, the method's quantizer and a max pool in
 * either order, convolutions with pads and stride, a dense layer with a bias.
 */
import { flatten, maxPool, overMap, plus, products, type Taps, type Value } from "./arithmetic.js";
import { batchnorm, conv, type Fields, linear, maxpool, ONE_BIT, paddedConv } from "./layers.js";
import { CENTERED, type MethodNet, type See } from "./net.js";
import { bits, normalized, type Parameters } from "./parameters.js";
import {
  type Basis,
  byBases,
  codesOf,
  maxPoolOfPlanes,
  type Planar,
  type PlaneQuantizer,
  planar,
  ranksOf,
} from "./planes.js";

const CLASSES = 10;
const RANKS = {
  q1: "thresholds that the number reaches, which tables make codes of",
  "q1 codes": "ranks of levels, of which the pool takes the greatest",
} as const;

export interface PlanesMethod {
  readonly quantizer: PlaneQuantizer;
  /** The manifest's layer of the quantizer. */
  layer(name: string): Fields;
  /** Of the layer of this name; `outputs` on the first axis. */
  readonly weightQuantizer: (name: string) => Fields;
  /** What the layer of this name computes with; its latent weights are drawn as `name.weight`. */
  bases(drawn: Parameters, name: string, shape: readonly number[]): readonly Basis[];
  /** Constants of the file that no layer draws. */
  tensors(drawn: Parameters): void;
}

/** A layer: exact sums where one plane meets one basis, so that the factors can wait; else sums of float32. */
export function planesLayer(
  input: Planar,
  bases: readonly Basis[],
  taps: Taps,
  name: string,
  see: See,
): Value {
  const isInteger = input.planes.length * bases.length === 1;
  const value = byBases(input, bases, taps);
  see(name, isInteger ? products(input.planes[0]!, bases[0]!.codes, taps) : value);
  return value;
}

export interface PlanesNetOptions {
  /** The pool stands before the normalization. */
  readonly poolFirst?: boolean;
  /** Values do not rise with codes, so that the pool compares ranks. */
  readonly isRanked?: boolean;
}

const STEM = [8, 3, 3, 3];
const SECOND = [33, 8, 3, 3];
const THIRD = [9, 33, 3, 3];

export function planesNet(
  name: string,
  method: PlanesMethod,
  { poolFirst = false, isRanked = false }: PlanesNetOptions = {},
): MethodNet {
  const { quantizer, layer, weightQuantizer } = method;
  const first = [batchnorm("bn1"), layer("q1")];
  return {
    name,
    input: [3, 11, 9],
    bytes: CENTERED,
    internal: isRanked ? RANKS : {},
    layers: [
      conv("stem", ONE_BIT),
      ...(poolFirst ? [maxpool("pool", 2), ...first] : [...first, maxpool("pool", 2)]),
      paddedConv("second", weightQuantizer("second"), 1),
      batchnorm("bn2"),
      layer("q2"),
      conv("third", weightQuantizer("third"), { padding: [1, 1, 0, 1], padding_value: 0, stride: 2 }),
      batchnorm("bn3"),
      layer("q3"),
      { type: "flatten" },
      linear("dense", weightQuantizer("dense"), { bias: "dense.bias" }),
    ],
    reference(x, drawn, see) {
      method.tensors(drawn);
      const quantized = (at: string, v: Value): Planar => planar(normalized(drawn, at, v), quantizer);
      const computed = (at: string, a: Planar, shape: readonly number[], taps: Taps): Value =>
        planesLayer(a, method.bases(drawn, at, shape), taps, at, see);
      const shown = (at: string, a: Planar): Planar => {
        see(at, codesOf(a));
        return a;
      };
      const real = see("stem", products(x, bits(drawn, "stem.weight", STEM)), 1 / 128);
      let a1: Planar;
      if (poolFirst) a1 = shown("q1", quantized("bn1", maxPool(real, 2)));
      else {
        const q1 = quantized("bn1", real);
        a1 = maxPoolOfPlanes(isRanked ? q1 : shown("q1", q1), 2);
        see("pool", isRanked ? ranksOf(a1, quantizer) : codesOf(a1));
        if (isRanked) see("q1 planes", codesOf(a1));
      }
      const y2 = computed("second", a1, SECOND, { pads: 1 });
      const y3 = computed("third", shown("q2", quantized("bn2", y2)), THIRD, {
        stride: 2,
        pads: [1, 1, 0, 1],
      });
      const map = shown("q3", quantized("bn3", y3));
      const dense = method
        .bases(drawn, "dense", [CLASSES, map.planes[0]!.data.length / x.shape[0]!])
        .map(({ codes, coefficient }) => ({ codes: overMap(codes, map.planes[0]!), coefficient }));
      const scores = flatten(planesLayer(map, dense, {}, "dense product", see));
      const bias = drawn.vector("dense.bias", CLASSES, () => drawn.random.normal());
      return plus(scores, bias);
    },
  };
}

/** Weights ±1 of latent ones, times a scale that is drawn for the layer or for each output. */
export function signBases(
  drawn: Parameters,
  name: string,
  shape: readonly number[],
  per: "output" | "tensor",
): readonly Basis[] {
  const codes = bits(drawn, `${name}.weight`, shape);
  const scales = per === "output" ? shape[0]! : 1;
  const coefficient = drawn.vector(`${name}.scale`, scales, () => 0.3 + drawn.random.next());
  return [{ codes, coefficient: [...coefficient] }];
}

/** The manifest's word for it. */
export function signQuantizer(name: string): Fields {
  return { type: "sign", sign_of_zero: 1, scale: `${name}.scale` };
}

/** Bases that the file has beside the latent weights: [basis] of codes, coefficients for the layer or [output][basis]. */
export function storedBases(
  drawn: Parameters,
  name: string,
  codes: readonly Value[],
  coefficients: (output: number, basis: number) => number,
  per: "output" | "tensor",
): readonly Basis[] {
  const rows = per === "output" ? codes[0]!.shape[0]! : 1;
  const shape = per === "output" ? [rows, codes.length] : [codes.length];
  const all = drawn.numbers(`${name}.coefficients`, shape, (i) =>
    coefficients(Math.floor(i / codes.length), i % codes.length),
  );
  return codes.map((basis, m) => ({
    codes: drawn.numbers(`${name}.basis${m}`, basis.shape, (i) => basis.data[i]!),
    coefficient: Array.from({ length: rows }, (_, n) => all.data[n * codes.length + m]!),
  }));
}

export function storedBasesQuantizer(name: string, count: number): Fields {
  return {
    type: "bases",
    codes: Array.from({ length: count }, (_, m) => `${name}.basis${m}`),
    coefficients: `${name}.coefficients`,
  };
}
