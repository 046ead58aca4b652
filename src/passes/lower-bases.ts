/**
 * Layers whose operands are sums: planes of activations by bases of weights. Every dot product of a plane and a basis is
 * an exact integer; coefficients are multiplied in float32, in the order of NUMERICS' `conv-bases`.
 */
import { planesValue } from "../graph/planes.js";
import type { Planes } from "../graph/types.js";
import type { CodeMatrix } from "../program/types.js";
import type { ChainStep } from "./chain.js";
import { factorOf, integersOf } from "./codes.js";
import type { Layer } from "./layer.js";
import { decodeStep, lookedUp, planeRecoding } from "./levels.js";
import type { Lowering } from "./lowering.js";
import { lastQuantizer, settle } from "./settle.js";
import { emit, F32 } from "./sources.js";
import { isChainStep, type Range, type Source, type Value } from "./values.js";
import { lowerWeights } from "./weights.js";

/** Codes whose bits are planes, and what they are multiplied with. */
interface PlaneCodes {
  readonly source: Source;
  /** With the constant as a last plane, whose bit is always set. */
  readonly coefficients: Float32Array;
  readonly alphabet: Planes["alphabet"];
  /** The code that stands for a number of the model, if there is one. */
  codeOf(value: number): number | undefined;
}

interface Bases {
  readonly matrices: readonly CodeMatrix[];
  /** Per basis: one coefficient for all outputs, or one for each. */
  readonly coefficients: readonly Float32Array[];
}

/** The sums as float32, of the part of the input that `partOf` takes; why there are none; undefined after an error. */
export function lowerBases(
  context: Lowering,
  layer: Layer,
  partOf: (source: Source) => Source,
): Source | string | undefined {
  const bases = basesOf(layer);
  if (typeof bases === "string") return bases;
  const planes = planesOf(context, layer.input, layer.weights.bases !== undefined);
  if (planes === undefined || typeof planes === "string") return planes;
  const hasPads = layer.window.pads.some((n) => n > 0);
  const padCode = hasPads && layer.padValue !== 0 ? planes.codeOf(layer.padValue) : undefined;
  if (hasPads && layer.padValue !== 0 && padCode === undefined)
    return `it pads with ${layer.padValue}, which its input's quantizer does not have`;
  const { matrices } = bases;
  const coefficients = products(bases, planes, layer.order.outputs);
  const sums = sumRanges(matrices, coefficients, planes);
  if (sums.some(([low, high]) => !(high - low < LARGEST))) return "its sums leave float32";
  const source = partOf(planes.source);
  const { window, groups } = layer;
  return emit(
    context,
    layer.node.name,
    layer.shape,
    { domain: F32, ...(isExact(bases, planes, coefficients, sums) ? {} : { roundedSums: sums }) },
    (output) => ({
      kind: "conv-bases",
      input: source.tensor,
      output,
      planes: planes.alphabet === "signs" ? { step: 2, offset: -1 } : { step: 1, offset: 0 },
      bases: matrices,
      coefficients,
      window,
      groups,
      ...(padCode === undefined ? {} : { padCode }),
    }),
  );
}

/** Sums stay far below the greatest float32. */
const LARGEST = 2 ** 100;

function basesOf({ weights, order, outputAxis }: Layer): Bases | string {
  const { shape, data, quantized, bases } = weights;
  if (bases === undefined && quantized === undefined) return "its weights are not quantized";
  const parts = bases ?? [{ codes: quantized!.codes, coefficient: quantized!.scale }];
  const matrices: CodeMatrix[] = [];
  const coefficients: Float32Array[] = [];
  for (const { codes, coefficient } of parts) {
    const lowered = lowerWeights(
      { shape, data, quantized: { codes, scale: coefficient } },
      order,
      outputAxis,
    );
    if (typeof lowered === "string") return lowered;
    matrices.push(lowered.matrix);
    coefficients.push(lowered.scale);
  }
  return { matrices, coefficients };
}

/** The input's codes as planes, or why not. Only bases of weights make planes of integers worth it. */
function planesOf(context: Lowering, value: Value, ofIntegers: boolean): PlaneCodes | string | undefined {
  const last = lastQuantizer(value.steps);
  const quantize = value.steps[last];
  const after = value.steps.slice(last + 1);
  if (quantize?.kind === "quantize" && quantize.quantizer.kind === "levels") {
    const factor = factorOf(after.filter(isChainStep));
    const decode = decodeStep(context, quantize, quantize.quantizer);
    if (factor === undefined) return "more than a factor stands between it and its input's quantizer";
    if (decode.planes === undefined) return NO_PLANES;
    // Without pools the thresholds' own table makes planes; pools need ranks first.
    const isDirect = after.every(isChainStep);
    const recoding = planeRecoding(quantize.quantizer.planes!);
    const settled = settle(context, value, isDirect ? recoding : undefined);
    if (settled === undefined) return undefined;
    const source = isDirect ? settled.source : planesOfRanks(context, settled.source, decode);
    return scaledPlanes(source, quantize.quantizer.planes!, quantize.quantizer.values.data, factor.factor);
  }
  const [decode, ...factors] = value.steps;
  if (last < 0 && decode?.kind === "decode") {
    const chain = factors.filter(isChainStep);
    const factor = chain.length === factors.length ? factorOf(chain) : undefined;
    if (factor === undefined) return "more than a factor stands before it";
    if (decode.planes === undefined) return NO_PLANES;
    const source = planesOfRanks(context, value.source, decode);
    return scaledPlanes(source, decode.planes, decode.values, factor.factor);
  }
  if (!ofIntegers) return "its input is no sum of planes";
  const integers = integersOf(context, value);
  if (integers === undefined || typeof integers === "string") return integers;
  return planesOfIntegers(context, integers.source, integers.factor);
}

const NO_PLANES = "the levels of its input are no sums of planes";

function planesOfRanks(
  context: Lowering,
  source: Source,
  { planes, node }: Extract<ChainStep, { kind: "decode" }>,
): Source {
  return lookedUp(context, source, planeRecoding(planes!), `${node} planes`);
}

function scaledPlanes(
  source: Source,
  planes: Planes & { readonly codes: Int32Array },
  values: Float32Array,
  factor: number,
): PlaneCodes {
  const { coefficients, constant, alphabet } = planes;
  const all = [...coefficients.data, ...(constant === 0 ? [] : [constant])];
  const { codes } = planeRecoding(planes);
  return {
    source,
    alphabet,
    coefficients: Float32Array.from(all, (c) => c * factor),
    codeOf: (value) => codes[values.findIndex((v) => Math.fround(v * factor) === Math.fround(value))],
  };
}

/** Codes of equally spaced numbers: planes of powers of two, whose constant is one more plane. */
function planesOfIntegers(context: Lowering, source: Source, factor: number): PlaneCodes | string {
  const { domain } = source;
  if (domain.kind !== "codes") return "its input has integers and its weights have several coefficients";
  const { bits, step, offset } = domain;
  const isSymmetric = 2 * offset + step * (2 ** bits - 1) === 0;
  const unit = Math.fround(factor * (isSymmetric ? step / 2 : step));
  const planes = {
    alphabet: isSymmetric ? "signs" : "bits",
    coefficients: {
      shape: [bits],
      data: Float32Array.from({ length: bits }, (_, l) => unit * 2 ** (bits - 1 - l)),
    },
    constant: isSymmetric ? 0 : Math.fround(factor * offset),
    codes: Int32Array.from({ length: 2 ** bits }, (_, code) => code),
  } as const;
  const values = Float32Array.from(planes.codes, (code) => planesValue(planes, code));
  const coded = lookedUp(context, source, planeRecoding(planes), "planes with a constant");
  return scaledPlanes(coded, planes, values, 1);
}

/** [N][M][L], each the rounded product of both coefficients. */
function products(bases: Bases, { coefficients }: PlaneCodes, outputs: number): Float32Array {
  const result: number[] = [];
  for (let n = 0; n < outputs; n++)
    for (const own of bases.coefficients)
      for (const d of coefficients) result.push((own.length === 1 ? own[0]! : own[n]!) * d);
  return Float32Array.from(result);
}

/** What the sum of each output lies between. */
function sumRanges(
  matrices: readonly CodeMatrix[],
  coefficients: Float32Array,
  { alphabet, coefficients: planes }: PlaneCodes,
): readonly Range[] {
  const outputs = matrices[0]!.outputs;
  return Array.from({ length: outputs }, (_, n): Range => {
    let [low, high] = [0, 0];
    matrices.forEach((matrix, m) => {
      const [least, greatest] = dotRange(matrix, n, alphabet);
      for (let l = 0; l < planes.length; l++) {
        const c = coefficients[(n * matrices.length + m) * planes.length + l]!;
        low += Math.min(c * least, c * greatest);
        high += Math.max(c * least, c * greatest);
      }
    });
    return [low, high];
  });
}

function dotRange(
  { inputs, step, offset, codes }: CodeMatrix,
  n: number,
  alphabet: Planes["alphabet"],
): Range {
  let [negative, positive] = [0, 0];
  for (const code of codes.subarray(n * inputs, (n + 1) * inputs)) {
    const w = step * code + offset;
    if (w < 0) negative -= w;
    else positive += w;
  }
  const all = negative + positive;
  return alphabet === "signs" ? [-all, all] : [-negative, positive];
}

/**
 * Whether a framework has the same sums in any order: products of coefficients are exact, and all are multiples of one
 * power of two of which no sum has 2^24.
 */
function isExact(
  bases: Bases,
  planes: PlaneCodes,
  coefficients: Float32Array,
  sums: readonly Range[],
): boolean {
  const isProduct = bases.coefficients.every((own) =>
    own.every((w) => planes.coefficients.every((d) => Math.fround(w * d) === w * d)),
  );
  if (!isProduct) return false;
  const largest = sums.reduce((most, [low, high]) => Math.max(most, -low, high), 0);
  const unit = 2 ** (Math.floor(Math.log2(largest)) - 22);
  return coefficients.every((c) => Number.isInteger(c / unit));
}
