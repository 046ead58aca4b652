/** How residual nets end: the mean of each channel, then a dense layer of float32. */
import { flatten, floatProducts, over, overMap, sumPool, type Value } from "./arithmetic.js";
import { FLOAT, linear } from "./layers.js";
import type { See } from "./net.js";
import type { Parameters } from "./parameters.js";

const CLASSES = 10;

export const headLayers: readonly unknown[] = [
  { type: "global_avgpool", name: "mean", keepdim: false },
  linear("fc", FLOAT),
];

/** Scores of a square map of features. */
export function head(features: Value, drawn: Parameters, see: See): Value {
  const [, channels, size] = features.shape as [number, number, number];
  const sums = see("mean map", sumPool(see("mean map input", features), size));
  const mean = see("fc input", over(sums, size * size));
  const weights = floatWeights(drawn, "fc.weight", [CLASSES, channels]);
  return flatten(floatProducts(mean, overMap(weights, mean)));
}

/** Weights that stay float32. */
export function floatWeights(drawn: Parameters, name: string, shape: readonly number[]): Value {
  return drawn.numbers(name, shape, () => 0.2 * drawn.random.normal());
}
