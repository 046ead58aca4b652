/** Constant: a tensor written as a node. */
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  tensorAttribute,
} from "../attributes.js";
import { floatConstant, intConstant } from "../constant.js";
import { constantValue, type OpHandler } from "../node.js";
import { Rejection } from "../rejection.js";
import { readTensor } from "../tensor.js";

export const constant: OpHandler = ({ attributes }) => {
  const tensor = tensorAttribute(attributes, "value");
  const ints = intsAttribute(attributes, "value_ints");
  const floats = floatsAttribute(attributes, "value_floats");
  if (attributes.size === 1) {
    if (tensor !== undefined) return constantValue(readTensor(tensor));
    if (ints !== undefined) return constantValue(intConstant([ints.length], ints));
    if (floats !== undefined) return constantValue(floatConstant([floats.length], Float32Array.from(floats)));
    if (attributes.has("value_int"))
      return constantValue(intConstant([], [intAttribute(attributes, "value_int", 0)]));
    if (attributes.has("value_float"))
      return constantValue(floatConstant([], Float32Array.of(floatAttribute(attributes, "value_float", 0))));
  }
  throw new Rejection(
    "it does not hold exactly one value of a supported kind",
    "use float32 or int64 constants",
  );
};
