/**
 * T20: BATS (Bulat et al. 2020): a normal and a reduction cell, 36 channels in 12 groups of 3. Operations are BN → sign → grouped convolution →
 * PReLU (with a negative slope) → channel shuffle → + x where the stride is 1; besides, pools whose pads do not count, skips, the reducing
 * skip (two convolutions of stride 2, the second of the map without its first row and column), and none. The cells' inputs are made fit
 * by 1 × 1.
 */
import {
  concatenate,
  floatProducts,
  prelu,
  relu,
  type Taps,
  type Value,
} from "../support/methods/arithmetic.js";
import {
  averagePool,
  binaryConv,
  cell,
  chain,
  type Edge,
  greatestPool,
  type Part,
  residual,
  SKIP,
  shuffle,
  zeroise,
} from "../support/methods/cells.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, FLOAT, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

const C = 36;
const GROUPS = 12;
const SHUFFLED = 4;

function activation(name: string): Part {
  return {
    layers: () => [{ type: "prelu", name: `${name}.act`, weight: `${name}.act.weight` }],
    end: () => `${name}.act`,
    run: (x, drawn, see) => see(`${name}.act as float`, prelu(x, slopesOf(drawn, name, x.shape[1]!))),
  };
}

function slopesOf(drawn: Parameters, name: string, channels: number): Float32Array {
  const slope = (c: number): number => (c === 4 ? -0.25 : 0.1 + drawn.random.next() / 4);
  return drawn.vector(`${name}.act.weight`, channels, slope);
}

const latent = (drawn: Parameters, name: string, shape: readonly number[]): Value =>
  drawn.latent(`${name}.weight`, shape);

function grouped(name: string, outputs: number, [kh, kw]: readonly [number, number], taps: Taps): Part {
  const layer = {
    name,
    shape: [outputs, C / GROUPS, kh, kw] as const,
    taps: { ...taps, groups: GROUPS },
    latent,
  };
  return binaryConv(layer, activation(name));
}

/** An operation with a kernel; maps keep their size where the stride is 1. */
function convolution(name: string, kernel: readonly [number, number], stride: number, dilation = 1): Part {
  const [rows, columns] = kernel.map((k) => ((k - 1) / 2) * dilation) as [number, number];
  const taps = { stride, dilation, pads: [rows, columns, rows, columns] as const };
  const shuffled = chain(grouped(name, C, kernel, taps), shuffle(`${name}.shuffle`, SHUFFLED));
  return stride === 1 ? residual(`${name}.sum`, shuffled) : shuffled;
}

/** Two halves of the channels from every other pixel, the second from those between. */
function reducingSkip(name: string): Part {
  const half = (which: string): Part => {
    const at = `${name}.${which}`;
    return binaryConv({ name: at, shape: [C / 2, C, 1, 1], taps: { stride: 2 }, latent }, activation(at));
  };
  const [even, odd] = [half("even"), half("odd")];
  const [rows, columns] = [2, 3].map((dim) => ({ type: "slice", name: `${name}.crop${dim}`, dim, start: 1 }));
  return {
    layers: (from) => [
      ...even.layers(from),
      { ...rows, inputs: [from] },
      columns,
      ...odd.layers(columns!.name),
      { type: "concat", name, dim: 1, inputs: [even.end(from), odd.end("")] },
    ],
    end: () => name,
    run: (x, drawn, see) =>
      see(name, concatenate(even.run(x, drawn, see), odd.run(withoutFirst(x), drawn, see))),
  };
}

function withoutFirst(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const data = x.data.filter((_, i) => i % width > 0 && Math.floor(i / width) % height > 0);
  return { shape: [batch, channels, height - 1, width - 1], data };
}

type Operation = (name: string, stride: number) => Part;

const OPERATIONS = {
  conv_3x3: (name, stride) => convolution(name, [3, 3], stride),
  sep_7x7: (name, stride) =>
    chain(convolution(`${name}.a`, [7, 7], stride), convolution(`${name}.b`, [7, 7], 1)),
  dil_5x5: (name, stride) => convolution(name, [5, 5], stride, 2),
  conv_7x1_1x7: (name, stride) =>
    chain(convolution(`${name}.a`, [1, 7], stride), convolution(`${name}.b`, [7, 1], 1)),
  avg_pool: averagePool,
  max_pool: greatestPool,
  skip: (name, stride) => (stride === 1 ? SKIP : reducingSkip(name)),
  none: zeroise,
} as const satisfies Record<string, Operation>;

type Named = readonly [operation: keyof typeof OPERATIONS, from: number];

/** In a reduction cell, edges that read the cell's inputs have the stride 2. */
function edgesOf(name: string, isReduction: boolean, nodes: readonly (readonly [Named, Named])[]) {
  return nodes.map(
    (edges, i) =>
      edges.map(([operation, from], k): Edge => {
        const part = OPERATIONS[operation](`${name}.${i}${"ab"[k]}`, isReduction && from < 2 ? 2 : 1);
        return { from, part, ...(operation === "none" ? { isDead: true } : {}) };
      }) as [Edge, Edge],
  );
}

const NORMAL = edgesOf("normal", false, [
  [
    ["conv_3x3", 0],
    ["sep_7x7", 1],
  ],
  [
    ["dil_5x5", 2],
    ["none", 0],
  ],
  [
    ["avg_pool", 3],
    ["skip", 1],
  ],
  [
    ["max_pool", 2],
    ["conv_7x1_1x7", 4],
  ],
]);

const REDUCTION = edgesOf("reduction", true, [
  [
    ["conv_7x1_1x7", 0],
    ["avg_pool", 1],
  ],
  [
    ["max_pool", 0],
    ["skip", 1],
  ],
  [
    ["dil_5x5", 1],
    ["skip", 2],
  ],
  [
    ["none", 1],
    ["conv_3x3", 3],
  ],
]);

/** 1 × 1 of all channels, and PReLU: the inputs of a cell. */
function fitted(name: string, channels: number): Part {
  return binaryConv({ name, shape: [C, channels, 1, 1], taps: {}, latent }, activation(name));
}

const FITS = {
  normal: [fitted("normal.fit0", C), fitted("normal.fit1", C)],
  reduction: [fitted("reduction.fit0", C), fitted("reduction.fit1", 4 * C)],
} as const;
const normal = cell("normal", ["normal.fit0.act", "normal.fit1.act"], NORMAL);
const reduction = cell("reduction", ["reduction.fit0.act", "reduction.fit1.act"], REDUCTION);

/**
 * Where a shuffle or a crop waits, tensors have channels in the order, or positions, that they had before it; what reads them is
 * compared in the model's order.
 */
const UNMOVED = "it has the order or the extent before a shuffle or a crop that waits";
const internal = Object.fromEntries(
  [
    ...[
      "normal.0a",
      "normal.0b.a",
      "normal.0b.b",
      "normal.1a",
      "normal.3b.a",
      "normal.3b.b",
      "reduction.3b",
    ].flatMap((at) => [`${at}.act`, `${at}.act as float`, `${at}.sum selection`]),
    ...["sum", "sign", "act", "act as float", "conv selection"].map((part) => `reduction.0a.b.${part}`),
    ...["reduction.0a.a.act as float", "reduction.node0 selection", "reduction.node2 selection"],
    ...["reduction.2a.act", "reduction.2a.act as float"],
    ...["even.act", "even.act as float", "odd.act as float", "odd.sign", "odd.conv selection"].map(
      (part) => `reduction.1b.${part}`,
    ),
    ...["reduction.1b", "reduction.fit1.act as float"],
  ].map((name) => [name, UNMOVED]),
);

const bats: MethodNet = {
  name: "bats",
  input: [3, 8, 8],
  bytes: CENTERED,
  internal,
  layers: [
    paddedConv("stem", FLOAT, 1),
    batchnorm("stem.bn"),
    ...FITS.normal.flatMap((part) => part.layers("stem.bn")),
    ...normal.layers,
    ...FITS.reduction[0].layers("stem.bn"),
    ...FITS.reduction[1].layers(normal.end),
    ...reduction.layers,
    { type: "relu", name: "last" },
    ...headLayers,
  ],
  reference(x, drawn, seeAll) {
    // Nodes are never put side by side before they are read.
    const isApart = (name: string): boolean => name === "normal" || name === "reduction";
    const see: See = (name, value, unit) =>
      name in internal || isApart(name) ? value : seeAll(name, value, unit);
    const w = floatWeights(drawn, "stem.weight", [C, 3, 3, 3]);
    const stem = see("stem", floatProducts(see("stem input", x), w, { pads: 1 }));
    const s = normalized(drawn, "stem.bn", stem);
    const both = FITS.normal.map((part) => part.run(s, drawn, see)) as [Value, Value];
    const y = normal.run(both, drawn, see);
    const [before, after] = FITS.reduction;
    const input = see("reduction.0b input", after.run(y, drawn, see));
    const z = reduction.run([before.run(s, drawn, see), input], drawn, see);
    return head(relu(z), drawn, see);
  },
};

export const batsCells: Method = {
  test: "T20",
  systems: [
    {
      number: "20",
      name: "BATS",
      paper: "Bulat et al. 2020, arXiv:2003.01711",
      models: "binary-networks-pytorch",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
    {
      number: "41",
      name: "BATS, as the list of searched networks has it",
      paper: "Bulat et al. 2020, arXiv:2003.01711",
      models: "as 20",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result:
    "exact; what PReLUs, pools and sums make is float32, as are first and last layers, in a stated order",
  nets: [bats],
};
