import {
  checkSameDomain,
  checkSameShape,
  expect,
  isCodes,
  isPixel,
  isSameDomain,
  isScalar,
} from "./expect.js";
import { type Axis, everyWindowHasTap, isOutputSize } from "./geometry.js";
import { SCALAR_RANGES } from "./ranges.js";
import type {
  CodeMatrix,
  Domain,
  Instruction,
  ProgramTensor,
  ScalarType,
  ScaleStep,
  Window,
} from "./types.js";

/** The largest code width: codes are held in bytes and packed as at most eight planes. */
export const MAX_CODE_BITS = 8;

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

function checkConv(instruction: Of<"conv">, input: ProgramTensor, output: ProgramTensor): void {
  const { weights, window, groups, inputOffset, padValue } = instruction;
  const reads = isCodes(input.domain) || isScalar(input.domain, "u8", "i8", "i16");
  expect(reads, instruction, "reads neither codes nor u8, i8 or i16");
  expect(isScalar(output.domain, "i32"), instruction, "writes a tensor that is not i32");
  expect(!isCodes(input.domain) || inputOffset === 0, instruction, "has an input offset for codes");
  expect(
    Number.isInteger(inputOffset) && Number.isInteger(padValue),
    instruction,
    "has an offset or a padding value that is not an integer",
  );
  checkGroups(instruction, groups, input, output);
  checkWindow(instruction, window, input, output);
  checkWeights(instruction, weights, tapsPerOutput(window, groups, input), output);
}

function checkWeights(
  instruction: Instruction,
  weights: CodeMatrix,
  inputs: number,
  output: ProgramTensor,
): void {
  expect(weights.outputs === output.shape[2], instruction, "does not fit its weights");
  expect(weights.inputs === inputs, instruction, "does not fit its weights");
  expect(weights.codes.length === weights.inputs * weights.outputs, instruction, "has incomplete weights");
  expect(weights.bits >= 1 && weights.bits <= MAX_CODE_BITS, instruction, "has impossible weight bits");
  expect(
    weights.codes.every((c) => c < 2 ** weights.bits),
    instruction,
    "has a weight code beyond its bits",
  );
}

/** Beyond it a sum of products could leave float32. */
const LARGEST_SUM = 2 ** 126;

function checkConvBases(instruction: Of<"conv-bases">, input: ProgramTensor, output: ProgramTensor): void {
  const { bases, coefficients, planes, window, groups, padCode } = instruction;
  expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
  const bits = isCodes(input.domain) ? input.domain.bits : 0;
  expect(bits > 0, instruction, "reads no codes");
  expect(
    Number.isInteger(planes.step) && Number.isInteger(planes.offset) && planes.step !== 0,
    instruction,
    "has planes whose bits mean the same",
  );
  expect(
    padCode === undefined || (Number.isInteger(padCode) && padCode >= 0 && padCode < 2 ** bits),
    instruction,
    "pads with a code that does not exist",
  );
  checkGroups(instruction, groups, input, output);
  checkWindow(instruction, window, input, output);
  const inputs = tapsPerOutput(window, groups, input);
  for (const basis of bases) checkWeights(instruction, basis, inputs, output);
  const count = output.shape[2] * bases.length * bits;
  expect(
    bases.length >= 1 && coefficients.length === count,
    instruction,
    "has the wrong number of coefficients",
  );
  const largest = Math.max(...bases.map((b) => largestWeight(b) * largestPlane(planes) * inputs));
  expect(largest < 2 ** 31, instruction, "has sums beyond 32 bits");
  const total = coefficients.reduce((most, c) => Math.max(most, Math.abs(c)), 0) * bases.length * bits;
  expect(total * largest < LARGEST_SUM, instruction, "has sums beyond float32");
}

function largestWeight({ step, offset, bits }: CodeMatrix): number {
  return Math.max(Math.abs(offset), Math.abs(step * (2 ** bits - 1) + offset));
}

function largestPlane({ step, offset }: { readonly step: number; readonly offset: number }): number {
  return Math.max(Math.abs(offset), Math.abs(step + offset));
}

function checkConvFloat(instruction: Of<"conv-float">, input: ProgramTensor, output: ProgramTensor): void {
  const { weights, window, groups } = instruction;
  expect(isScalar(input.domain, "f32"), instruction, "reads a tensor that is not f32");
  expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
  checkGroups(instruction, groups, input, output);
  checkWindow(instruction, window, input, output);
  expect(
    weights.length === output.shape[2] * tapsPerOutput(window, groups, input),
    instruction,
    "does not fit its weights",
  );
  expect(weights.every(Number.isFinite), instruction, "has a weight that is not finite");
}

function checkGroups(
  instruction: Instruction,
  groups: number,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const divides = [input.shape[2], output.shape[2]].every((channels) => channels % groups === 0);
  expect(Number.isInteger(groups) && groups >= 1 && divides, instruction, "has groups that do not divide");
}

function tapsPerOutput({ kernel }: Window, groups: number, input: ProgramTensor): number {
  return (kernel[0] * kernel[1] * input.shape[2]) / groups;
}

function checkWindow(
  instruction: Instruction,
  window: Window,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const { kernel, stride, dilation, pads } = window;
  expect(
    [...kernel, ...stride, ...dilation].every((n) => Number.isInteger(n) && n >= 1),
    instruction,
    "has a window with a size below 1",
  );
  expect(
    pads.every((n) => Number.isInteger(n) && n >= 0),
    instruction,
    "has negative pads",
  );
  for (const axis of [0, 1] as const satisfies readonly Axis[]) {
    expect(
      isOutputSize(input.shape[axis], output.shape[axis], window, axis),
      instruction,
      `cannot have ${output.shape.join("×")} from ${input.shape.join("×")}`,
    );
  }
}

function checkPool(instruction: Of<"pool">, input: ProgramTensor, output: ProgramTensor): void {
  const { window, operator } = instruction;
  const summed = isScalar(input.domain, "f32") ? "f32" : "i32";
  expect(
    operator === "sum" ? isScalar(output.domain, summed) : isSameDomain(input.domain, output.domain),
    instruction,
    `has a wrong domain for a ${operator}`,
  );
  expect(input.shape[2] === output.shape[2], instruction, "changes the channels");
  checkWindow(instruction, window, input, output);
  for (const axis of [0, 1] as const satisfies readonly Axis[]) {
    expect(
      everyWindowHasTap(input.shape[axis], output.shape[axis], window, axis),
      instruction,
      "has a window without a tap inside the map",
    );
  }
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

function checkConcat(
  instruction: Of<"concat">,
  inputs: readonly ProgramTensor[],
  output: ProgramTensor,
): void {
  const [height, width, channels] = output.shape;
  expect(inputs.length >= 1, instruction, "has no inputs");
  for (const input of inputs) {
    checkSameDomain(instruction, input, output);
    expect(input.shape[0] === height && input.shape[1] === width, instruction, "joins maps of two sizes");
  }
  const sum = inputs.reduce((total, { shape }) => total + shape[2], 0);
  expect(sum === channels, instruction, "has not the channels of its inputs");
}

function checkSelect(instruction: Of<"select">, input: ProgramTensor, output: ProgramTensor): void {
  const { top, left, steps, channels } = instruction;
  checkSameDomain(instruction, input, output);
  expect(
    [top, left].every((n) => Number.isInteger(n) && n >= 0) &&
      steps.every((n) => Number.isInteger(n) && n >= 1),
    instruction,
    "has an impossible start or step",
  );
  expect(
    top + (output.shape[0] - 1) * steps[0] < input.shape[0] &&
      left + (output.shape[1] - 1) * steps[1] < input.shape[1],
    instruction,
    "reaches outside the map",
  );
  expect(channels.length === output.shape[2], instruction, "has not one channel for each of its output");
  expect(
    channels.every((c) => c >= 0 && c < input.shape[2]),
    instruction,
    "selects a channel that does not exist",
  );
}

function checkGather(instruction: Of<"gather">, input: ProgramTensor, output: ProgramTensor): void {
  const { rows, columns, channels, step } = instruction;
  const entries = output.shape[0] * output.shape[2];
  const reach = (output.shape[1] - 1) * step;
  checkSameDomain(instruction, input, output);
  expect(Number.isInteger(step) && step >= 1, instruction, "has an impossible step");
  expect(
    [rows, columns, channels].every((list) => list.length === entries),
    instruction,
    "has not one place for each row and channel of its output",
  );
  expect(
    rows.every((y) => y >= 0 && y < input.shape[0]) &&
      columns.every((x) => x >= 0 && x + reach < input.shape[1]) &&
      channels.every((c) => c >= 0 && c < input.shape[2]),
    instruction,
    "reaches outside the map",
  );
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

function checkPad(instruction: Of<"pad">, input: ProgramTensor, output: ProgramTensor): void {
  const { pads, channels, fill } = instruction;
  checkSameDomain(instruction, input, output);
  expect(
    [...pads, ...channels].every((n) => Number.isInteger(n) && n >= 0),
    instruction,
    "has negative pads",
  );
  const [height, width, depth] = input.shape;
  expect(
    output.shape[0] === pads[0] + height + pads[2] &&
      output.shape[1] === pads[1] + width + pads[3] &&
      output.shape[2] === channels[0] + depth + channels[1],
    instruction,
    `cannot have ${output.shape.join("×")} from ${input.shape.join("×")}`,
  );
  expect(isStored(output.domain, fill), instruction, `cannot store its fill ${fill}`);
}

/** Whether an element of the domain can be stored as this number. */
function isStored(domain: Domain, stored: number): boolean {
  if (domain.kind === "scalar" && domain.type === "f32") {
    return Number.isFinite(stored) && Math.fround(stored) === stored;
  }
  const { low, high } =
    domain.kind === "codes"
      ? { low: 0, high: 2 ** domain.bits - 1 }
      : SCALAR_RANGES[domain.type as Exclude<ScalarType, "f32">];
  return Number.isInteger(stored) && stored >= low && stored <= high;
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
