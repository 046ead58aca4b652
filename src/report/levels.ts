/** The levels that weights and activations take, as a person would name them. */
import type {
  GraphOp,
  GraphValue,
  LevelsQuantizer,
  ModelGraph,
  Quantizer,
  WeightTensor,
} from "../graph/types.js";

export interface Levels {
  readonly kind:
    | "binary"
    | "zero-one"
    | "ternary"
    | "powers-of-two"
    | "uniform"
    | "levels"
    | "input"
    | "float";
  /** What an element needs; 32 for float. */
  readonly bits: number;
  /** E.g. `±1, a scale per output`. */
  readonly text: string;
}

const FLOAT: Levels = { kind: "float", bits: 32, text: "float" };

/** The levels of a layer's weights, and whether each output has a scale of its own. */
export function weightLevels({ quantized, bases }: WeightTensor): Levels & { readonly isScaled: boolean } {
  if (quantized === undefined && bases !== undefined) {
    const isScaled = bases.some(({ coefficient: { data } }) => data.some((c) => c !== data[0]));
    const each = isScaled ? ", coefficients per output" : "";
    return { kind: "levels", bits: bases.length, text: `${bases.length} bases${each}`, isScaled };
  }
  if (quantized === undefined) return { ...FLOAT, isScaled: false };
  const { codes, scale, fromValues } = quantized;
  const levels = levelsOf(new Set(codes));
  const [first = 1] = scale.data;
  const isScaled = scale.data.some((s) => s !== first);
  const one = first === 1 ? "" : ", one scale";
  const found = fromValues === true ? " (seen in their values)" : "";
  return { ...levels, isScaled, text: `${levels.text}${isScaled ? ", a scale per output" : one}${found}` };
}

/** What the elements of a value are, if they are moved or scaled as a whole only: a quantizer's codes, or inputs. */
export type Codes = Quantizer | GraphValue;

/** The codes that each value consists of; values that are computed from several have none. */
export function codesOfValues(graph: ModelGraph): ReadonlyMap<string, Codes> {
  const codes = new Map<string, Codes>();
  for (const name of graph.inputs) codes.set(name, graph.values.get(name)!);
  for (const { op, inputs, output } of graph.nodes) {
    const [first] = inputs.map((name) => codes.get(name));
    if (op.kind === "quantize") codes.set(output, op.quantizer);
    else if (first !== undefined && keepsCodes(op)) codes.set(output, first);
  }
  return codes;
}

function keepsCodes(op: GraphOp): boolean {
  if (op.kind === "arithmetic") return op.operand.data.every((x) => x === op.operand.data[0]);
  return ["reshape", "transpose", "slice", "concat", "pad", "max-pool"].includes(op.kind);
}

/** The levels of a value that has these codes. */
export function activationLevels(codes: Codes | undefined): Levels {
  if (codes === undefined) return FLOAT;
  if ("kind" in codes) return quantizerLevels(codes);
  return { kind: "input", bits: codes.stored === undefined ? 32 : 8, text: "the model's input" };
}

function quantizerLevels(quantizer: Quantizer): Levels {
  if (quantizer.kind === "bipolar") return levelsOf(new Set([-1, 1]));
  if (quantizer.kind === "levels") return sums(quantizer);
  if (quantizer.kind === "thresholds") {
    const { thresholds, step, offset } = quantizer;
    const levels = thresholds.shape.at(-1)! + 1;
    if (levels > 3) return uniform(Math.ceil(Math.log2(levels)));
    return levelsOf(new Set(Array.from({ length: levels }, (_, i) => offset + i * step)));
  }
  const { qmin, qmax, zeroPoint } = quantizer;
  if (qmax - qmin > 2) return uniform(Math.ceil(Math.log2(qmax - qmin + 1)));
  const [zero = 0] = zeroPoint.data;
  return levelsOf(new Set(Array.from({ length: qmax - qmin + 1 }, (_, i) => qmin + i - zero)));
}

/** Planes with coefficients; two levels are one plane, whatever they are. */
function sums({ planes, values }: LevelsQuantizer): Levels {
  const count = planes?.coefficients.data.length;
  const bits = count ?? Math.ceil(Math.log2(values.data.length));
  const text = count === undefined ? `${values.data.length} levels` : planesText(count);
  return { kind: "levels", bits, text };
}

function planesText(count: number): string {
  return `${count} plane${count === 1 ? "" : "s"}`;
}

function levelsOf(codes: ReadonlySet<number>): Levels {
  const sorted = [...codes].sort((a, b) => a - b);
  const magnitudes = sorted.map(Math.abs);
  const within = (allowed: readonly number[]): boolean => sorted.every((c) => allowed.includes(c));
  if (within([-1, 1])) return { kind: "binary", bits: 1, text: "±1" };
  if (within([0, 1])) return { kind: "zero-one", bits: 1, text: "0 and 1" };
  if (within([-1, 0, 1])) return { kind: "ternary", bits: 2, text: "−1, 0, +1" };
  if (Math.max(...magnitudes) >= 4 && magnitudes.every((m) => m === 0 || Number.isInteger(Math.log2(m))))
    return { kind: "powers-of-two", bits: bitsOf(sorted), text: "powers of two" };
  return uniform(bitsOf(sorted));
}

function uniform(bits: number): Levels {
  return { kind: "uniform", bits, text: `${bits} bits` };
}

/** Bits of a range of levels; only odd ones, as in ±1 and ±3, need one bit less. */
function bitsOf(sorted: readonly number[]): number {
  const [least, greatest] = [sorted[0]!, sorted.at(-1)!];
  const step = sorted.every((c) => c % 2 !== 0) && sorted.length > 1 ? 2 : 1;
  return Math.max(1, Math.ceil(Math.log2((greatest - least) / step + 1)));
}
