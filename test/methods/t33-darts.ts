/**
 * T33: cells of binarized architecture search: Beihang's BNAS (Chen et al. 2020), weights ±α with one α per tensor on float32
 * activations, depthwise and pointwise; and CP-NAS (Zhuo et al. 2020), the same cell with activations of one bit.
 */
import {
  both,
  concatenate,
  floatProducts,
  maxPool,
  products,
  relu,
  sign as signOf,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatLayerOf, meanMagnitude, normed } from "../support/methods/latent.js";
import { batchnorm, conv, FLOAT, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

const CHANNELS = 12;
const perTensor = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor" } };

/** A depthwise convolution, a pointwise one, a normalization; `before` is the activation in front of each convolution. */
interface Branch {
  readonly name: string;
  readonly kernel: readonly [number, number];
  readonly dilation: number;
  readonly stride: number;
}

/** Pads that keep the size, of an odd kernel. */
const padOf = (k: number, dilation: number): number => (dilation * (k - 1)) / 2;

/** What stands in front of convolutions, as a layer and as a definition, and how their sums are seen. */
interface Domain {
  readonly name: string;
  readonly layer: (name: string, inputs: readonly string[]) => unknown;
  readonly activate: (x: Value) => Value;
  readonly isBinary: boolean;
}

const weightOnly: Domain = {
  name: "bnas_weight_only",
  layer: (name, inputs) => ({ type: "relu", name, inputs }),
  activate: relu,
  isBinary: false,
};

const oneBit: Domain = {
  name: "cp_nas",
  layer: (name, inputs) => sign(name, 1, { inputs }),
  activate: (x) => signOf(x, 1),
  isBinary: true,
};

/** Dilated branches have one ReLU, in front of both convolutions; binary convolutions have signs each. */
const hasMiddle = ({ isBinary }: Domain, dilation: number): boolean => isBinary || dilation === 1;

function branchLayers(domain: Domain, branch: Branch, input: string): unknown[] {
  const { name, kernel, dilation, stride } = branch;
  const padding = kernel.map((k) => padOf(k, dilation));
  const depthwise = { padding, padding_value: 0, groups: CHANNELS, stride, dilation };
  return [
    domain.layer(`${name}.in`, [input]),
    conv(`${name}.dw`, perTensor, depthwise),
    ...(hasMiddle(domain, dilation) ? [domain.layer(`${name}.mid`, [`${name}.dw`])] : []),
    conv(`${name}.pw`, perTensor),
    batchnorm(name),
  ];
}

interface Told {
  readonly drawn: Parameters;
  readonly see: See;
  readonly domain: Domain;
}

/** A layer of binary weights: sums of integers or float32 numbers, times α. */
function binaryConv(told: Told, name: string, x: Value, shape: readonly number[], taps: Taps): Value {
  const w = told.drawn.latent(`${name}.weight`, shape);
  const alpha = f(meanMagnitude(w.data));
  if (told.domain.isBinary) return times(told.see(name, products(x, signOf(w, 1), taps)), alpha);
  return floatLayerOf(told.see, name, x, { codes: signOf(w, 1), scale: [alpha] }, taps);
}

function branchOf(told: Told, { name, kernel, dilation, stride }: Branch, x: Value): Value {
  const { drawn, see, domain } = told;
  const [ph, pw] = kernel.map((k) => padOf(k, dilation)) as [number, number];
  const inputName = domain.isBinary ? `${name}.in` : `${name}.dw input`;
  const a = see(inputName, domain.activate(x));
  const taps = { stride, dilation, groups: CHANNELS, pads: [ph, pw, ph, pw] } as const;
  const d = binaryConv(told, `${name}.dw`, a, [CHANNELS, 1, ...kernel], taps);
  const m = hasMiddle(domain, dilation) ? seenActivation(told, name, d) : see(`${name}.pw input`, d);
  return see(name, normed(drawn, name, binaryConv(told, `${name}.pw`, m, [CHANNELS, CHANNELS, 1, 1], {})));
}

function seenActivation({ see, domain }: Told, name: string, d: Value): Value {
  return see(domain.isBinary ? `${name}.mid` : `${name}.pw input`, domain.activate(d));
}

const BRANCHES: readonly Branch[] = [
  { name: "sep3", kernel: [3, 3], dilation: 1, stride: 1 },
  { name: "sep5", kernel: [5, 5], dilation: 1, stride: 1 },
  { name: "dil3", kernel: [3, 3], dilation: 2, stride: 1 },
  { name: "wide", kernel: [1, 7], dilation: 1, stride: 1 },
];

const addition = (name: string, a: string, b: string): unknown => ({ type: "add", name, inputs: [a, b] });

/** A cell of two nodes of two edges each and one with a skip, behind a float stem; its nodes are concatenated. */
function cell(domain: Domain): MethodNet {
  const [sep3, sep5, dil3, wide] = BRANCHES as [Branch, Branch, Branch, Branch];
  return {
    name: domain.name,
    input: [3, 9, 7],
    bytes: CENTERED,
    options: { output: "float32" },
    layers: [
      conv("stem", FLOAT),
      batchnorm("x"),
      ...branchLayers(domain, sep3, "x"),
      ...branchLayers(domain, sep5, "x"),
      addition("node1", "sep3", "sep5"),
      ...branchLayers(domain, dil3, "node1"),
      { type: "maxpool2d", name: "pool", kernel_size: 3, stride: 1, padding: 1, inputs: ["node1"] },
      batchnorm("pooled"),
      addition("node2", "dil3", "pooled"),
      ...branchLayers(domain, wide, "node2"),
      addition("node3", "wide", "x"),
      { type: "concat", name: "cell", dim: 1, inputs: ["node1", "node2", "node3"] },
    ],
    reference(x, drawn, see) {
      const told = { drawn, see, domain };
      const small = drawn.numbers("stem.weight", [CHANNELS, 3, 3, 3], () => 0.3 * drawn.random.normal());
      const y0 = see("stem", floatProducts(see("stem input", x), small));
      const stem = see("x", normed(drawn, "x", y0));
      const plus = (name: string, a: Value, b: Value): Value =>
        see(
          name,
          both(a, b, (v, w) => f(v + w)),
        );
      const node1 = plus("node1", branchOf(told, sep3, stem), branchOf(told, sep5, stem));
      const pool = see("pool", maxPool(node1, 3, { stride: 1, pads: 1 }));
      const pooled = see("pooled", normed(drawn, "pooled", pool));
      const node2 = plus("node2", branchOf(told, dil3, node1), pooled);
      const node3 = plus("node3", branchOf(told, wide, node2), stem);
      return see("cell", concatenate(node1, node2, node3));
    },
  };
}

export const dartsCells: Method = {
  test: "T33",
  systems: [
    {
      number: "39",
      name: "BNAS (Beihang)",
      paper: "Chen et al. 2020, arXiv:1911.10862",
      models: "BNAS_GNWI (XNOR.pth.tar)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "the released model: weights ±α with one α per tensor, activations in float32",
    },
    {
      number: "40",
      name: "CP-NAS",
      paper: "Zhuo et al. 2020, arXiv:2005.00057",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "the same cell with signs in place of ReLUs",
    },
  ],
  result: "exact; layers of float32 activations are summed in a stated order",
  nets: [cell(weightOnly), cell(oneBit)],
};
