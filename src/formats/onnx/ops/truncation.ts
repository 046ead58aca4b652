/** Trunc and QuantAvgPool2d: integers that lose their lowest bits, written out in quantizers and single operations. */
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor, Rounding, UniformQuantizer, Window } from "../../../graph/types.js";
import { broadcastShapes } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { intAttribute } from "../attributes.js";
import { type OnnxNode, type OpHandler, type RuntimeValue, runtimeInput } from "../node.js";
import { layoutOf } from "./channels-last.js";
import { numberInput, quantizedRange, roundingOf, scaleInput, singleNumber } from "./quantizers.js";
import { withNumber, withNumbers } from "./steps.js";
import { checkTouches, mapsOf, windowedShape } from "./window.js";

/** Beyond every sum of an integer layer: a quantizer with these bounds only rounds. */
const WIDE = 2 ** 31;

/** More bits than this are no shift of 32-bit sums. */
const MOST_BITS = 32;

/**
 * In qonnx's order (trunc.py): `x / scale + zero point`, rounded half to even, divided by a power of two, rounded by
 * rounding_mode, and back. Version 1 (five inputs) divides by 2^(bits in − bits out), keeps the scale and does not clamp;
 * version 2 divides by output scale / scale, clamps before it rounds, and gives values of the output scale.
 */
export const trunc: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const scale = positiveScale(node, 1);
  const zero = numberInput(node, 2, "zero point");
  for (const tensor of [scale, zero]) checkFits(tensor, input);
  const bitsIn = bitWidth(node, 3);
  const isFirst = node.inputs.length === 5;
  const outScale = isFirst ? scale : positiveScale(node, 4);
  checkFits(outScale, input);
  const bitsOut = bitWidth(node, isFirst ? 4 : 5);
  const divisor = isFirst ? 2 ** (bitsIn - bitsOut) : scaleRatio(scale, outScale);
  const range = isFirst ? { qmin: -WIDE, qmax: WIDE } : quantizedRange(node, bitsOut);
  const outZero = isFirst ? zero : { ...zero, data: zero.data.map((z) => z / divisor) };

  const divided = withNumbers(node, "divide", input, scale, "in steps");
  // The quantizer that comes next adds its own zero point of 0.
  const isCentred = zero.data.every((z) => z === 0);
  const shifted = isCentred ? divided : withNumbers(node, "add", divided, zero, "from zero point");
  const whole = rounded(node, shifted, "half-even", { qmin: -WIDE, qmax: WIDE }, "whole");
  const short = withNumber(node, "divide", whole, divisor, "shortened");
  const rounding = roundingOf(node, "FLOOR");
  const changes = [outZero, outScale].map(({ data }, i) => data.some((x) => x !== i));
  const codes = rounded(node, short, rounding, range, changes.includes(true) ? "codes" : undefined);
  const centred = withNumbers(node, "subtract", codes, outZero, changes[1] ? "centred" : undefined);
  return withNumbers(node, "multiply", centred, outScale);
};

/** qonnx rounds the logarithm, so that the divisor is a power of two. */
function scaleRatio(scale: FloatTensor, outScale: FloatTensor): number {
  const [from, to] = [singleNumber(scale, "scale"), singleNumber(outScale, "output scale")];
  const exponent = Math.log2(Math.fround(to / from));
  const whole = Math.round(exponent);
  if (Math.abs(exponent - whole) < 0.25 && Math.abs(whole) <= MOST_BITS) return 2 ** whole;
  throw new Rejection(
    `its output scale is 2^${exponent.toPrecision(4)} times its scale`,
    "a truncation takes away whole bits: export with scales whose ratio is a power of two",
  );
}

function positiveScale(node: OnnxNode, index: number): FloatTensor {
  const scale = scaleInput(node, index);
  if (scale.data.every((s) => s > 0)) return scale;
  throw new Rejection("its scale is not positive", "train or export the model again with a positive scale");
}

function bitWidth(node: OnnxNode, index: number): number {
  const bits = singleNumber(numberInput(node, index, "bit width"), "bit width");
  if (Number.isInteger(bits) && bits >= 1 && bits <= MOST_BITS) return bits;
  throw new Rejection(`a bit width of ${bits} is not supported`, `use 1 to ${MOST_BITS} bits`);
}

function checkFits({ shape }: FloatTensor, input: RuntimeValue): void {
  const result = broadcastShapes(input.shape, shape);
  if (result !== undefined && shapeText(result) === shapeText(input.shape)) return;
  throw new Rejection(
    `its scale or zero point (${shapeText(shape)}) does not fit its input (${shapeText(input.shape)})`,
    "export the model again",
  );
}

function rounded(
  node: OnnxNode,
  input: RuntimeValue,
  rounding: Rounding,
  range: Pick<UniformQuantizer, "qmin" | "qmax">,
  part?: string,
): RuntimeValue {
  const one = { shape: [], data: Float32Array.of(1) };
  const zeroPoint = { shape: [], data: new Float32Array(1) };
  const quantizer: UniformQuantizer = { kind: "uniform", scale: one, zeroPoint, rounding, ...range };
  const options = part === undefined ? {} : { part };
  return node.emit({ kind: "quantize", quantizer }, input, input.shape, options);
}

/**
 * As qonnx computes it (quantavgpool2d.py): the mean times the number of taps, rounded, is the sum of the integers; its
 * lowest bits, those that an accumulator for ibits has above obits, are shifted out.
 */
export const quantAvgPool2d: OpHandler = layoutOf((node) => {
  const input = runtimeInput(node, 0);
  const { channels } = mapsOf(input);
  const [k, stride, bitsIn, bitsOut] = ["kernel", "stride", "ibits", "obits"].map((name) =>
    positive(node, name),
  ) as [number, number, number, number];
  if (bitsIn > MOST_BITS) throw new Rejection(`it has inputs of ${bitsIn} bits`, "use 1 to 8 bits");
  const window: Window = { kernel: [k, k], stride: [stride, stride], dilation: [1, 1], pads: [0, 0, 0, 0] };
  const shape = windowedShape(input, window, channels);
  checkTouches(input, window);
  const mean = node.emit({ kind: "average-pool", window, countPads: false }, input, shape, { part: "mean" });
  const sum = withNumber(node, "multiply", mean, k * k, "sum");
  const wide = { qmin: -WIDE, qmax: WIDE };
  const accumulatorBits = Math.floor(Math.log2((2 ** bitsIn - 1) * k * k)) + 1;
  const shift = Math.max(0, accumulatorBits - bitsOut);
  if (shift === 0) return rounded(node, sum, "half-even", wide);
  const whole = rounded(node, sum, "half-even", wide, "whole");
  return rounded(node, withNumber(node, "divide", whole, 2 ** shift, "shortened"), "floor", wide);
});

/** Larger kernels, strides and bit widths are no layer of a microcontroller. */
const LARGEST = 1 << 10;

function positive(node: OnnxNode, name: string): number {
  const value = intAttribute(node.attributes, name, 1);
  if (value >= 1 && value <= LARGEST) return value;
  throw new Rejection(`its ${name} is ${value}`, `numbers from 1 to ${LARGEST} are supported`);
}
