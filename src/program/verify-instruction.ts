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
import type { Domain, Instruction, ProgramTensor, ScalarType, ScaleStep, Window } from "./types.js";

/** The largest code width: codes are held in bytes and packed as at most eight planes. */
export const MAX_CODE_BITS = 8;

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
      expect(isScalar(input.domain, "u8"), instruction, "reads a tensor that is not u8");
      expect(isScalar(output.domain, "u8"), instruction, "writes a tensor that is not u8");
      expect(instruction.table.length === 256, instruction, "has not 256 entries");
      checkSameShape(instruction, input, output);
      break;
    case "conv":
      checkConv(instruction, input, output);
      break;
    case "conv-float":
      checkConvFloat(instruction, input, output);
      break;
    case "pool":
      checkPool(instruction, input, output);
      break;
    case "add":
      checkAdd(instruction, inputs, output);
      break;
    case "combine":
      checkCombine(instruction, inputs, output);
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
    case "scale":
      expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
      checkScaleSteps(instruction.steps, output.shape[2], instruction);
      checkSameShape(instruction, input, output);
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
  const { thresholds, levels, flipped } = instruction;
  const rows = flipped.length;
  expect(input.domain.kind === "scalar", instruction, "reads codes");
  expect(isCodes(output.domain) || isScalar(output.domain, "u8"), instruction, "writes neither codes nor u8");
  const bits = isCodes(output.domain) ? output.domain.bits : 8;
  expect(levels >= 1 && levels < 2 ** bits, instruction, "has levels that exceed the codes");
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
  expect(weights.outputs === output.shape[2], instruction, "does not fit its weights");
  expect(weights.inputs === tapsPerOutput(window, groups, input), instruction, "does not fit its weights");
  expect(weights.codes.length === weights.inputs * weights.outputs, instruction, "has incomplete weights");
  expect(weights.bits >= 1 && weights.bits <= MAX_CODE_BITS, instruction, "has impossible weight bits");
  expect(
    weights.codes.every((c) => c < 2 ** weights.bits),
    instruction,
    "has a weight code beyond its bits",
  );
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
  expect(isScalar(output.domain, "i32", "f32"), instruction, "writes neither i32 nor f32");
  for (const input of inputs) {
    checkSameDomain(instruction, input, output);
    checkSameShape(instruction, input, output);
  }
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

function checkScaleSteps(steps: readonly ScaleStep[], channels: number, instruction: Instruction): void {
  for (const { operator, operand } of steps) {
    const fits =
      operator === "relu" ? operand.length === 0 : operand.length === 1 || operand.length === channels;
    expect(
      fits,
      instruction,
      `has a ${operator} operand of length ${operand.length} for ${channels} channels`,
    );
  }
}
