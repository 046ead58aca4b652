/** Round, Floor and Ceil: quantizers of scale 1, once it is known how many whole numbers there are. */
import type { FloatTensor, UniformQuantizer } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import { constantValue, type OnnxNode, type OpHandler, type RuntimeValue, runtimeInput } from "../node.js";
import { type PendingValue, pending, pendingInput, type RoundingForm } from "../pending.js";
import { mapConstant, mappedInput } from "./elementwise.js";

/** More whole numbers than this have no 8-bit codes. */
const MOST_LEVELS = 256;
/** Zero points and bounds up to this keep float32 sums of whole numbers exact where they count. */
const LARGEST = 2 ** 16;

const functions: Readonly<Record<RoundingForm["rounding"], (x: number) => number>> = {
  "half-even": (x) => {
    const below = Math.floor(x);
    const distance = x - below;
    return below + Number(distance > 0.5 || (distance === 0.5 && below % 2 !== 0));
  },
  floor: Math.floor,
  ceil: Math.ceil,
};

export const round = rounding("half-even");
export const floor = rounding("floor");
export const ceil = rounding("ceil");

function rounding(mode: RoundingForm["rounding"]): OpHandler {
  const apply = functions[mode];
  return (node) => {
    const [input] = node.inputs;
    if (input?.kind === "constant") return constantValue(mapConstant(input.constant, apply));
    const mapped = mappedInput(node, 0, apply);
    if (mapped !== undefined) return mapped;
    const before = pendingInput(node, 0);
    if (before?.form.kind === "rounding") return before;
    const source = runtimeInput(node, 0);
    const [low, high] = source.interval ?? [-Infinity, Infinity];
    return roundedValue(node, source, {
      kind: "rounding",
      rounding: mode,
      low: apply(low) + 0,
      high: apply(high) + 0,
      shift: 0,
    });
  };
}

function roundedValue(node: OnnxNode, source: RuntimeValue, form: RoundingForm): PendingValue {
  return pending(node, source, form, () => quantizer(node, source, form));
}

/**
 * Between whole bounds it is the same to round and then clip or to clip and then round, as a quantizer does: what lies
 * beyond a bound rounds to it or beyond.
 */
function quantizer(node: OnnxNode, source: RuntimeValue, form: RoundingForm): RuntimeValue {
  const { low, high, shift, rounding } = form;
  const levels = high - low + 1;
  if (!(levels <= MOST_LEVELS)) {
    throw new Rejection(
      Number.isFinite(levels)
        ? `it rounds to ${levels} whole numbers`
        : "it rounds a value of which no bounds are known",
      "put a Clip (torch.clamp) in front of it or behind it, to at most 8 bits",
    );
  }
  if (levels === 1) throw new Rejection(`it is always ${low + shift}`, "check the model's scales");
  const quantizer: UniformQuantizer = {
    kind: "uniform",
    scale: single(1),
    zeroPoint: single(0),
    qmin: low,
    qmax: high,
    rounding,
  };
  const codes = node.emit(
    { kind: "quantize", quantizer },
    source,
    source.shape,
    shift === 0 ? {} : { part: "codes" },
  );
  if (shift === 0) return codes;
  const op = { kind: "arithmetic", operator: "add", operand: single(shift), reversed: false } as const;
  return node.emit(op, codes, source.shape);
}

/**
 * Rounded whole numbers plus a whole number: a zero point that is added in front of a clip and taken away behind it.
 * In float32 this is exact below 2^23; numbers beyond end at the bounds. Undefined for other inputs.
 */
export function shiftedRounding(node: OnnxNode, index: number, by: number): PendingValue | undefined {
  const input = pendingInput(node, index);
  if (input?.form.kind !== "rounding" || !Number.isInteger(by)) return undefined;
  const shift = input.form.shift + by;
  return Math.abs(shift) <= LARGEST ? roundedValue(node, input.source, { ...input.form, shift }) : undefined;
}

/**
 * Rounded whole numbers within whole bounds; undefined for other inputs, and for bounds that are no whole numbers.
 */
export function clippedRounding(
  node: OnnxNode,
  index: number,
  low: number,
  high: number,
): PendingValue | undefined {
  const input = pendingInput(node, index);
  const isBound = (x: number): boolean =>
    (Number.isInteger(x) && Math.abs(x) <= LARGEST) || !Number.isFinite(x);
  if (input?.form.kind !== "rounding" || !isBound(low) || !isBound(high)) return undefined;
  const { form } = input;
  const clamp = (x: number): number => Math.min(Math.max(x, low - form.shift), high - form.shift);
  return roundedValue(node, input.source, { ...form, low: clamp(form.low), high: clamp(form.high) });
}

function single(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}
