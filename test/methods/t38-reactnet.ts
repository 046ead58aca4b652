/**
 * T38: ReActNet (Liu et al. 2020), as the authors' MobileNet has it: signs and PReLUs between learned shifts, weights α_o · (±1), a
 * binary 3 × 3 and a binary 1 × 1 convolution per block, each with a shortcut. Where channels double, two 1 × 1 convolutions read the
 * same signs, both add the same shortcut, and their outputs stand one after another.
 */
import {
  both,
  concatenate,
  floatProducts,
  over,
  products,
  sign as signOf,
  sumPool,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { MEAN_SIGNS } from "../support/methods/cells.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { meanMagnitude, normed, perFilter } from "../support/methods/latent.js";
import { batchnorm, conv, FLOAT, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";
import {
  shiftedPrelu,
  shiftedPreluLayers,
  shiftedSign,
  shiftedSignLayers,
} from "../support/methods/shifted.js";

const f = Math.fround;

interface Block {
  readonly name: string;
  readonly before: string;
  readonly channels: number;
  /** Half the size, twice the channels. */
  readonly isDown: boolean;
}

const BLOCKS: readonly Block[] = [
  { name: "block1", before: "stem.bn", channels: 12, isDown: false },
  { name: "block2", before: "block1", channels: 12, isDown: true },
];

/** The names of the 1 × 1 convolutions. */
const pointwiseOf = ({ name, isDown }: Block): string[] =>
  isDown ? [`${name}.left`, `${name}.right`] : [`${name}.pw`];

function blockLayers(block: Block): unknown[] {
  const { name, before, isDown } = block;
  const shortcut = isDown ? `${name}.mean` : before;
  const pointwise = pointwiseOf(block);
  return [
    ...(isDown ? [{ type: "avgpool2d", name: shortcut, kernel_size: 2, inputs: [before] }] : []),
    ...shiftedSignLayers(`${name}.sign1`, before),
    paddedConv(`${name}.conv`, MEAN_SIGNS, 1, { stride: isDown ? 2 : 1 }),
    batchnorm(`${name}.bn1`),
    { type: "add", name: `${name}.sum1`, inputs: [shortcut, `${name}.bn1`] },
    ...shiftedPreluLayers(`${name}.act1`),
    ...shiftedSignLayers(`${name}.sign2`, `${name}.act1`),
    ...pointwise.flatMap((pw) => [
      conv(pw, MEAN_SIGNS, { inputs: [`${name}.sign2`] }),
      batchnorm(`${pw}.bn`),
      { type: "add", name: `${pw}.sum`, inputs: [`${pw}.bn`, `${name}.act1`] },
    ]),
    ...(isDown
      ? [{ type: "concat", name: `${name}.all`, dim: 1, inputs: pointwise.map((pw) => `${pw}.sum`) }]
      : []),
    ...shiftedPreluLayers(name),
  ];
}

/** BN of signs by α_o · (±1). */
function binary(
  name: string,
  norm: string,
  a: Value,
  size: number,
  taps: Taps,
  drawn: Parameters,
  see: See,
): Value {
  const channels = a.shape[1]!;
  const w = drawn.latent(`${name}.weight`, [channels, channels, size, size]);
  const d = see(name, products(a, signOf(w, 1), taps));
  return see(norm, normed(drawn, norm, times(d, perFilter(w, meanMagnitude)), { ofScores: true }));
}

const add = (a: Value, b: Value): Value => both(a, b, (v, w) => f(v + w));

function block(part: Block, x: Value, drawn: Parameters, see: See): Value {
  const { name, isDown } = part;
  const a1 = see(`${name}.sign1`, shiftedSign(drawn, `${name}.sign1`, x));
  const y1 = binary(`${name}.conv`, `${name}.bn1`, a1, 3, { pads: 1, stride: isDown ? 2 : 1 }, drawn, see);
  const shortcut = isDown ? see(`${name}.mean as float`, over(see(`${name}.mean`, sumPool(x, 2)), 4)) : x;
  const sum = see(`${name}.sum1`, add(shortcut, y1));
  const middle = see(`${name}.act1`, shiftedPrelu(drawn, `${name}.act1`, sum, see));
  const a2 = see(`${name}.sign2`, shiftedSign(drawn, `${name}.sign2`, middle));
  const sums = pointwiseOf(part).map((pw) =>
    see(`${pw}.sum`, add(binary(pw, `${pw}.bn`, a2, 1, {}, drawn, see), middle)),
  );
  // What reads both halves reads each by itself: they are never put together.
  const joined = isDown ? concatenate(...sums) : sums[0]!;
  return part === BLOCKS.at(-1)
    ? shiftedPrelu(drawn, name, joined)
    : see("block2.mean input", shiftedPrelu(drawn, name, joined, see));
}

const reactNet: MethodNet = {
  name: "reactnet",
  input: [3, 12, 12],
  bytes: CENTERED,
  layers: [
    paddedConv("stem", FLOAT, 1, { stride: 2 }),
    batchnorm("stem.bn"),
    ...BLOCKS.flatMap(blockLayers),
    ...headLayers,
  ],
  reference(x, drawn, see) {
    const w = floatWeights(drawn, "stem.weight", [12, 3, 3, 3]);
    const stem = see("stem", floatProducts(see("stem input", x), w, { pads: 1, stride: 2 }));
    let stream = see("stem.bn", normed(drawn, "stem.bn", stem, { ofScores: true }));
    for (const part of BLOCKS) stream = block(part, stream, drawn, see);
    return head(stream, drawn, see);
  },
};

export const reactNetMethod: Method = {
  test: "T38",
  systems: [
    {
      number: "45",
      name: "ReActNet",
      paper: "Liu et al. 2020, arXiv:2003.03488",
      models: "ReActNet (PyTorch)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; the stream and first and last layers in float32, summed in a stated order",
  nets: [reactNet],
};
