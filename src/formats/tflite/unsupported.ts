import { didYouMean } from "../../diagnostics/text.js";
import { tfliteOps } from "./registry.js";

const activation = "replace it by a sign or a ReLU and train again";
const rescaled = "convert without resizing: pools and strides only make maps smaller";

/** What helps with operators that users are likely to have. */
const remedies: ReadonlyMap<string, string> = new Map([
  ["HARD_SWISH", activation],
  ["ELU", activation],
  ["TRANSPOSE_CONV", rescaled],
  ["RESIZE_BILINEAR", rescaled],
  ["RESIZE_NEAREST_NEIGHBOR", rescaled],
  [
    "SPACE_TO_BATCH_ND",
    "convert dilated convolutions with Larq Compute Engine's converter, which keeps them whole",
  ],
  [
    "BATCH_TO_SPACE_ND",
    "convert dilated convolutions with Larq Compute Engine's converter, which keeps them whole",
  ],
  ["MIRROR_PAD", "pad with zeros"],
  ["SPLIT", "write it as slices"],
  ["SPLIT_V", "write it as slices"],
  ["BATCH_MATMUL", "only layers with fixed weights are supported"],
]);

/** Longer names are no typing errors; comparing them would take long. */
const LONGEST_NAME = 40;

/** What a user can do about an operator that is not in the registry. */
export function unsupportedRemedy(op: string, isCustom: boolean): string {
  const known = isCustom ? undefined : remedies.get(op);
  if (known !== undefined) return known;
  if (isCustom && op.startsWith("Flex"))
    return "convert without SELECT_TF_OPS: TensorFlow's own operators do not run on microcontrollers";
  const candidates = tfliteOps.filter((entry) => entry.isCustom === isCustom).map((entry) => entry.op);
  const guess = isCustom && op.length <= LONGEST_NAME ? didYouMean(op, candidates) : undefined;
  return guess === undefined ? "`bitloom ops` lists what is supported" : `did you mean ${guess}?`;
}
