/** A quantizer and the float operations before it, as thresholds or a table. */
import type { Quantizer } from "../graph/types.js";
import type { Domain } from "../program/types.js";
import {
  applyChain,
  type ChainStep,
  isPerChannel,
  orderOf,
  quantizerLevels,
  quantizerScale,
} from "./chain.js";
import { floatBeyond, floatRange, keyToFloat } from "./input-keys.js";
import type { Lowering } from "./lowering.js";
import { emit, widened } from "./sources.js";
import {
  type Coder,
  coderOf,
  countNearTies,
  findThresholds,
  type KeySource,
  type ThresholdTable,
} from "./thresholds.js";
import { isFloat, type Range, rangeOf, type Source } from "./values.js";

/** Codes that are made for what follows the quantizer: `step · code + offset` times one factor. */
export interface Recoding {
  /** Names the recoding among those of one quantizer. */
  readonly key: string;
  readonly step: number;
  readonly offset: number;
  /** The code for each of the quantizer's own; in any order where no pool stands behind the quantizer. */
  readonly codes: readonly number[];
  /** The greatest code. */
  readonly levels: number;
  /** Planes of the codes, if not as few as hold the greatest. */
  readonly bits?: number;
  /** Whether codes rise or fall with the quantizer's numbers, for pools behind it. */
  readonly direction: 1 | -1;
}

/** Whether codes neither rise nor fall: the thresholds count, and a table makes codes of counts. */
export function needsTable(recoding: Recoding | undefined): boolean {
  return recoding !== undefined && orderOf(recoding.codes) === undefined;
}

/**
 * Codes of more bits are bytes. Kernels for planes do the work of one bit per plane; at five planes that is more
 * than a multiply-accumulate of a byte costs, and ±1 weights add bytes faster still.
 */
export const MAX_PLANES = 4;
const MAX_BITS = 8;

type QuantizeStep = Extract<ChainStep, { kind: "quantize" }>;

/** The codes, and the step that makes them the quantizer's real numbers; undefined after a reported error. */
export function lowerThreshold(
  context: Lowering,
  scalarOrCodes: Source,
  chain: readonly ChainStep[],
  quantize: QuantizeStep,
  recoding: Recoding | undefined,
  isPooledAfter: boolean,
): { readonly source: Source; readonly steps: readonly ChainStep[] } | undefined {
  const { quantizer, node } = quantize;
  const form = codeForm(context, quantize, recoding);
  if (form === undefined) return undefined;
  const source = scalarOrCodes.domain.kind === "codes" ? widened(context, scalarOrCodes) : scalarOrCodes;
  const mapped = needsTable(recoding) ? Uint8Array.from(recoding!.codes) : undefined;
  const coder = coderOf(quantizer, mapped === undefined ? recoding?.codes : undefined);
  const name = isPooledAfter ? `${node} before pooling` : node;
  const keys = keySource(source, [...chain, quantize], form.domain);
  const known = { ...form, uncertainty: () => 0 };
  const { tensor: input } = source;
  const scale = quantizerScale(quantizer);
  const steps: ChainStep[] =
    scale === 1 || recoding !== undefined
      ? []
      : [{ kind: "scale", step: { operator: "multiply", operand: Float32Array.of(scale) }, node }];
  if (form.domain.kind === "scalar" && isByte(source) && keys.rows === 1) {
    const code = (x: number): number => {
      const own = coder.code(applyChain(chain, keys.valueOf(x), 0, Math.fround), 0, Math.fround);
      return mapped === undefined ? own : mapped[own]!;
    };
    const table = Uint8Array.from({ length: 256 }, (_, x) => code(x));
    return {
      source: emit(context, name, source.shape, known, (output) => ({
        kind: "lookup",
        input,
        output,
        table,
      })),
      steps,
    };
  }
  const table = findThresholds(keys, chain, coder, node, context.diagnostics);
  if (isFloat(source)) {
    reportRoundedSums(context, source, node, table);
  } else {
    const uncertainty = keys.rows === 1 ? greatestOf(source) : source.uncertainty;
    reportNearTies(context, keys, chain, coder, node, table, uncertainty);
  }
  return {
    source: emit(context, name, source.shape, known, (output) => ({
      kind: "threshold",
      input,
      output,
      ...table,
      ...(mapped === undefined ? {} : { table: mapped }),
    })),
    steps,
  };
}

/**
 * Rows of up to 255 thresholds are much flash: bytes share one row where no step differs between channels, made for all
 * sums that any channel can have. Of few thresholds there are rows for all channels, which the kernels of layers take.
 */
function keySource(source: Source, chain: readonly ChainStep[], codes: Domain): KeySource {
  const [, , channels] = source.shape;
  if (isFloat(source)) {
    return {
      rows: isPerChannel(chain) ? channels : 1,
      range: () => floatRange,
      valueOf: keyToFloat,
      beyond: floatBeyond,
    };
  }
  const realOf = (key: number): number => Math.fround(key + source.offset);
  if (codes.kind === "scalar" && !isPerChannel(chain)) {
    const low = Math.min(...source.ranges!.map((r) => r[0]));
    const high = Math.max(...source.ranges!.map((r) => r[1]));
    return { rows: 1, range: () => [low, high], valueOf: realOf };
  }
  const rows = isPerChannel(chain) || source.ranges!.length > 1 ? channels : 1;
  return { rows, range: (channel) => rangeOf(source, channel), valueOf: realOf };
}

/** The uncertainty of the sum that is least sure of all that share a row. */
function greatestOf(source: Source): () => number {
  const all = source.ranges!.map((_, channel) => source.uncertainty(channel));
  return () => Math.max(...all);
}

function isByte({ domain }: Source): boolean {
  return domain.kind === "scalar" && domain.type === "u8";
}

/** How the codes are stored and what they stand for. */
function codeForm(
  context: Lowering,
  { quantizer, node }: QuantizeStep,
  recoding: Recoding | undefined,
): Pick<Source, "domain" | "offset" | "ranges" | "stride"> | undefined {
  const affine = recoding ?? naturalAffine(quantizer);
  const levels = recoding?.levels ?? quantizerLevels(quantizer);
  const bits = recoding?.bits ?? Math.ceil(Math.log2(levels + 1));
  if (!Number.isInteger(affine.offset) || bits > MAX_BITS || bits < 1) {
    const problem = Number.isInteger(affine.offset)
      ? `an activation of ${levels + 1} levels`
      : "a zero point that is no integer";
    context.diagnostics.error("lowering/activation-codes", `${problem} is not supported`, {
      where: node,
      remedy: "use 1 to 8 bits and an integer zero point",
    });
    return undefined;
  }
  const { step, offset } = affine;
  if (bits > MAX_PLANES && recoding?.bits === undefined) {
    const ranges: Range[] = [[0, levels]];
    return { domain: { kind: "scalar", type: "u8" }, offset, ranges, stride: 1 };
  }
  const domain: Domain = { kind: "codes", bits, step, offset };
  return { domain, offset: 0, ranges: [[offset, step * levels + offset]], stride: step };
}

/** What a quantizer's codes stand for: ±1, the integers between clamp and zero point, or what a count makes. */
export function naturalAffine(quantizer: Quantizer): { readonly step: number; readonly offset: number } {
  if (quantizer.kind === "levels") throw new Error("levels have codes that are made for their readers");
  if (quantizer.kind === "thresholds") return quantizer;
  return quantizer.kind === "bipolar"
    ? { step: 2, offset: -1 }
    : { step: 1, offset: quantizer.qmin - quantizer.zeroPoint.data[0]! };
}

function reportNearTies(
  context: Lowering,
  source: KeySource,
  chain: readonly ChainStep[],
  coder: Coder,
  node: string,
  table: ThresholdTable,
  uncertainty: (channel: number) => number,
): void {
  const ties = countNearTies(source, chain, coder, table, uncertainty);
  if (ties > 0) noteTies(context, node, ties, table, "the exact integer sum");
}

/** Sums of several coefficients come close to every boundary that they can reach. */
function reportRoundedSums(
  context: Lowering,
  { roundedSums }: Source,
  node: string,
  { levels, thresholds, flipped }: ThresholdTable,
): void {
  if (roundedSums === undefined) return;
  const rows = flipped.length;
  const ties = thresholds.filter((key, i) => {
    const within = rows === 1 ? hullOf(roundedSums) : roundedSums[Math.floor(i / levels)]!;
    return key < floatBeyond.never && key > floatBeyond.always && isWithin(keyToFloat(key), within);
  }).length;
  if (ties > 0) noteTies(context, node, ties, { thresholds }, "its own sum, planes by bases in their order");
}

function isWithin(x: number, [low, high]: Range): boolean {
  return x > low && x <= high;
}

function hullOf(ranges: readonly Range[]): Range {
  return [Math.min(...ranges.map((r) => r[0])), Math.max(...ranges.map((r) => r[1]))];
}

function noteTies(
  context: Lowering,
  node: string,
  ties: number,
  { thresholds }: Pick<ThresholdTable, "thresholds">,
  decider: string,
): void {
  context.diagnostics.note(
    "lowering/near-tie",
    `${ties} of ${thresholds.length} decisions lie within the rounding error of the framework's float32 sum; bitloom decides them by ${decider}`,
    { where: node, remedy: "scales that are powers of two make the framework's sums exact" },
  );
}
