/**
 * Codes of quantizers whose numbers are anything: ranks, whose order is that of the numbers, so that pools and thresholds
 * work on them; planes, which layers read; and the tables between.
 */
import type { LevelsQuantizer, Planes, Quantizer } from "../graph/types.js";
import { type ChainStep, quantizerLevels } from "./chain.js";
import type { Recoding } from "./lower-codes.js";
import { type Lowering, once } from "./lowering.js";
import { emit } from "./sources.js";
import type { Source } from "./values.js";

type Decode = Extract<ChainStep, { kind: "decode" }>;

/** The quantizer's different numbers, rising. */
function distinct({ values }: LevelsQuantizer): number[] {
  return [...new Set(Array.from(values.data, (v) => v + 0))].sort((a, b) => a - b);
}

function plain(key: string, codes: readonly number[], bits: number): Recoding {
  return { key, step: 1, offset: 0, codes, levels: Math.max(...codes), bits, direction: 1 };
}

function bitsOf(levels: number): number {
  return Math.max(1, Math.ceil(Math.log2(levels)));
}

/** A code per number, in the order of the numbers; equal ones have one code. */
export function rankRecoding(quantizer: LevelsQuantizer): Recoding {
  const rising = distinct(quantizer);
  const codes = Array.from(quantizer.values.data, (v) => rising.indexOf(v + 0));
  return plain("ranks", codes, bitsOf(rising.length));
}

/** Bits of planes, the first in the most significant; a constant is a last plane whose bit is always set. */
export function planeRecoding({
  codes,
  coefficients,
  constant,
}: Planes & { readonly codes: Int32Array }): Recoding {
  const count = coefficients.data.length;
  return constant === 0
    ? plain("planes", [...codes], count)
    : plain(
        "planes and a constant",
        Array.from(codes, (code) => 2 * code + 1),
        count + 1,
      );
}

/** The counts of thresholds themselves. */
export function countRecoding(quantizer: Quantizer): Recoding {
  const levels = quantizerLevels(quantizer);
  const codes = Array.from({ length: levels + 1 }, (_, n) => n);
  return plain("counts", codes, bitsOf(levels + 1));
}

/** What ranks stand for; one step for all who read the quantizer, so that they are known to be the same. */
export function decodeStep(
  context: Lowering,
  owner: { readonly node: string },
  quantizer: LevelsQuantizer,
): Decode {
  return once(context, owner, "decode", () => {
    const rising = distinct(quantizer);
    const ranks = rankRecoding(quantizer);
    const { planes } = quantizer;
    // Codes that no number has stand for the greatest.
    const values = Float32Array.from(
      { length: 2 ** ranks.bits! },
      (_, i) => rising[Math.min(i, rising.length - 1)]!,
    );
    const codes = Int32Array.from(values, (_, rank) => {
      const count = ranks.codes.indexOf(Math.min(rank, rising.length - 1));
      return planes === undefined ? 0 : planes.codes[count]!;
    });
    return {
      kind: "decode",
      values,
      ...(planes === undefined ? {} : { planes: { ...planes, codes } }),
      node: owner.node,
    };
  });
}

/** Other codes for those of a tensor. */
export function lookedUp(context: Lowering, source: Source, recoding: Recoding, name: string): Source {
  const { domain } = source;
  if (domain.kind !== "codes") throw new Error("only codes are looked up");
  const { codes, step, offset, levels } = recoding;
  if (
    codes.every((code, i) => code === i) &&
    step === domain.step &&
    offset === domain.offset &&
    recoding.bits === domain.bits
  )
    return source;
  const bits = recoding.bits ?? bitsOf(levels + 1);
  return once(context, source, `lookup ${recoding.key}`, () => {
    const table = Uint8Array.from(
      { length: 2 ** domain.bits },
      (_, i) => codes[Math.min(i, codes.length - 1)]!,
    );
    const known = {
      domain: { kind: "codes", bits, step, offset } as const,
      ranges: [[offset, step * levels + offset] as const],
      stride: step,
    };
    return emit(context, name, source.shape, known, (output) => ({
      kind: "lookup",
      input: source.tensor,
      output,
      table,
    }));
  });
}
