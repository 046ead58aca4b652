/** Constant: a tensor written as a node. */

import { countOf, floatConstant, intConstant } from "../../common/constant.js";
import { checkFolded, checkList, checkRank } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  tensorAttribute,
} from "../attributes.js";
import { constantValue, intInput, type OpHandler } from "../node.js";
import { readTensor } from "../tensor.js";

export const constant: OpHandler = ({ attributes, external }) => {
  const tensor = tensorAttribute(attributes, "value");
  const ints = intsAttribute(attributes, "value_ints");
  const floats = floatsAttribute(attributes, "value_floats");
  if (attributes.size === 1) {
    if (tensor !== undefined) return constantValue(readTensor(tensor, external));
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

/** Equal numbers, of the shape that the input says: parts of computed pads and shapes, branches of Where. */
export const constantOfShape: OpHandler = (node) => {
  const sizes = intInput(node, 0, "shape");
  const tensor = tensorAttribute(node.attributes, "value");
  const value =
    tensor === undefined ? floatConstant([1], Float32Array.of(0)) : readTensor(tensor, node.external);
  if (!sizes.data.every((n) => n >= 0) || value.data.length !== 1)
    throw new Rejection(`it makes a constant of shape ${listText(sizes.data, "×")}`, damaged);
  checkRank(sizes.data);
  const count = countOf(sizes.data);
  if (value.kind === "int") checkList(count);
  else checkFolded(sizes.data);
  const [element = 0] = value.data;
  return constantValue(
    value.kind === "int"
      ? intConstant(sizes.data, new Array<number>(count).fill(element))
      : floatConstant(sizes.data, new Float32Array(count).fill(element)),
  );
};
