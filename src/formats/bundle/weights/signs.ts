/** Binary and ternary weights. */
import { z } from "zod";
import { printable, shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import type { FloatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { flag, float, name } from "../fields.js";
import { signOfZeroField } from "../quantizers.js";
import type { Tensors } from "../tensors.js";
import { computable, mapWeights, numbers, over, sizeOf, withCodes } from "./fields.js";
import { groupsOf, leastSquaresThreshold, meanMagnitudes, weightedMagnitudes } from "./statistics.js";

const f = Math.fround;

const momentsText =
  "the tensor of Adam's second moments of these weights (exp_avg_sq), whose square roots weight the mean: LAB";

const meanAbs = z.strictObject({
  mean_abs: over,
  second_moments: name(momentsText).optional(),
  power_of_two: flag(
    "true or false: whether the scale is the power of two next to it, 2^round(log2 m): IR-Net",
  ).default(false),
});

const scaleOfSigns = computable(
  [meanAbs],
  '{"mean_abs": "output" or "tensor"}: the mean magnitude of the weights (of ternary ones, of those that are not 0), with "second_moments" or "power_of_two" where training had them; 1 is no scale',
);

const zeroText =
  "1, -1 or 0: the sign of a weight of exactly 0 (Larq, Brevitas and QONNX: 1; torch.sign: 0, a ternary weight)";

export const signFields = z
  .strictObject({
    type: z.literal("sign"),
    sign_of_zero: z.union([signOfZeroField, z.literal(0)], { error: zeroText }).describe(zeroText),
    scale: scaleOfSigns,
  })
  .describe("±scale");

export const ternaryFields = z
  .strictObject({
    type: z.literal("ternary"),
    threshold: computable(
      [
        z.strictObject({
          mean_abs: over,
          factor: float("what the mean magnitude is multiplied by: TWN has 0.7"),
        }),
        z.strictObject({ least_squares: over }),
      ],
      '{"mean_abs": "output" or "tensor", "factor": 0.7}, or {"least_squares": "output" or "tensor"}: what comes nearest to the weights with their mean as scale (TSQ)',
    ),
    threshold_is_zero: flag(
      "true or false: whether a magnitude of exactly the threshold becomes 0 (TWN: true)",
    ),
    scale: scaleOfSigns,
  })
  .describe("0 up to the threshold, ±scale beyond");

type Sign = z.output<typeof signFields>;
type Ternary = z.output<typeof ternaryFields>;
type MeanAbs = z.output<typeof meanAbs>;

export function signs(quantizer: Sign, weights: FloatTensor, tensors: Tensors): FloatConstant {
  const codes = Int32Array.from(weights.data, (x) => (x === 0 ? quantizer.sign_of_zero : Math.sign(x)));
  return withCodes(weights, codes, scaleOf(quantizer.scale, weights, undefined, tensors));
}

/** Ternary Weight Networks: `|x| > threshold` keeps the sign. */
export function ternary(quantizer: Ternary, weights: FloatTensor, tensors: Tensors): FloatConstant {
  const { threshold_is_zero: isZero } = quantizer;
  const limits = limitsOf(quantizer, weights, tensors);
  const odd = limits.find((t) => !(t >= 0));
  if (odd !== undefined) throw new Rejection(`its threshold is ${odd}`, "use a threshold of 0 or more");
  const codes = Int32Array.from(
    mapWeights(weights, limits, (x, limit) => {
      const magnitude = Math.abs(x);
      return magnitude > limit || (magnitude === limit && !isZero) ? Math.sign(x) : 0;
    }),
  );
  return withCodes(weights, codes, scaleOf(quantizer.scale, weights, codes, tensors));
}

function limitsOf(
  { threshold, threshold_is_zero: isZero }: Ternary,
  weights: FloatTensor,
  tensors: Tensors,
): Float32Array {
  if (typeof threshold !== "object") return numbers(threshold, weights, tensors, "threshold");
  if ("factor" in threshold)
    return meanMagnitudes(weights, threshold.mean_abs).map((m) => f(threshold.factor) * m);
  return Float32Array.from(groupsOf(weights, threshold.least_squares, weights.data), (group) => {
    const { kept, left } = leastSquaresThreshold(group);
    return isZero ? left : kept;
  });
}

function scaleOf(
  scale: Sign["scale"],
  weights: FloatTensor,
  kept: Int32Array | undefined,
  tensors: Tensors,
): Float32Array {
  if (typeof scale !== "object") return numbers(scale, weights, tensors, "scale");
  const means = meansOf(scale, weights, kept, tensors);
  return scale.power_of_two ? means.map((m) => 2 ** Math.round(Math.log2(m))) : means;
}

function meansOf(
  { mean_abs: per, second_moments: moments }: MeanAbs,
  weights: FloatTensor,
  kept: Int32Array | undefined,
  tensors: Tensors,
): Float32Array {
  if (moments === undefined) return meanMagnitudes(weights, per, kept);
  const roots = rootsOf(moments, weights, tensors).map((d, i) => (kept?.[i] === 0 ? 0 : d));
  const means = weightedMagnitudes(weights, per, roots);
  if (means.every(Number.isFinite)) return means;
  throw new Rejection(
    `"${printable(moments, 60)}" is 0 for all weights of ${per === "output" ? "an output" : "the layer"}`,
    "save the second moments after training, before the optimizer is made anew",
  );
}

/** LAB's D: the square roots of Adam's second moments. */
function rootsOf(moments: string, weights: FloatTensor, tensors: Tensors): Float32Array {
  const { shape, data } = momentsIn(moments, tensors);
  if (shapeText(shape) !== shapeText(weights.shape) || sizeOf({ shape, data }) !== sizeOf(weights))
    throw new Rejection(
      `its second moments have the shape ${shapeText(shape)} for weights of shape ${shapeText(weights.shape)}`,
      "there is one for each weight",
    );
  const odd = data.find((v) => v < 0);
  if (odd !== undefined)
    throw new Rejection(`a second moment is ${odd}`, "they are means of squares: name Adam's exp_avg_sq");
  return data.map(Math.sqrt);
}

function momentsIn(moments: string, tensors: Tensors): FloatTensor {
  if (tensors.has(moments)) return tensors.floats(moments);
  throw new Rejection(
    `there is no tensor "${printable(moments, 60)}" in the weights file, and the scale depends on Adam's second moments`,
    "save them beside the weights (optimizer.state[p]['exp_avg_sq']; acc_W in LAB's code), or give the scale that training printed as a number",
  );
}
