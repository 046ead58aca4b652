/** Dense layers: over the last axis, whatever stands before it. */
import { shapeText } from "../../../diagnostics/text.js";
import { transpose } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { recogniseCodes } from "../../common/weights.js";
import { onlyInput } from "../call.js";
import { name } from "../fields.js";
import { layer } from "../layer.js";
import { latentWeights, quantizeWeights, weightFields } from "../weights.js";
import { addBias } from "./conv.js";

const fields = {
  weight: name("the weights' tensor: outputs × inputs"),
  bias: name("the bias' tensor: one number per output").optional(),
  ...weightFields,
};

export const linear = layer("linear", "over the last axis", fields, (call, settings) => {
  const input = onlyInput(call);
  const stored = latentWeights(settings, call.tensors.floats(settings.weight), call.tensors);
  const [outputs = 0, inputs = 0] = stored.shape;
  if (stored.shape.length !== 2 || input.shape.at(-1) !== inputs) {
    throw new Rejection(
      `an input of shape ${shapeText(input.shape)} does not fit weights of shape ${shapeText(stored.shape)}`,
      "weights are outputs × inputs; put a flatten before the first linear layer behind maps",
    );
  }
  const weights = transpose(quantizeWeights(settings.weight_quantizer, stored, call.tensors), [1, 0]);
  const shape = [...input.shape.slice(0, -1), outputs];
  const op = { kind: "dense", weights: recogniseCodes(weights, 1) } as const;
  if (settings.bias === undefined) return call.emit(op, [input], shape);
  const product = call.emit(op, [input], shape, { part: "product" });
  return addBias(call, product, settings.bias, [outputs]);
});
