import { checkSameDomain, checkSameShape, expect, isCodes, isPixel, isScalar } from "./expect.js";
import { SCALAR_RANGES } from "./ranges.js";
import type { Instruction, ProgramTensor, ScaleStep } from "./types.js";
import { checkConv, checkConvBases, checkConvFloat, checkPool } from "./verify-layers.js";
import { checkConcat, checkGather, checkPad, checkSelect } from "./verify-moves.js";

/** Largest shift of an `add-fixed`: numbers of 16 bits and half of a unit then stay below 2^30. */
export const MAX_ADD_SHIFT = 13;

/** Elements of a tensor. */
export function elementCount(tensor: ProgramTensor): number {
  return tensor.shape[0] * tensor.shape[1] * tensor.shape[2];
}

/** Checks one instruction against the tensors that it reads and writes. */
export function checkInstruction(
  instruction: Instruction,
  inputs: readonly ProgramTensor[],
  output: ProgramTensor,
): void {
  const input = inputs[0]!;
  switch (instruction.kind) {
    case "threshold":
      checkThreshold(instruction, input, output);
      break;
    case "lookup":
      checkLookup(instruction, input, output);
      break;
    case "conv":
      checkConv(instruction, input, output);
      break;
    case "conv-float":
      checkConvFloat(instruction, input, output);
      break;
    case "conv-bases":
      checkConvBases(instruction, input, output);
      break;
    case "decode":
      expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
      expect(
        isCodes(input.domain) && instruction.values.length === 2 ** input.domain.bits,
        instruction,
        "has not one value per code",
      );
      expect(instruction.values.every(Number.isFinite), instruction, "has a value that is not finite");
      checkSameShape(instruction, input, output);
      break;
    case "pool":
      checkPool(instruction, input, output);
      break;
    case "add":
      checkAdd(instruction, inputs, output);
      break;
    case "add-fixed":
      checkAddFixed(instruction, inputs, output);
      break;
    case "combine":
      checkCombine(instruction, inputs, output);
      break;
    case "pairwise":
      checkPairwise(instruction, inputs, output);
      break;
    case "reduce":
      checkReduce(instruction, input, output);
      break;
    case "concat":
      checkConcat(instruction, inputs, output);
      break;
    case "select":
      checkSelect(instruction, input, output);
      break;
    case "gather":
      checkGather(instruction, input, output);
      break;
    case "region":
      checkRegion(instruction, input, output);
      break;
    case "pad":
      checkPad(instruction, input, output);
      break;
    case "narrow":
      expect(isScalar(input.domain, "i32"), instruction, "reads a tensor that is not i32");
      expect(isScalar(output.domain, "i16"), instruction, "writes a tensor that is not i16");
      checkSameShape(instruction, input, output);
      break;
    case "scale":
      expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
      checkScaleSteps(instruction.steps, output.shape, instruction);
      checkSameShape(instruction, input, output);
      break;
    case "requantize":
      checkRequantize(instruction, input, output);
      break;
    case "rank":
      checkRank(instruction, input, output);
      break;
    case "softmax":
      expect(isScalar(input.domain, "f32"), instruction, "reads a tensor that is not f32");
      expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
      expect(isPixel(input), instruction, "reads more than one pixel");
      checkSameShape(instruction, input, output);
      break;
    case "argmax":
      expect(isScalar(input.domain, "i32", "f32"), instruction, "reads neither i32 nor f32");
      expect(isPixel(input), instruction, "reads more than one pixel");
      expect(
        isScalar(output.domain, "i32") && elementCount(output) === 1,
        instruction,
        "does not write one i32",
      );
      break;
  }
}

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

function checkThreshold(instruction: Of<"threshold">, input: ProgramTensor, output: ProgramTensor): void {
  const { thresholds, levels, flipped, table } = instruction;
  const rows = flipped.length;
  expect(input.domain.kind === "scalar", instruction, "reads codes");
  expect(isCodes(output.domain) || isScalar(output.domain, "u8"), instruction, "writes neither codes nor u8");
  const bits = isCodes(output.domain) ? output.domain.bits : 8;
  const most = table === undefined ? levels : Math.max(...table);
  expect(levels >= 1 && levels <= 255 && most < 2 ** bits, instruction, "has levels that exceed the codes");
  expect(table === undefined || table.length === levels + 1, instruction, "has not one code per level");
  expect(rows === 1 || rows === output.shape[2], instruction, "has neither one row nor one per channel");
  expect(thresholds.length === rows * levels, instruction, "has the wrong number of thresholds");
  checkSameShape(instruction, input, output);
  for (let i = 1; i < thresholds.length; i++) {
    expect(
      i % levels === 0 || thresholds[i - 1]! <= thresholds[i]!,
      instruction,
      "has a row that is not ascending",
    );
  }
}

function checkLookup(instruction: Of<"lookup">, input: ProgramTensor, output: ProgramTensor): void {
  const { table } = instruction;
  if (isCodes(input.domain)) {
    const { domain } = output;
    expect(isCodes(domain), instruction, "writes a tensor that is no codes");
    expect(table.length === 2 ** input.domain.bits, instruction, "has not one entry per code");
    const most = isCodes(domain) ? 2 ** domain.bits : 0;
    expect(
      table.every((code) => code < most),
      instruction,
      "has a code beyond its bits",
    );
  } else {
    expect(isScalar(input.domain, "u8"), instruction, "reads neither u8 nor codes");
    expect(isScalar(output.domain, "u8"), instruction, "writes a tensor that is not u8");
    expect(table.length === 256, instruction, "has not 256 entries");
  }
  checkSameShape(instruction, input, output);
}

function checkAdd(instruction: Of<"add">, inputs: readonly ProgramTensor[], output: ProgramTensor): void {
  expect(inputs.length === 2, instruction, "has not two inputs");
  expect(isScalar(output.domain, "i16", "i32", "f32"), instruction, "writes neither i16, i32 nor f32");
  for (const input of inputs) {
    checkSameDomain(instruction, input, output);
    checkSameShape(instruction, input, output);
  }
}

function checkAddFixed(
  instruction: Of<"add-fixed">,
  inputs: readonly ProgramTensor[],
  output: ProgramTensor,
): void {
  const { shifts, right } = instruction;
  expect(inputs.length === 2, instruction, "has not two inputs");
  for (const tensor of [...inputs, output]) {
    expect(isScalar(tensor.domain, "i16"), instruction, "works on a tensor that is not i16");
    checkSameShape(instruction, tensor, output);
  }
  // |s| + half of 2^right stays below 2^30.
  const isFixed = [...shifts, right].every((n) => Number.isInteger(n) && n >= 0 && n <= MAX_ADD_SHIFT);
  expect(isFixed, instruction, "has a shift beyond its numbers");
}

function checkRequantize(instruction: Of<"requantize">, input: ProgramTensor, output: ProgramTensor): void {
  const { line, below, biasShift, right, low, high } = instruction;
  expect(isScalar(input.domain, "u8", "i8", "i16", "i32"), instruction, "reads no integers");
  expect(isScalar(output.domain, "i16"), instruction, "writes a tensor that is not i16");
  checkSameShape(instruction, input, output);
  for (const { multiplier, bias } of below === undefined ? [line] : [line, below]) {
    const isShared = multiplier.length === 1 || multiplier.length === output.shape[2];
    const fits =
      isShared && multiplier.length === line.multiplier.length && bias.length === multiplier.length;
    expect(fits, instruction, "has neither one factor nor one per channel");
  }
  expect(
    Number.isInteger(biasShift) && biasShift >= 0 && biasShift <= 30,
    instruction,
    "has an impossible shift of its bias",
  );
  // |x · multiplier| ≤ 2^62, |bias · 2^biasShift| ≤ 2^61, and half of 2^right is below 2^61: a sum fits 64 bits.
  expect(Number.isInteger(right) && right >= 1 && right <= 60, instruction, "has an impossible right shift");
  const { low: least, high: most } = SCALAR_RANGES.i16;
  const isRange = [low, high].every((n) => Number.isInteger(n) && n >= least && n <= most) && low <= high;
  expect(isRange, instruction, "has an impossible range");
}

function checkCombine(
  instruction: Of<"combine">,
  inputs: readonly ProgramTensor[],
  output: ProgramTensor,
): void {
  const { operator, tables, tail, multiplier, shift, low, high } = instruction;
  expect(inputs.length === 2, instruction, "has not two inputs");
  for (const input of inputs) {
    expect(isScalar(input.domain, "u8", "i8"), instruction, "reads a tensor that is no bytes");
    checkSameShape(instruction, input, output);
  }
  expect(isScalar(output.domain, "u8"), instruction, "writes a tensor that is not u8");
  const isFixed = multiplier >= 0 && multiplier < 2 ** 31 && shift >= -31 && shift <= 30;
  expect(isFixed && low <= high && high - low <= 255, instruction, "has an impossible factor or range");
  for (const pair of tail === undefined ? [tables] : [tables, tail.tables]) {
    expect(
      pair.every((t) => t.length === 256),
      instruction,
      "has a table without 256 entries",
    );
    const [a, b] = pair.map((t) => t.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
    const largest = operator === "add" ? a! + b! : a! * b!;
    expect(largest * 2 ** Math.max(shift, 0) < 2 ** 31, instruction, "has numbers beyond 32 bits");
  }
  const hasTail = tail === undefined || (tail.first > 0 && tail.first < elementCount(output));
  expect(hasTail, instruction, "has a tail outside the tensor");
}

function checkPairwise(
  instruction: Of<"pairwise">,
  inputs: readonly ProgramTensor[],
  output: ProgramTensor,
): void {
  expect(inputs.length === 2, instruction, "has not two inputs");
  for (const tensor of [...inputs, output])
    expect(isScalar(tensor.domain, "f32"), instruction, "works on a tensor that is not f32");
  const fits = output.shape.every((n, axis) => {
    const sizes = inputs.map(({ shape }) => shape[axis]!);
    return Math.max(...sizes) === n && sizes.every((size) => size === n || size === 1);
  });
  expect(fits, instruction, "has inputs that do not broadcast to its output");
}

function checkReduce(instruction: Of<"reduce">, input: ProgramTensor, output: ProgramTensor): void {
  expect(isScalar(input.domain, "i32", "f32"), instruction, "reads neither i32 nor f32");
  checkSameDomain(instruction, input, output);
  const [height, width] = instruction.over === "channels" ? input.shape : [1, 1];
  const fits = output.shape[0] === height && output.shape[1] === width && output.shape[2] === 1;
  expect(fits, instruction, `cannot have ${output.shape.join("×")} from ${input.shape.join("×")}`);
}

/** With E at most e^80, wider anchors would make infinite boxes. */
const WIDEST_ANCHOR = 4096;
/** Numbers of a row of boxes: x, y, width, height, score, class. */
const BOX_NUMBERS = 6;

function checkRegion(instruction: Of<"region">, input: ProgramTensor, output: ProgramTensor): void {
  const { anchors, classes, scoreThreshold, iouThreshold, candidates } = instruction;
  expect(isScalar(input.domain, "f32"), instruction, "reads a tensor that is not f32");
  expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
  const isWhole = (n: number): boolean => Number.isInteger(n) && n >= 1;
  expect(isWhole(classes) && isWhole(candidates), instruction, "has no classes or no candidates");
  expect(
    anchors.length % 2 === 0 && anchors.every((p) => p > 0 && p <= WIDEST_ANCHOR),
    instruction,
    "has impossible anchors",
  );
  expect(input.shape[2] === (anchors.length / 2) * (5 + classes), instruction, "does not fit its anchors");
  expect(
    output.shape[0] === 1 && output.shape[1] <= candidates && output.shape[2] === BOX_NUMBERS,
    instruction,
    "writes no list of boxes",
  );
  const thresholds = [scoreThreshold, iouThreshold];
  expect(
    thresholds.every((t) => t >= 0 && t < 1 && Math.fround(t) === t),
    instruction,
    "has a threshold that is no float32 from 0 to 1",
  );
}

function checkRank(instruction: Of<"rank">, input: ProgramTensor, output: ProgramTensor): void {
  const { slope, offset } = instruction;
  expect(isScalar(input.domain, "i32"), instruction, "reads a tensor that is not i32");
  expect(isScalar(output.domain, "i32"), instruction, "writes a tensor that is not i32");
  expect(
    slope.length === output.shape[2] && offset.length === output.shape[2],
    instruction,
    "has not one line per channel",
  );
  checkSameShape(instruction, input, output);
}

function checkScaleSteps(
  steps: readonly ScaleStep[],
  shape: ProgramTensor["shape"],
  instruction: Instruction,
): void {
  for (const { operator, operand, extent } of steps) {
    const takesNone = operator === "relu" || operator === "abs";
    const lengths = takesNone ? [0] : extent === undefined ? [1, shape[2]] : [sizeOf(extent)];
    expect(
      lengths.includes(operand.length),
      instruction,
      `has a ${operator} operand of length ${operand.length} for ${shape[2]} channels`,
    );
    if (extent === undefined) continue;
    const fits = !takesNone && extent.every((n, axis) => n === 1 || n === shape[axis]);
    expect(
      fits && extent[0] * extent[1] > 1,
      instruction,
      `has an operand that does not fit ${shape.join("×")}`,
    );
  }
}

function sizeOf(extent: readonly number[]): number {
  return extent.reduce((a, b) => a * b, 1);
}
