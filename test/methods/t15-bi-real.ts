/**
 * T15: Bi-Real Net (Liu et al. 2018): one shortcut per binary convolution, so that a stream of float32 runs through the net and
 * each convolution reads its signs. Between stages, means of 2 × 2 and a float32 convolution bring the shortcut to size.
 */
import {
  both,
  floatProducts,
  maxPool,
  meanMagnitudes,
  over,
  products,
  relu,
  sign as signOf,
  sumPool,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, FLOAT, maxpool, paddedConv, sign } from "../support/methods/layers.js";
import {
  bundleCommand,
  inFixedPoint,
  type Method,
  type System,
  systemInFixedPoint,
} from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { normalized } from "../support/methods/parameters.js";

const f = Math.fround;

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

const BLOCKS: readonly Block[] = [
  { name: "block1", inputs: 12, outputs: 12, stride: 1 },
  { name: "block2", inputs: 12, outputs: 12, stride: 1 },
  { name: "block3", inputs: 12, outputs: 33, stride: 2 },
  { name: "block4", inputs: 33, outputs: 33, stride: 1 },
];

const kernelOf = ({ inputs, outputs }: Block): number[] => [outputs, inputs, 3, 3];

function blockLayers(block: Block, before: string, ofZero: 1 | 0): unknown[] {
  const { name, stride } = block;
  const shortcut =
    stride === 1
      ? []
      : [
          { type: "avgpool2d", name: `${name}.mean`, inputs: [before], kernel_size: 2 },
          { type: "conv2d", name: `${name}.down`, weight: `${name}.down.weight`, weight_quantizer: FLOAT },
          batchnorm(`${name}.downnorm`),
        ];
  const scale = { mean_abs: "output" };
  return [
    ...shortcut,
    sign(`${name}.sign`, ofZero, { inputs: [before] }),
    paddedConv(`${name}.conv`, { type: "sign", sign_of_zero: 1, scale }, 1, {
      // The parameter of the authors' code has the shape [outputs · inputs · 9, 1].
      weight_shape: kernelOf(block),
      stride,
    }),
    batchnorm(`${name}.bn`),
    {
      type: "add",
      name,
      inputs: [`${name}.bn`, stride === 1 ? before : `${name}.downnorm`],
    },
  ];
}

/** `ofZero` is 0 in the authors' code (torch.sign) and 1 in Larq's zoo. */
function biRealNet(name: string, ofZero: 1 | 0): MethodNet {
  return {
    name,
    input: [3, 15, 15],
    bytes: CENTERED,
    layers: [
      paddedConv("stem", FLOAT, 3, { stride: 2 }),
      batchnorm("stem.bn"),
      maxpool("pool", 3, { stride: 2, padding: 1 }),
      ...BLOCKS.flatMap((block, i) => blockLayers(block, BLOCKS[i - 1]?.name ?? "pool", ofZero)),
      { type: "relu", name: "features" },
      ...headLayers,
    ],
    reference(x, drawn, see) {
      const stem = drawn.numbers("stem.weight", [12, 3, 7, 7], () => 0.1 * drawn.random.normal());
      const s = see("stem", floatProducts(see("stem input", x), stem, { stride: 2, pads: 3 }));
      const normal = see("stem.bn as float", normalized(drawn, "stem.bn", s));
      let stream = see("pool", maxPool(normal, 3, { stride: 2, pads: 1 }));
      for (const block of BLOCKS) {
        const { name: at, inputs, outputs, stride } = block;
        const shape = kernelOf(block);
        const flat = drawn.latent(`${at}.conv.weight`, [shape.reduce((a, b) => a * b, 1), 1]);
        const latent: Value = { shape, data: flat.data };
        const a = see(`${at}.sign`, signOf(stream, ofZero));
        const sums = see(`${at}.conv`, products(a, signOf(latent, 1), { pads: 1, stride }));
        const y = normalized(drawn, `${at}.bn`, times(sums, meanMagnitudes(latent, "output")));
        let shortcut = stream;
        if (stride === 2) {
          const down = floatWeights(drawn, `${at}.down.weight`, [outputs, inputs, 1, 1]);
          const mean = see(`${at}.down input`, over(see(`${at}.mean`, sumPool(stream, 2)), 4));
          const d = see(`${at}.down`, floatProducts(mean, down));
          shortcut = see(`${at}.downnorm`, normalized(drawn, `${at}.downnorm`, d));
        }
        stream = see(
          at,
          both(see(`${at}.bn`, y), shortcut, (v, w) => f(v + w)),
        );
      }
      return head(relu(stream), drawn, see);
    },
  };
}

const system: System = {
  number: "15",
  name: "Bi-Real Net",
  paper: "Liu et al. 2018, arXiv:1808.00278",
  models: "Bi-Real-net (PyTorch, Caffe), Larq zoo",
  formats: ["bundle", "Larq", "ONNX"],
  command: bundleCommand(),
  nets: ["bi_real", "bi_real_torch"],
};

export const biReal: Method = {
  test: "T15",
  systems: [
    system,
    { ...system, number: "34", name: "Bi-Real Net, as the survey lists it", models: "as 15" },
    systemInFixedPoint(system, ["bi_real_q16"]),
  ],
  result: "exact; the stream and first and last layers in float32, summed in a stated order",
  nets: [biRealNet("bi_real", 1), biRealNet("bi_real_torch", 0), inFixedPoint(biRealNet("bi_real", 1))],
};
