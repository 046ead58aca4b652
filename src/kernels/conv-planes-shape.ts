/** The layers of `runtime-c/bitloom_conv_planes.h`, and how their weights are taken apart into planes. */
import type { CodeMatrix, CodesDomain, DeviceProgram, Instruction } from "../program/types.js";
import { type ConvPairsShape, hasFewClasses, hasTapsOutside } from "./conv-pairs-shape.js";

type Conv = Extract<Instruction, { kind: "conv" }>;

/** Groups of six inputs and one weight plane, or of three inputs and ternary weights. */
export type ConvPlanesKind = "sixes" | "threes";

export interface ConvPlanesShape extends ConvPairsShape {
  readonly kind: ConvPlanesKind;
  /** Planes of the inputs and of the weights; of threes one. */
  readonly inputPlanes: number;
  readonly weightPlanes: number;
  readonly outputPlanes: number;
  readonly levels: number;
  /** How often P has the sum of the input codes, and the constant that keeps P positive. */
  readonly ones: number;
  readonly constant: number;
  /** The greatest Y = P + 2 U of any output. */
  readonly greatest: number;
}

/** Most planes of inputs, weights and outputs. */
const MAX_BITS = 4;
const MAX_UINT16 = 65535;

/** Values −step, 0 and +step. */
function isTernary({ bits, step, offset, codes }: CodeMatrix): boolean {
  return bits === 2 && offset === -step && codes.every((code) => code < 3);
}

/** What is left of weights in half steps when the bits of their codes stand for −1 and +1. */
function remainder({ bits, step, offset }: CodeMatrix): number {
  return (2 * offset) / step + 2 ** bits - 1;
}

/** The shape that the kernel needs, if it can do the convolution with a threshold to `to` at all. */
export function convPlanesShape(
  program: DeviceProgram,
  conv: Conv,
  levels: number,
  to: CodesDomain,
): ConvPlanesShape | undefined {
  const input = program.tensors[conv.input]!;
  const { window, groups, weights, padValue } = conv;
  if (input.domain.kind !== "codes") return undefined;
  const { bits, step, offset } = input.domain;
  const isThrees = isTernary(weights);
  const ones = isThrees ? 0 : remainder(weights);
  const isPossible =
    Number.isInteger(ones) &&
    step * weights.step > 0 &&
    Math.max(bits, weights.bits, to.bits) <= MAX_BITS &&
    !(isBipolar(input.domain) && isBipolar(weights) && levels === 1);
  if (!isPossible) return undefined;
  const [height, width, channels] = input.shape;
  const [outputHeight, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const geometry = { height, width, channels, outputHeight, outputWidth, outputs, groups, window };
  const regular: ConvPairsShape = {
    ...geometry,
    // By classes of pixels, or code 0.
    padValue: padValue !== offset && hasTapsOutside({ ...geometry, padValue: 0 }) ? 0 : -1,
  };
  const { kernel, stride, dilation, pads } = window;
  const sizes = [height, width, channels, to.bits * outputs, outputWidth];
  if (![...sizes, ...kernel, ...stride, ...dilation, ...pads].every((n) => n <= MAX_UINT16)) return undefined;
  if (!hasFewClasses(regular)) return undefined;
  const most = 2 ** bits - 1;
  const pairs = kernel[0] * rowPairs(regular);
  const sumOfCodes = most * weights.inputs * Math.abs(ones);
  const greatest = isThrees
    ? 2 * most * mostNonzero(weights)
    : 3 * most * (2 ** weights.bits - 1) * pairs + sumOfCodes;
  // Counters have at most 15 planes.
  if (greatest >= MAX_UINT16) return undefined;
  return {
    ...regular,
    kind: isThrees ? "threes" : "sixes",
    inputPlanes: bits,
    weightPlanes: isThrees ? 1 : weights.bits,
    outputPlanes: to.bits,
    levels,
    ones,
    constant: ones < 0 ? sumOfCodes : 0,
    greatest,
  };
}

/** −1 and +1: what tables of pairs do in less memory. */
function isBipolar({ bits, step, offset }: { bits: number; step: number; offset: number }): boolean {
  return bits === 1 && step === 2 && offset === -1;
}

/** Pairs of inputs of a kernel row. */
export function rowPairs({ channels, groups, window }: ConvPairsShape): number {
  return Math.ceil((window.kernel[1] * (channels / groups)) / 2);
}

/** Nonzero ternary weights of the output that has most of them. */
function mostNonzero({ outputs, inputs, codes }: CodeMatrix): number {
  let most = 0;
  for (let n = 0; n < outputs; n++) {
    let nonzero = 0;
    for (let k = n * inputs; k < (n + 1) * inputs; k++) nonzero += codes[k] === 1 ? 0 : 1;
    most = Math.max(most, nonzero);
  }
  return most;
}
