/**
 * Weights of layers: the state_dict has latent weights; training transforms and quantizes them, and the net computes with
 * the codes times scales that come out. Statistics of weights are summed in float64 and rounded to float32 once; PyTorch
 * adds float32 in an order that depends on the machine.
 */
import { z } from "zod";
import type { FloatTensor } from "../../graph/types.js";
import { type FloatConstant, floatConstant } from "../common/constant.js";
import type { Tensors } from "./tensors.js";
import * as bases from "./weights/bases.js";
import * as levels from "./weights/levels.js";
import * as signs from "./weights/signs.js";
import { transformed, transformFields, weightTransforms } from "./weights/transforms.js";

/** Every quantizer of weights: its type and what a manifest says of it. */
const quantizers = {
  none: z.strictObject({ type: z.literal("none") }).describe("the weights as they are"),
  sign: signs.signFields,
  ternary: signs.ternaryFields,
  uniform: levels.uniformFields,
  dorefa: levels.dorefaFields,
  between: levels.betweenFields,
  powers_of_two: levels.powerFields,
  bases: bases.basesFields,
};

const [first, ...rest] = Object.values(quantizers);

const weightQuantizer = z
  .discriminatedUnion("type", [first!, ...rest], {
    error: `how weights are quantized: an object whose "type" is ${Object.keys(quantizers).join(", ")}`,
  })
  .meta({
    id: "weight_quantizer",
    description:
      'how the net quantizes its weights; {"type": "none"} takes them as they are, and small integers times one scale are recognised',
  });

type WeightQuantizer = z.output<(typeof quantizers)[keyof typeof quantizers]>;

/** The fields of layers with weights, beside the name of their tensor. */
export const weightFields = { weight_transforms: weightTransforms, weight_quantizer: weightQuantizer };

/** Names of fields in quantizers and transforms, of which typing errors may mean one. */
export const quantizerFields: readonly string[] = [
  ...Object.values(quantizers).flatMap((q) => Object.keys(q.shape)),
  ...transformFields,
];

type WeightSettings = z.output<z.ZodObject<typeof weightFields>>;

/** Weights, outputs on the first axis, as training had them in front of its quantizer. Throws a Rejection. */
export function latentWeights(settings: WeightSettings, stored: FloatTensor, tensors: Tensors): FloatTensor {
  return transformed(stored, settings.weight_transforms, tensors);
}

/** Weights, outputs on the first axis, as their quantizer makes them. Throws a Rejection. */
export function quantizeWeights(
  quantizer: WeightQuantizer,
  weights: FloatTensor,
  tensors: Tensors,
): FloatConstant {
  switch (quantizer.type) {
    case "none":
      return floatConstant(weights.shape, weights.data);
    case "sign":
      return signs.signs(quantizer, weights, tensors);
    case "ternary":
      return signs.ternary(quantizer, weights, tensors);
    case "uniform":
      return levels.uniform(quantizer, weights, tensors);
    case "dorefa":
      return levels.dorefa(quantizer, weights);
    case "between":
      return levels.between(quantizer, weights, tensors);
    case "powers_of_two":
      return levels.powersOfTwo(quantizer, weights);
    case "bases":
      return bases.sums(quantizer, weights, tensors);
  }
}
