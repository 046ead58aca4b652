/** Bounds of every integer that a program can compute: what proves that no sum overflows int32. */
import { type DeviceProgram, type Instruction, inputsOf, type ProgramTensor } from "./types.js";

/** The least and the greatest value of any element. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export const SCALAR_RANGES = {
  u8: { low: 0, high: 255 },
  i8: { low: -128, high: 127 },
  i16: { low: -32768, high: 32767 },
  i32: { low: -(2 ** 31), high: 2 ** 31 - 1 },
} as const;

/** What the domain alone says about values: codes by the integers they stand for. Undefined for f32. */
export function domainRange({ domain }: ProgramTensor): Range | undefined {
  if (domain.kind === "scalar") return domain.type === "f32" ? undefined : SCALAR_RANGES[domain.type];
  const ends = [domain.offset, domain.step * (2 ** domain.bits - 1) + domain.offset];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

type Tensors = DeviceProgram["tensors"];

const known = new WeakMap<DeviceProgram, readonly (Range | undefined)[]>();

/**
 * Range of every tensor in tensor order; undefined for f32. It may leave int32: `verifyProgram` refuses that. Asked once per
 * program: they never change, and weights are many.
 */
export function tensorRanges(program: DeviceProgram): readonly (Range | undefined)[] {
  const ranges = known.get(program) ?? rangesOf(program);
  known.set(program, ranges);
  return ranges;
}

function rangesOf({ tensors, instructions }: DeviceProgram): readonly (Range | undefined)[] {
  const ranges = tensors.map(domainRange);
  for (const instruction of instructions)
    ranges[instruction.output] = rangeAfter(
      instruction,
      tensors,
      inputsOf(instruction).map((id) => ranges[id]),
    );
  return ranges;
}

/** Range of what an instruction writes, by the ranges of its inputs; undefined for f32. */
export function rangeAfter(
  instruction: Instruction,
  tensors: Tensors,
  inputs: readonly (Range | undefined)[],
): Range | undefined {
  const output = tensors[instruction.output]!;
  const { domain } = output;
  const isSummed = domain.kind === "scalar" && (domain.type === "i32" || domain.type === "i16");
  return isSummed && inputs.every((r) => r !== undefined)
    ? outputRange(instruction, tensors, inputs)
    : domainRange(output);
}

function outputRange(instruction: Instruction, tensors: Tensors, inputs: readonly Range[]): Range {
  const input = inputs[0]!;
  switch (instruction.kind) {
    case "conv":
      return union(convRanges(instruction, input));
    case "pool": {
      if (instruction.operator !== "sum") return input;
      const taps = instruction.window.kernel[0] * instruction.window.kernel[1];
      // A window at the border may have a single tap.
      return { low: Math.min(input.low, taps * input.low), high: Math.max(input.high, taps * input.high) };
    }
    case "add":
      return { low: input.low + inputs[1]!.low, high: input.high + inputs[1]!.high };
    case "add-fixed":
      return addFixedRange(instruction, [input, inputs[1]!]);
    case "requantize":
      return { low: instruction.low, high: instruction.high };
    case "reduce": {
      const [height, width, channels] = tensors[instruction.input]!.shape;
      const terms = channels * (instruction.over === "all" ? height * width : 1);
      return { low: terms * input.low, high: terms * input.high };
    }
    case "rank":
      // Depends on the range of each channel; the pass that makes ranks proves them.
      return SCALAR_RANGES.i32;
    case "pad":
      return union([input, { low: instruction.fill, high: instruction.fill }]);
    case "argmax":
      return { low: 0, high: tensors[instruction.input]!.shape[2] - 1 };
    default:
      return union(inputs);
  }
}

function addFixedRange(
  { shifts, right }: Extract<Instruction, { kind: "add-fixed" }>,
  inputs: readonly [Range, Range],
): Range {
  const end = (which: "low" | "high"): number => {
    const sum = inputs[0][which] * 2 ** shifts[0] + inputs[1][which] * 2 ** shifts[1];
    const rounded = Math.floor(sum / 2 ** right + (right > 0 ? 0.5 : 0));
    return Math.min(Math.max(rounded, SCALAR_RANGES.i16.low), SCALAR_RANGES.i16.high);
  };
  return { low: end("low"), high: end("high") };
}

/** Bounds of the sums of each output, for inputs that store `input`, or codes that stand for it. */
export function convRanges(conv: Extract<Instruction, { kind: "conv" }>, input: Range): readonly Range[] {
  const { outputs, inputs, codes, step, offset } = conv.weights;
  const low = Math.min(input.low + conv.inputOffset, conv.padValue);
  const high = Math.max(input.high + conv.inputOffset, conv.padValue);
  const ranges: Range[] = [];
  for (let n = 0; n < outputs; n++) {
    let [least, greatest] = [0, 0];
    for (let k = n * inputs; k < (n + 1) * inputs; k++) {
      const weight = step * codes[k]! + offset;
      least += weight * (weight < 0 ? high : low);
      greatest += weight * (weight < 0 ? low : high);
    }
    ranges.push({ low: least, high: greatest });
  }
  return ranges;
}

function union(ranges: readonly Range[]): Range {
  let { low, high } = ranges[0]!;
  for (const range of ranges) {
    low = Math.min(low, range.low);
    high = Math.max(high, range.high);
  }
  return { low, high };
}
