/**
 * T24: LQ-Nets (Zhang et al. 2018): weights Σ v_i · (±1) with bases of each output, activations Σ u_j · {0, 1} behind ReLU, to the nearest
 * level: more than halfway is above. A ResNet with its quantizers in front of layers; shortcuts of type A (means and new channels of 0).
 */
import {
  both,
  channelsInOrder,
  floatProducts,
  over,
  relu,
  sumPool,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, type Fields, FLOAT, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters, randomBits } from "../support/methods/parameters.js";
import { type Basis, byBases, codesOf, type PlaneQuantizer, planar } from "../support/methods/planes.js";
import { storedBases, storedBasesQuantizer } from "../support/methods/planes-net.js";

const f = Math.fround;
/** One number of an activation's basis is negative, so that levels are sorted otherwise than codes. */
const BASIS = [0.93, -0.31].map(f);
const value = ([a, b]: readonly number[]): number => f(f(BASIS[0]! * a!) + f(BASIS[1]! * b!));
/** The planes of each level, the least level first. */
export const LEVELS: readonly (readonly [number, number])[] = (
  [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const
).toSorted((a, b) => value(a) - value(b));
const HALFWAY = [1, 2, 3].map((i) => f(f(value(LEVELS[i - 1]!) + value(LEVELS[i]!)) / 2));

const quantizer: PlaneQuantizer = {
  coefficients: BASIS,
  encode: (x) => LEVELS[HALFWAY.filter((t) => x > t).length]!,
};

const quantizerLayer = (name: string): Fields => ({
  type: "levels",
  name,
  thresholds: "thresholds",
  at_threshold: "below",
  codes: LEVELS.map(([a, b]) => 2 * a + b),
  coefficients: "basis",
  alphabet: "bits",
});

/** Two bases: of most outputs positive and rising; one is not sorted, one has a negative number. */
function basesOf(drawn: Parameters, name: string, shape: readonly number[]): readonly Basis[] {
  const latent = drawn.latent(`${name}.weight`, shape);
  const codes = [0, 1].map(() => randomBits(drawn.random, latent));
  const size = (n: number, m: number): number => {
    const isSecond = n === 1 ? m === 0 : m === 1;
    const magnitude = (isSecond ? 0.06 : 0.02) + drawn.random.next() / 40;
    return n === 2 && m === 1 ? -magnitude : magnitude;
  };
  return storedBases(drawn, name, codes, size, "output");
}

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

const BLOCKS: readonly Block[] = [
  { name: "block1", inputs: 12, outputs: 12, stride: 1 },
  { name: "block2", inputs: 12, outputs: 33, stride: 2 },
];

const activated = (name: string, more: Fields = {}): unknown[] => [
  batchnorm(`${name}.bn`, more),
  { type: "relu", name: `${name}.relu` },
  quantizerLayer(`${name}.q`),
];

function blockLayers({ name, inputs, outputs, stride }: Block, before: string): unknown[] {
  const shortcut =
    stride === 1
      ? []
      : [
          { type: "avgpool2d", name: `${name}.mean`, inputs: [before], kernel_size: 2 },
          {
            type: "pad",
            name: `${name}.shortcut`,
            before: [0, 0, 0, 0],
            after: [0, outputs - inputs, 0, 0],
            value: 0,
          },
        ];
  const layer = (at: string, steps: number): Fields => {
    const borders = steps === 1 ? 1 : [0, 0, 1, 1];
    return {
      ...paddedConv(at, storedBasesQuantizer(at, 2), 1, { stride: steps }),
      padding: borders,
    };
  };
  return [
    ...shortcut,
    ...activated(`${name}.a`, { inputs: [before] }),
    layer(`${name}.conv1`, stride),
    ...activated(`${name}.b`),
    layer(`${name}.conv2`, 1),
    { type: "add", name, inputs: [`${name}.conv2`, stride === 1 ? before : `${name}.shortcut`] },
  ];
}

function block({ name, inputs, outputs, stride }: Block, x: Value, drawn: Parameters, see: See): Value {
  const layer = (part: string, at: string, v: Value, shape: readonly number[], steps: number): Value => {
    const a = planar(relu(normalized(drawn, `${name}.${part}.bn`, v)), quantizer);
    see(`${name}.${part}.q`, codesOf(a));
    const pads = steps === 1 ? 1 : ([0, 0, 1, 1] as const);
    return see(`${name}.${at}`, byBases(a, basesOf(drawn, `${name}.${at}`, shape), { stride: steps, pads }));
  };
  const y1 = layer("a", "conv1", x, [outputs, inputs, 3, 3], stride);
  const y2 = layer("b", "conv2", y1, [outputs, outputs, 3, 3], 1);
  let shortcut = x;
  if (stride === 2) {
    const mean = over(see(`${name}.mean`, sumPool(x, 2)), 4);
    const order = Array.from({ length: outputs }, (_, c) => (c < inputs ? c : -1));
    shortcut = channelsInOrder(see(`${name}.shortcut input`, mean), order);
    see(`${name}.shortcut`, shortcut);
  }
  return see(
    name,
    both(y2, shortcut, (v, w) => f(v + w)),
  );
}

const lqNet: MethodNet = {
  name: "lq_resnet",
  input: [3, 8, 8],
  bytes: CENTERED,
  layers: [
    paddedConv("stem", FLOAT, 1),
    ...BLOCKS.flatMap((b, i) => blockLayers(b, BLOCKS[i - 1]?.name ?? "stem")),
    batchnorm("last.bn"),
    { type: "relu", name: "last" },
    ...headLayers,
  ],
  reference(x, drawn, see) {
    drawn.vector("thresholds", HALFWAY.length, (i) => HALFWAY[i]!);
    drawn.vector("basis", BASIS.length, (i) => BASIS[i]!);
    const w = floatWeights(drawn, "stem.weight", [12, 3, 3, 3]);
    const stem = see("stem", floatProducts(see("stem input", x), w, { pads: 1 }));
    const y = BLOCKS.reduce((v, b) => block(b, v, drawn, see), stem);
    return head(relu(normalized(drawn, "last.bn", y)), drawn, see);
  },
};

export const lqNets: Method = {
  test: "T24",
  systems: [
    {
      number: "28",
      name: "LQ-Nets",
      paper: "Zhang et al. 2018, arXiv:1807.10029",
      models: "LQ-Nets (TensorFlow)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; planes by bases, the stream and first and last layers in float32, summed in a stated order",
  nets: [lqNet],
};
