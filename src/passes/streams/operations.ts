/** Bounds of what each float32 instruction computes, with the errors of its inputs and of its own roundings. */
import type { Instruction, ProgramTensor } from "../../program/types.js";
import { afterStep, type Bounds, boundsOf, magnitude, picked, rounding } from "./bounds.js";

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

/** Kinds of instructions that fixed point has. */
export type Operation = Of<"scale" | "add" | "pool" | "select" | "gather" | "pad" | "concat" | "conv-float">;

/** Bounds of the output by those of the inputs, per channel. */
export function afterOperation(
  operation: Operation,
  inputs: readonly Bounds[],
  output: ProgramTensor,
): Bounds {
  const input = inputs[0]!;
  switch (operation.kind) {
    case "scale":
      return operation.steps.reduce(afterStep, input);
    case "add":
      return afterSum(input, inputs[1]!);
    case "pool":
      return operation.operator === "sum" ? afterPoolSum(operation, input) : input;
    case "select":
      return picked(input, operation.channels);
    case "gather":
      return afterGather(operation, input, output);
    case "pad":
      return afterPad(operation, input, output);
    case "concat":
      return joined(inputs);
    case "conv-float":
      return afterConv(operation, input, output);
  }
}

export function afterSum(a: Bounds, b: Bounds): Bounds {
  return boundsOf(a.low.length, (c) => {
    const [low, high] = [a.low[c]! + b.low[c]!, a.high[c]! + b.high[c]!];
    const lost = rounding(Math.max(Math.abs(low), Math.abs(high)));
    return [low, high, a.error[c]! + b.error[c]! + lost];
  });
}

/** Windows at the border have fewer taps, down to one. */
function afterPoolSum({ window }: Of<"pool">, input: Bounds): Bounds {
  const taps = window.kernel[0] * window.kernel[1];
  return boundsOf(input.low.length, (c) => {
    const [low, high] = [input.low[c]!, input.high[c]!];
    const lost = (taps - 1) * rounding(taps * magnitude(input, c));
    return [Math.min(low, taps * low), Math.max(high, taps * high), taps * input.error[c]! + lost];
  });
}

function afterGather({ channels }: Of<"gather">, input: Bounds, output: ProgramTensor): Bounds {
  const [height, , depth] = output.shape;
  return boundsOf(depth, (c) => {
    const from = Array.from({ length: height }, (_, y) => channels[y * depth + c]!);
    return spanned(picked(input, from));
  });
}

function spanned({ low, high, error }: Bounds): [low: number, high: number, error: number] {
  return [Math.min(...low), Math.max(...high), Math.max(...error)];
}

function afterPad({ pads, channels, fill }: Of<"pad">, input: Bounds, output: ProgramTensor): Bounds {
  const hasBorder = pads.some((n) => n > 0);
  return boundsOf(output.shape[2], (c) => {
    const from = c - channels[0];
    if (from < 0 || from >= input.low.length) return [fill, fill, 0];
    const [low, high] = [input.low[from]!, input.high[from]!];
    return [
      hasBorder ? Math.min(low, fill) : low,
      hasBorder ? Math.max(high, fill) : high,
      input.error[from]!,
    ];
  });
}

function joined(inputs: readonly Bounds[]): Bounds {
  const of = (name: keyof Bounds): Float64Array =>
    Float64Array.from(inputs.flatMap((b) => Array.from(b[name])));
  return { low: of("low"), high: of("high"), error: of("error") };
}

/** Taps outside the map are 0. */
function afterConv(conv: Of<"conv-float">, input: Bounds, output: ProgramTensor): Bounds {
  const { weights, window } = conv;
  const outputs = output.shape[2];
  const taps = weights.length / outputs;
  const hasBorder = window.pads.some((n) => n > 0);
  return boundsOf(outputs, (n) => {
    let [low, high, error, size] = [0, 0, 0, 0];
    for (let k = 0; k < taps; k++) {
      const w = weights[n * taps + k]!;
      const c = channelOf(conv, input.low.length, outputs, n, k);
      const ends = [w * input.low[c]!, w * input.high[c]!];
      low += Math.min(...ends, hasBorder ? 0 : Infinity);
      high += Math.max(...ends, hasBorder ? 0 : -Infinity);
      error += Math.abs(w) * input.error[c]!;
      size += Math.abs(w) * magnitude(input, c);
    }
    // Each product and each sum is rounded, none of which exceeds the sum of all magnitudes by much.
    return [low, high, error + (taps + 1) * 1.01 * rounding(size)];
  });
}

/** The input channel of an output's tap. */
export function channelOf(
  { groups }: Pick<Of<"conv-float">, "groups">,
  channels: number,
  outputs: number,
  n: number,
  k: number,
): number {
  const perGroup = channels / groups;
  return Math.floor(n / (outputs / groups)) * perGroup + (k % perGroup);
}
