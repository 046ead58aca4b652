/** Quantizers with more levels than codes have, on values that reach few of them. */
import type { UniformQuantizer } from "../graph/types.js";
import {
  applyChain,
  type ChainStep,
  chainDirection,
  isPerChannel,
  quantizerCode,
  quantizerLevels,
} from "./chain.js";
import { isChainStep, isFloat, rangeOf, type Value } from "./values.js";

/** Codes of more levels do not exist. */
const MOST_LEVELS = 255;

/** The greatest float32: ends of the range of floats. */
const LARGEST = 3.4028234663852886e38;

/**
 * The quantizer with the bounds that the value can reach, if these are few: it clamps nothing then. Others are returned
 * as they are.
 */
export function narrowed(quantizer: UniformQuantizer, value: Value): UniformQuantizer {
  if (quantizerLevels(quantizer) <= MOST_LEVELS) return quantizer;
  const codes = reachedEnds(quantizer, value);
  if (codes === undefined) return quantizer;
  const [low, high] = [Math.min(...codes), Math.max(...codes)];
  if (!(high - low <= MOST_LEVELS)) return quantizer;
  const qmin = quantizer.qmin + low;
  // A code of one level does not exist either.
  return { ...quantizer, qmin, qmax: Math.max(quantizer.qmin + high, qmin + 1) };
}

/** The quantizer's codes at the ends of every channel's range; a max-pool that waits stays within it. */
function reachedEnds(quantizer: UniformQuantizer, { source, steps }: Value): readonly number[] | undefined {
  if (steps.some((s) => s.kind === "positional")) return undefined;
  const chain: readonly ChainStep[] = steps.filter(isChainStep);
  const channels = isPerChannel(chain) || (source.ranges?.length ?? 1) > 1 ? source.shape[2] : 1;
  const codes: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    if (chainDirection(chain, channel) === undefined) return undefined;
    const ends = isFloat(source)
      ? [-LARGEST, LARGEST]
      : rangeOf(source, channel).map((x) => x + source.offset);
    for (const end of ends) {
      const x = applyChain(chain, Math.fround(end), channel, Math.fround);
      if (Number.isNaN(x)) return undefined;
      codes.push(quantizerCode(quantizer, x, channel, Math.fround));
    }
  }
  return codes;
}
