/**
 * A binary net of CIFAR-10's size: 3×3 convolutions of 64, 64, 128, 128, 256 and 256 channels on 32×32×3, a pool after every
 * second one, a dense layer of ten classes. Weights are drawn at random, thresholds lie near the middle.
 */
import { type CompiledModel, type CompileOptions, compileModelFile } from "../../src/compile.js";
import { floats, node, onnxFile, scalar } from "./onnx.js";
import { Random } from "./random-graph.js";

const WIDTHS = [64, 64, 128, 128, 256, 256];

type Node = ReturnType<typeof node>;
type Constants = Record<string, ReturnType<typeof floats>>;

/** @param part Of all widths: 1 or 1/2. */
export function cifarNet(part: number, options: CompileOptions = {}): CompiledModel {
  const random = new Random(12_345);
  const signs = (count: number): number[] => Array.from({ length: count }, () => random.pick([-1, 1]));
  const nodes: Node[] = [];
  const constants: Constants = { one: scalar(1) };
  let [at, channels, side] = ["x", 3, 32];
  WIDTHS.map((width) => width * part).forEach((width, i) => {
    const shape = [width, channels, 3, 3];
    constants[`w${i}`] = floats(shape, signs(9 * width * channels));
    Object.assign(constants, normalization(random, i, width));
    nodes.push(
      node("Conv", `${at} w${i}`, { pads: [1, 1, 1, 1] }, `conv${i}`),
      node("BatchNormalization", `conv${i} gamma${i} beta${i} mean${i} variance${i}`, {}, `normal${i}`),
      node("BipolarQuant", `normal${i} one`, {}, `sign${i}`),
    );
    [at, channels] = [`sign${i}`, width];
    if (i % 2 === 0) return;
    nodes.push(node("MaxPool", at, { kernel_shape: [2, 2], strides: [2, 2] }, `pool${i}`));
    [at, side] = [`pool${i}`, side / 2];
  });
  const inputs = channels * side * side;
  constants.classes = floats([10, inputs], signs(10 * inputs));
  nodes.push(node("Flatten", at, {}, "flat"), node("Gemm", "flat classes", { transB: 1 }, "y"));
  return compileModelFile(onnxFile({ nodes, inputs: { x: [1, 3, 32, 32] }, constants }), "cifar.onnx", {
    input: { type: "u8", affine: { numerator: 1, denominator: 255, zero: 0 } },
    ...options,
  });
}

function normalization(random: Random, i: number, width: number): Constants {
  const drawn = (draw: () => number): number[] => Array.from({ length: width }, draw);
  return {
    [`gamma${i}`]: floats(
      [width],
      drawn(() => 1),
    ),
    [`beta${i}`]: floats(
      [width],
      drawn(() => random.integer(-4, 4) / 8),
    ),
    [`mean${i}`]: floats(
      [width],
      drawn(() => random.integer(-4, 4)),
    ),
    [`variance${i}`]: floats(
      [width],
      drawn(() => 4),
    ),
  };
}
