/**
 * T03: XNOR-Net (Rastegari et al. 2016). BN → sign → convolution → ReLU → pool, twice, between layers of floats; weights α_o · sign
 * of latent ones that are centred over input channels and clamped to ±1. The authors' code has no K; as the paper has it, K = A ∗ k with
 * A the mean over channels of |BN(x)|, k a box with the convolution's own pads of 0 and stride, and Y = (sign ⊛ sign) · K · α.
 */
import {
  both,
  flatten,
  floatProducts,
  magnitude,
  maxPool,
  meanMagnitudes,
  over,
  overMap,
  products,
  relu,
  sign as signOf,
  sumOfChannels,
  sumPool,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights } from "../support/methods/head.js";
import {
  arithmetic,
  batchnorm,
  FLOAT,
  linear,
  maxpool,
  ONE_BIT,
  paddedConv,
  sign,
} from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;
/** Kernels of 5 × 5. */
const AREA = 25;

/** How K is computed, if it is. */
type WithK = "none" | "convolution" | "average pool";

interface Block {
  readonly at: 1 | 2;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

function blocksOf(k: WithK): readonly [Block, Block] {
  return [
    { at: 1, inputs: 3, outputs: 33, stride: k === "none" ? 1 : 2 },
    { at: 2, inputs: 33, outputs: 12, stride: 1 },
  ];
}

/** Latent weights less their mean over input channels, clamped to ±1, as the file has them. */
function centred(drawn: Parameters, name: string, shape: readonly number[]): Value {
  const [, channels] = shape as [number, number];
  const { data } = drawn.numbers(`~${name}`, shape, () => drawn.random.normal());
  return drawn.numbers(`${name}.weight`, shape, (i) => {
    const position = i % AREA;
    const first = i - (i % (channels * AREA)) + position;
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += data[first + c * AREA]! / channels;
    return Math.max(-1, Math.min(1, data[i]! - mean));
  });
}

function blockLayers({ at, stride }: Block, k: WithK): unknown[] {
  const before = [batchnorm(`bn${at}`), sign(`sign${at}`, 1)];
  const after = { type: "relu", name: `relu${at}` };
  if (k === "none") {
    const weights = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };
    return [...before, paddedConv(`conv${at}`, weights, 2, { stride }), after];
  }
  const box =
    k === "convolution"
      ? paddedConv(`k${at}`, FLOAT, 2, { stride, weight: "box" })
      : { type: "avgpool2d", name: `k${at}`, kernel_size: 5, stride, padding: 2, count_include_pad: true };
  return [
    ...before,
    paddedConv(`conv${at}`, ONE_BIT, 2, { stride }),
    { type: "abs", name: `abs${at}`, inputs: [`bn${at}`] },
    { type: "mean", name: `a${at}`, dim: [1] },
    box,
    { type: "multiply", name: `product${at}`, inputs: [`conv${at}`, `k${at}`] },
    arithmetic(`scaled${at}`, "multiply", `alpha${at}`),
    after,
  ];
}

/** What a block gives, and what of it the device has: no factor α > 0 and no ReLU changes which number is greatest. */
interface Result {
  readonly value: Value;
  readonly unscaled: Value;
}

function block(
  { at, inputs, outputs, stride }: Block,
  x: Value,
  k: WithK,
  drawn: Parameters,
  see: See,
): Result {
  const normal = normalized(drawn, `bn${at}`, x);
  const weights = centred(drawn, `conv${at}`, [outputs, inputs, 5, 5]);
  const alpha = meanMagnitudes(weights, "output");
  const taps: Taps = { stride, pads: 2 };
  const a = see(`sign${at}`, signOf(normal, 1));
  const sums = see(`conv${at}`, products(a, signOf(weights, 1), taps));
  if (k === "none") return { value: relu(times(sums, alpha)), unscaled: sums };
  drawn.vector(`alpha${at}`, outputs, (n) => alpha[n]!);
  const magnitudes = see(`abs${at}`, magnitude(normal));
  const mean = over(see(`a${at} sum`, sumOfChannels(magnitudes)), inputs);
  const map = boxFiltered(see(`k${at} input`, mean), at, k, taps, drawn, see);
  const scaled = see(
    `product${at}`,
    both(see(`product${at} input`, sums), map, (v, w) => f(v * w)),
  );
  return { value: relu(times(scaled, alpha)), unscaled: scaled };
}

/** K: the sum over a box, and one product or one division behind it. */
function boxFiltered(a: Value, at: number, k: WithK, taps: Taps, drawn: Parameters, see: See): Value {
  if (k === "average pool") return see(`k${at} as float`, over(see(`k${at}`, sumPool(a, 5, taps)), AREA));
  const box = drawn.numbers("box", [1, 1, 5, 5], () => 1 / AREA);
  const sums = see(`k${at}`, floatProducts(a, { ...box, data: box.data.map(() => 1) }, taps));
  return see(`k${at} as float`, times(sums, box.data.slice(0, 1)));
}

function xnorNet(name: string, k: WithK): MethodNet {
  const [first, second] = blocksOf(k);
  return {
    name,
    input: [3, 11, k === "none" ? 13 : 9],
    bytes: CENTERED,
    layers: [
      paddedConv("first", FLOAT, 1),
      ...blockLayers(first, k),
      ...(k === "none" ? [maxpool("pool1", 3, { stride: 2 })] : []),
      ...blockLayers(second, k),
      maxpool("pool2", 3, { stride: 2 }),
      { type: "flatten" },
      linear("last", FLOAT),
    ],
    reference(x, drawn, see) {
      const w = floatWeights(drawn, "first.weight", [3, 3, 3, 3]);
      let y = see("first", floatProducts(see("first input", x), w, { pads: 1 }));
      y = block(first, y, k, drawn, see).value;
      if (k === "none") y = maxPool(y, 3, { stride: 2 });
      const { value, unscaled } = block(second, y, k, drawn, see);
      see("pool2", maxPool(unscaled, 3, { stride: 2 }));
      const features = maxPool(value, 3, { stride: 2 });
      const last = floatWeights(drawn, "last.weight", [5, features.data.length / x.shape[0]!]);
      return flatten(floatProducts(see("last input", features), overMap(last, features)));
    },
  };
}

export const xnor: Method = {
  test: "T03",
  systems: [
    {
      number: "3",
      name: "XNOR-Net",
      paper: "Rastegari et al. 2016, arXiv:1603.05279",
      models: "XNOR-Net (Torch), XNOR-Net-PyTorch, BMXNet, Larq zoo",
      formats: ["bundle", "Larq", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; K and first and last layers in float32, summed in a stated order",
  nets: [xnorNet("xnor", "none"), xnorNet("xnor_k", "convolution"), xnorNet("xnor_k_pool", "average pool")],
};
