/**
 * T32: BNAS (Kim et al. 2020, GIST): cells of BN → sign → convolution of α_o · (±1) with mean-centred weights → ReLU, of 3 × 3 and 5 × 5, dilated
 * or not, pools whose pads do not count, and Zeroise, which lets nothing pass. From the second cell on, the cell before is added; where the
 * cell reduces, by a float32 convolution `res` of 2 × 2 and stride 2 behind BN.
 */
import { both, floatProducts, relu, type Value } from "../support/methods/arithmetic.js";
import {
  averagePool,
  binaryConv,
  cell,
  type Edge,
  greatestPool,
  type Part,
  zeroise,
} from "../support/methods/cells.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, conv, FLOAT, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;
const C = 12;
const NODES = 3;

/** Latent weights less their mean over input channels, as the file has them. */
function centred(drawn: Parameters, name: string, shape: readonly number[]): Value {
  const [, channels, kh, kw] = shape as [number, number, number, number];
  const area = kh * kw;
  const { data } = drawn.numbers(`~${name}`, shape, () => drawn.random.normal());
  return drawn.numbers(`${name}.weight`, shape, (i) => {
    const first = i - (i % (channels * area)) + (i % area);
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += data[first + c * area]! / channels;
    return data[i]! - mean;
  });
}

const RELU = (name: string): Part => ({
  layers: () => [{ type: "relu", name: `${name}.relu` }],
  end: () => `${name}.relu`,
  run: (x, _drawn, see) => see(`${name}.relu`, relu(x)),
});

/** Pads of dilation · (k − 1) / 2. */
function convolution(
  name: string,
  channels: readonly [number, number],
  kernel: number,
  stride: number,
  dilation = 1,
): Part {
  const [outputs, inputs] = channels;
  const taps = { stride, dilation, pads: (dilation * (kernel - 1)) / 2 };
  const layer = { name, shape: [outputs, inputs, kernel, kernel] as const, taps, latent: centred };
  return binaryConv(layer, RELU(name));
}

type Operation = (name: string, channels: number, stride: number) => Part;

const same =
  (kernel: number, dilation: number): Operation =>
  (name, channels, stride) =>
    convolution(name, [channels, channels], kernel, stride, dilation);

const OPERATIONS = {
  conv_3x3: same(3, 1),
  conv_5x5: same(5, 1),
  dil_3x3: same(3, 2),
  dil_5x5: same(5, 2),
  max_pool: (name, _channels, stride) => greatestPool(name, stride),
  avg_pool: (name, _channels, stride) => averagePool(name, stride),
  zeroise: (name, _channels, stride) => zeroise(name, stride),
} as const satisfies Record<string, Operation>;

type Named = readonly [operation: keyof typeof OPERATIONS, from: number];

function edgesOf(
  name: string,
  channels: number,
  stride: number,
  nodes: readonly (readonly [Named, Named])[],
) {
  return nodes.map(
    (edges, i) =>
      edges.map(([operation, from], k): Edge => {
        const part = OPERATIONS[operation](`${name}.${i}${"ab"[k]}`, channels, from < 2 ? stride : 1);
        return { from, part, ...(operation === "zeroise" ? { isDead: true } : {}) };
      }) as [Edge, Edge],
  );
}

const FIRST = edgesOf("cell1", C, 1, [
  [
    ["conv_3x3", 0],
    ["dil_5x5", 1],
  ],
  [
    ["conv_5x5", 2],
    ["zeroise", 0],
  ],
  [
    ["avg_pool", 3],
    ["dil_3x3", 2],
  ],
]);

const SECOND = edgesOf("cell2", C, 2, [
  [
    ["dil_3x3", 0],
    ["max_pool", 1],
  ],
  [
    ["zeroise", 1],
    ["conv_3x3", 0],
  ],
  [
    ["conv_5x5", 3],
    ["avg_pool", 0],
  ],
]);

/** The inputs of cells have their width by a binary 1 × 1. */
const FITS = {
  first: [convolution("cell1.fit0", [C, C], 1, 1), convolution("cell1.fit1", [C, C], 1, 1)],
  second: [convolution("cell2.fit0", [C, C], 1, 1), convolution("cell2.fit1", [C, NODES * C], 1, 1)],
} as const;
const first = cell("cell1", ["cell1.fit0.relu", "cell1.fit1.relu"], FIRST);
const second = cell("cell2", ["cell2.fit0.relu", "cell2.fit1.relu"], SECOND);

/** The skip from the cell before: BN, then float32 2 × 2 of stride 2. */
const RES: Part = {
  layers: (from) => [batchnorm("res.bn", { inputs: [from] }), conv("res", FLOAT, { stride: 2 })],
  end: () => "res",
  run(x, drawn, see) {
    const weights = floatWeights(drawn, "res.weight", [NODES * C, NODES * C, 2, 2]);
    return see(
      "res",
      floatProducts(see("res input", normalized(drawn, "res.bn", x)), weights, { stride: 2 }),
    );
  },
};

/**
 * Values by the names of the tensors that the device has of them; it has none where only signs are taken, nor of nodes side
 * by side.
 */
const DEVICE_NAMES: Readonly<Record<string, string | undefined>> = {
  cell1: undefined,
  "cell1.fit0.relu": undefined,
  "cell1.fit1.relu": undefined,
  "cell1.1a.relu": "cell1.2a input",
  "cell2.fit0.relu": "cell2.2b input",
  "cell2.fit1.relu": undefined,
  "cell2.0b": "cell2.fit1.relu",
};

const bnas: MethodNet = {
  name: "bnas",
  input: [3, 10, 10],
  bytes: CENTERED,
  internal: { "cell2.0b": "greatest sums, of which ReLU is taken behind the pool: both keep the order" },
  layers: [
    batchnorm("stem.bn"),
    paddedConv("stem", FLOAT, 1),
    { type: "relu", name: "stem.relu" },
    ...FITS.first.flatMap((part) => part.layers("stem.relu")),
    ...first.layers,
    ...FITS.second[0].layers("stem.relu"),
    ...FITS.second[1].layers(first.end),
    ...second.layers,
    ...RES.layers(first.end),
    { type: "add", name: "skip", inputs: [second.end, "res"] },
    batchnorm("last.bn"),
    { type: "relu", name: "last" },
    ...headLayers,
  ],
  reference(x, drawn, seeAll) {
    const see: See = (name, value, unit) => {
      const shown = name in DEVICE_NAMES ? DEVICE_NAMES[name] : name;
      return shown === undefined ? value : seeAll(shown, value, unit);
    };
    const run = (parts: readonly [Part, Part], a: Value, b: Value): [Value, Value] => [
      parts[0].run(a, drawn, see),
      parts[1].run(b, drawn, see),
    ];
    const w = floatWeights(drawn, "stem.weight", [C, 3, 3, 3]);
    const normal = see("stem input", normalized(drawn, "stem.bn", x));
    const stem = relu(see("stem", floatProducts(normal, w, { pads: 1 })));
    const y = first.run(run(FITS.first, stem, stem), drawn, see);
    const z = second.run(run(FITS.second, stem, y), drawn, see);
    const sum = see(
      "skip",
      both(z, RES.run(y, drawn, see), (v, r) => f(v + r)),
    );
    return head(relu(normalized(drawn, "last.bn", sum)), drawn, see);
  },
};

export const bnasGist: Method = {
  test: "T32",
  systems: [
    {
      number: "38",
      name: "BNAS (GIST)",
      paper: "Kim et al. 2020, arXiv:2002.06963",
      models: "gistvision/bnas (PyTorch)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result:
    "exact; what pools and sums make is float32, as are `res`, first and last layers, in a stated order",
  nets: [bnas],
};
