import type { LayerEntry } from "./layer.js";
import * as activations from "./layers/activations.js";
import { arithmetic } from "./layers/arithmetic.js";
import { batchnorm } from "./layers/batchnorm.js";
import { conv1d, conv2d } from "./layers/conv.js";
import * as levels from "./layers/levels.js";
import { linear } from "./layers/linear.js";
import { argmax, softmax } from "./layers/output.js";
import * as pairs from "./layers/pairs.js";
import * as pools from "./layers/pools.js";
import * as quantizers from "./layers/quantizers.js";
import { region } from "./layers/region.js";
import * as shapes from "./layers/shapes.js";

/** Every supported type of layers. */
export const bundleLayers: readonly LayerEntry[] = Object.freeze([
  conv1d,
  conv2d,
  linear,
  batchnorm,
  quantizers.sign,
  quantizers.quantize,
  activations.relu,
  activations.leakyRelu,
  activations.prelu,
  activations.hardtanh,
  activations.clip,
  pools.maxpool1d,
  pools.maxpool2d,
  pools.avgpool1d,
  pools.avgpool2d,
  pools.globalAvgpool,
  pools.globalMaxpool,
  shapes.flatten,
  shapes.reshape,
  shapes.permute,
  shapes.channelShuffle,
  shapes.spaceToDepth,
  shapes.pad,
  shapes.slice,
  shapes.add,
  shapes.concat,
  arithmetic,
  pairs.subtract,
  pairs.multiply,
  pairs.abs,
  pairs.mean,
  quantizers.rescale,
  levels.residualSign,
  levels.bases,
  levels.levels,
  softmax,
  argmax,
  region,
]);

const byType = new Map(bundleLayers.map((entry) => [entry.type, entry]));

export function findLayer(type: string): LayerEntry | undefined {
  return byType.get(type);
}
