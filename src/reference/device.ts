/**
 * Executes a DeviceProgram as docs/NUMERICS.md defines it, one element at a time: the readable definition
 * that the generated C must equal. It knows nothing of planes, packing, kernels or plans.
 */
import { fail } from "../diagnostics/diagnostic.js";
import { tapPosition } from "../program/geometry.js";
import {
  type CodeMatrix,
  type DeviceProgram,
  type FixedLine,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  type ScaleStep,
} from "../program/types.js";
import { exactExp, exactSigmoid } from "./exact-exp.js";
import { regionBoxes } from "./region.js";

type Values = Int32Array | Float32Array;
type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

/**
 * The values of every program tensor for one input, in tensor order: what a trace build reports. Throws
 * `input/not-finite` (exit 1) for a NaN or an infinity.
 */
export function traceDevice(program: DeviceProgram, input: Values): Values[] {
  for (const x of input) requireFinite(x, "an element of the input");
  const values: Values[] = [];
  values[program.input.tensor] = input;
  for (const instruction of program.instructions) {
    const inputs = inputsOf(instruction).map((id) => values[id]!);
    values[instruction.output] = executeInstruction(program, instruction, inputs);
  }
  return values;
}

/** The output tensor for one input. */
export function runDevice(program: DeviceProgram, input: Values): Values {
  return traceDevice(program, input)[program.output.tensor]!;
}

/** The model's float outputs that follow from integer scores by the program's output affine. */
export function scoresAsFloat(program: DeviceProgram, scores: Values): Float32Array {
  const channels = program.tensors[program.output.tensor]!.shape[2];
  return Float32Array.from(scores, (score, i) => scaled(score, program.output.affine, i % channels));
}

/** One instruction on the values of the tensors that it reads. */
export function executeInstruction(
  program: DeviceProgram,
  instruction: Instruction,
  inputs: readonly Values[],
): Values {
  const from = inputsOf(instruction).map((id) => program.tensors[id]!);
  const to = program.tensors[instruction.output]!;
  const x = inputs[0]!;
  switch (instruction.kind) {
    case "threshold":
      return threshold(instruction, from[0]!, to, x);
    case "lookup":
      return Int32Array.from(x, (stored) => instruction.table[stored]!);
    case "conv":
      return conv(instruction, from[0]!, to, x);
    case "conv-float":
      return convFloat(instruction, from[0]!, to, x);
    case "conv-bases":
      return convBases(instruction, from[0]!, to, x);
    case "decode":
      return elements(to, (_y, _x, _c, i) => instruction.values[x[i]!]!);
    case "pool":
      return pool(instruction, from[0]!, to, x);
    case "add":
      return add(to, x, inputs[1]!);
    case "add-fixed":
      return addFixed(instruction, to, x, inputs[1]!);
    case "requantize":
      return requantize(instruction, to, x);
    case "combine":
      return combine(instruction, to, x, inputs[1]!);
    case "pairwise":
      return pairwise(instruction, from, to, inputs);
    case "reduce":
      return reduce(instruction, from[0]!, to, x);
    case "concat":
      return concat(from, to, inputs);
    case "select":
      return select(instruction, from[0]!, to, x);
    case "gather":
      return gather(instruction, from[0]!, to, x);
    case "region":
      return region(instruction, from[0]!, to, x);
    case "pad":
      return pad(instruction, from[0]!, to, x);
    case "rank":
      return elements(to, (_y, _x, c, i) => instruction.slope[c]! * x[i]! + instruction.offset[c]!);
    case "narrow":
      return Int32Array.from(x);
    case "scale":
      return elements(to, (row, column, c, i) =>
        scaled(standsFor(from[0]!, x[i]!), instruction.steps, c, row, column),
      );
    case "softmax":
      return softmax(x);
    case "argmax":
      return Int32Array.of(argmax(x, instruction.selectLast));
  }
}

/** A tensor's values, each computed from its row, column and channel; `index` counts elements. */
function elements(
  tensor: ProgramTensor,
  element: (y: number, x: number, channel: number, index: number) => number,
): Values {
  const [height, width, channels] = tensor.shape;
  const values = isFloat(tensor)
    ? new Float32Array(height * width * channels)
    : new Int32Array(height * width * channels);
  let index = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++, index++) values[index] = element(y, x, c, index);
    }
  }
  return values;
}

/** The stored element at a position, or undefined outside the map. */
function at(
  tensor: ProgramTensor,
  values: Values,
  y: number,
  x: number,
  channel: number,
): number | undefined {
  const [height, width, channels] = tensor.shape;
  const isInside = y >= 0 && y < height && x >= 0 && x < width;
  return isInside ? values[(y * width + x) * channels + channel] : undefined;
}

/** What a stored element stands for: codes by their domain, scalars as they are. */
function standsFor({ domain }: ProgramTensor, stored: number): number {
  return domain.kind === "codes" ? domain.step * stored + domain.offset : stored;
}

function isFloat({ domain }: ProgramTensor): boolean {
  return domain.kind === "scalar" && domain.type === "f32";
}

function threshold(
  instruction: Of<"threshold">,
  from: ProgramTensor,
  to: ProgramTensor,
  input: Values,
): Values {
  const { levels, thresholds, flipped, table } = instruction;
  return elements(to, (_y, _x, channel, i) => {
    const row = flipped.length === 1 ? 0 : channel;
    const key = isFloat(from) ? floatKey(input[i]!) : input[i]!;
    let reached = 0;
    for (let j = 0; j < levels; j++) if (key >= thresholds[row * levels + j]!) reached++;
    const code = flipped[row] === 1 ? levels - reached : reached;
    return table === undefined ? code : table[code]!;
  });
}

function requireFinite(x: number, what: string): void {
  if (Number.isFinite(x)) return;
  throw fail(
    "input/not-finite",
    `${what} is ${x}; inputs and what is computed of them must be finite numbers`,
  );
}

const keyView = new DataView(new ArrayBuffer(4));

/** Order-preserving map of finite float32 to int32; −0 is just below +0. NaN and infinities are refused. */
export function floatKey(x: number): number {
  requireFinite(x, "a value that is compared with thresholds");
  keyView.setFloat32(0, x);
  const bits = keyView.getInt32(0);
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

function conv(instruction: Of<"conv">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const { weights, window, groups, padValue, inputOffset } = instruction;
  const groupInputs = from.shape[2] / groups;
  const groupOutputs = to.shape[2] / groups;
  return elements(to, (y, x, n) => {
    const firstChannel = Math.floor(n / groupOutputs) * groupInputs;
    let sum = 0;
    let k = n * weights.inputs;
    for (let ky = 0; ky < window.kernel[0]; ky++) {
      for (let kx = 0; kx < window.kernel[1]; kx++) {
        for (let c = 0; c < groupInputs; c++) {
          const row = tapPosition(window, 0, y, ky);
          const column = tapPosition(window, 1, x, kx);
          const stored = at(from, input, row, column, firstChannel + c);
          const value = stored === undefined ? padValue : standsFor(from, stored) + inputOffset;
          sum += value * (weights.step * weights.codes[k++]! + weights.offset);
        }
      }
    }
    return sum;
  });
}

function convFloat(
  instruction: Of<"conv-float">,
  from: ProgramTensor,
  to: ProgramTensor,
  input: Values,
): Values {
  const { weights, window, groups } = instruction;
  const groupInputs = from.shape[2] / groups;
  const groupOutputs = to.shape[2] / groups;
  return elements(to, (y, x, n) => {
    const firstChannel = Math.floor(n / groupOutputs) * groupInputs;
    let sum = 0;
    let k = n * window.kernel[0] * window.kernel[1] * groupInputs;
    for (let ky = 0; ky < window.kernel[0]; ky++) {
      for (let kx = 0; kx < window.kernel[1]; kx++) {
        for (let c = 0; c < groupInputs; c++, k++) {
          const row = tapPosition(window, 0, y, ky);
          const column = tapPosition(window, 1, x, kx);
          const stored = at(from, input, row, column, firstChannel + c);
          if (stored !== undefined) sum = Math.fround(sum + Math.fround(stored * weights[k]!));
        }
      }
    }
    return sum;
  });
}

/** Bit l of a code, counted from the most significant of its tensor's bits. */
function planeOf(tensor: ProgramTensor, code: number, l: number): number {
  const bits = tensor.domain.kind === "codes" ? tensor.domain.bits : 0;
  return (code >> (bits - 1 - l)) & 1;
}

function convBases(
  instruction: Of<"conv-bases">,
  from: ProgramTensor,
  to: ProgramTensor,
  input: Values,
): Values {
  const { bases, coefficients, planes, window, groups, padCode } = instruction;
  const groupInputs = from.shape[2] / groups;
  const groupOutputs = to.shape[2] / groups;
  const count = coefficients.length / (to.shape[2] * bases.length);
  /** The exact sum of products of one plane and one basis. */
  const dot = (y: number, x: number, n: number, basis: CodeMatrix, l: number): number => {
    const firstChannel = Math.floor(n / groupOutputs) * groupInputs;
    let sum = 0;
    let k = n * basis.inputs;
    for (let ky = 0; ky < window.kernel[0]; ky++) {
      for (let kx = 0; kx < window.kernel[1]; kx++) {
        for (let c = 0; c < groupInputs; c++, k++) {
          const row = tapPosition(window, 0, y, ky);
          const column = tapPosition(window, 1, x, kx);
          const code = at(from, input, row, column, firstChannel + c) ?? padCode;
          if (code === undefined) continue;
          const plane = planes.step * planeOf(from, code, l) + planes.offset;
          sum += plane * (basis.step * basis.codes[k]! + basis.offset);
        }
      }
    }
    return sum;
  };
  return elements(to, (y, x, n) => {
    let acc = 0;
    for (const [m, basis] of bases.entries()) {
      for (let l = 0; l < count; l++) {
        const coefficient = coefficients[(n * bases.length + m) * count + l]!;
        const product = Math.fround(Math.fround(dot(y, x, n, basis, l)) * coefficient);
        acc = Math.fround(acc + product);
      }
    }
    return acc;
  });
}

function pool(instruction: Of<"pool">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const { window, operator } = instruction;
  return elements(to, (y, x, channel) => {
    const taps: number[] = [];
    for (let ky = 0; ky < window.kernel[0]; ky++) {
      for (let kx = 0; kx < window.kernel[1]; kx++) {
        const row = tapPosition(window, 0, y, ky);
        const column = tapPosition(window, 1, x, kx);
        const stored = at(from, input, row, column, channel);
        if (stored !== undefined) taps.push(stored);
      }
    }
    // Math.max and Math.min order −0 below +0, as keys do.
    if (operator === "maximum") return Math.max(...taps);
    if (operator === "minimum") return Math.min(...taps);
    return isFloat(from)
      ? taps.reduce((sum, tap) => Math.fround(sum + tap), 0)
      : taps.reduce((sum, tap) => sum + standsFor(from, tap), 0);
  });
}

function add(to: ProgramTensor, a: Values, b: Values): Values {
  return elements(to, (_y, _x, _c, i) => a[i]! + b[i]!);
}

/** `floor((x + 2^(right − 1)) / 2^right)` of an integer, clamped. BigInt's shift rounds down. */
function halved(x: bigint, right: number, low: number, high: number): number {
  const rounded = right === 0 ? x : (x + (1n << BigInt(right - 1))) >> BigInt(right);
  return Math.min(Math.max(Number(rounded), low), high);
}

function addFixed({ shifts, right }: Of<"add-fixed">, to: ProgramTensor, a: Values, b: Values): Values {
  return elements(to, (_y, _x, _c, i) => {
    const sum = a[i]! * 2 ** shifts[0] + b[i]! * 2 ** shifts[1];
    return halved(BigInt(sum), right, -32768, 32767);
  });
}

function requantize(instruction: Of<"requantize">, to: ProgramTensor, input: Values): Values {
  const { line, below, biasShift, right, low, high } = instruction;
  return elements(to, (_y, _x, channel, i) => {
    const on = ({ multiplier, bias }: FixedLine): bigint => {
      const c = multiplier.length === 1 ? 0 : channel;
      return BigInt(input[i]!) * BigInt(multiplier[c]!) + BigInt(bias[c]!) * 2n ** BigInt(biasShift);
    };
    const a = on(line);
    return halved(a < 0n && below !== undefined ? on(below) : a, right, low, high);
  });
}

function combine(instruction: Of<"combine">, to: ProgramTensor, a: Values, b: Values): Values {
  const { operator, tail, low, high } = instruction;
  return elements(to, (_y, _x, _c, i) => {
    const tables = tail !== undefined && i >= tail.first ? tail.tables : instruction.tables;
    const [left, right] = [tables[0][a[i]! & 255]!, tables[1][b[i]! & 255]!];
    const result = times(operator === "add" ? left + right : left * right, instruction);
    return Math.min(Math.max(result, low), high) - low;
  });
}

/** An integer times `multiplier · 2^(shift − 31)`: the doubled high half of the product, then a right shift. */
function times(x: number, { multiplier, shift }: Of<"combine">): number {
  const product = BigInt(x) * 2n ** BigInt(Math.max(shift, 0)) * BigInt(multiplier);
  // BigInt's shift rounds down.
  const half = Number((product + 2n ** 30n) >> 31n);
  const quotient = Math.abs(half) / 2 ** Math.max(-shift, 0);
  return Math.sign(half) * Math.floor(quotient + 0.5);
}

/** The element of a map that numpy broadcasting pairs with a position of a larger one. */
function broadcast(shape: ProgramTensor["shape"], values: Values, y: number, x: number, c: number): number {
  const [height, width, channels] = shape;
  const [row, column, channel] = [height === 1 ? 0 : y, width === 1 ? 0 : x, channels === 1 ? 0 : c];
  return values[(row * width + column) * channels + channel]!;
}

function pairwise(
  { operator }: Of<"pairwise">,
  from: readonly ProgramTensor[],
  to: ProgramTensor,
  inputs: readonly Values[],
): Values {
  return elements(to, (y, x, c) => {
    const [a, b] = from.map(({ shape }, i) => broadcast(shape, inputs[i]!, y, x, c)) as [number, number];
    if (operator === "multiply") return Math.fround(a * b);
    return Math.fround(operator === "add" ? a + b : a - b);
  });
}

function reduce({ over }: Of<"reduce">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const length = over === "all" ? input.length : from.shape[2];
  const round = isFloat(from) ? Math.fround : (x: number) => x;
  return elements(to, (_y, _x, _c, i) => {
    let sum = 0;
    for (const x of input.subarray(i * length, (i + 1) * length)) sum = round(sum + x);
    return sum;
  });
}

function concat(from: readonly ProgramTensor[], to: ProgramTensor, inputs: readonly Values[]): Values {
  return elements(to, (y, x, channel) => {
    let [part, c] = [0, channel];
    while (c >= from[part]!.shape[2]) c -= from[part++]!.shape[2];
    return at(from[part]!, inputs[part]!, y, x, c)!;
  });
}

function select(instruction: Of<"select">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const { top, left, steps, channels } = instruction;
  return elements(to, (y, x, c) => at(from, input, top + y * steps[0], left + x * steps[1], channels[c]!)!);
}

function gather(instruction: Of<"gather">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const { rows, columns, channels, step } = instruction;
  return elements(to, (y, x, c) => {
    const place = y * to.shape[2] + c;
    return at(from, input, rows[place]!, columns[place]! + x * step, channels[place]!)!;
  });
}

function region(instruction: Of<"region">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const [height, width] = from.shape;
  const f = Math.fround;
  const functions = {
    sigmoid: exactSigmoid,
    size: (t: number, anchor: number, cells: number) => f(f(anchor * exactExp(t)) / cells),
    softmax: (line: readonly number[]) => softmax(Float32Array.from(line)),
  };
  const numbers = {
    height,
    width,
    at: (channel: number, y: number, x: number) => at(from, input, y, x, channel)!,
  };
  return regionBoxes(instruction, numbers, functions, to.shape[1]);
}

function pad(instruction: Of<"pad">, from: ProgramTensor, to: ProgramTensor, input: Values): Values {
  const { pads, channels, fill } = instruction;
  return elements(to, (y, x, channel) => {
    const c = channel - channels[0];
    const isInside = c >= 0 && c < from.shape[2];
    return isInside ? (at(from, input, y - pads[0], x - pads[1], c) ?? fill) : fill;
  });
}

/** A step's operand at a position. */
function operandAt({ operand, extent }: ScaleStep, channel: number, row: number, column: number): number {
  if (extent !== undefined) return broadcast(extent, operand, row, column, channel);
  return operand.length === 1 ? operand[0]! : operand[channel]!;
}

/** To float32, then every step rounded to float32. */
function scaled(x: number, steps: readonly ScaleStep[], channel: number, row = 0, column = 0): number {
  let y = Math.fround(x);
  for (const step of steps) {
    const { operator } = step;
    const c = operandAt(step, channel, row, column);
    if (operator === "add") y = Math.fround(y + c);
    else if (operator === "subtract") y = Math.fround(y - c);
    else if (operator === "multiply") y = Math.fround(y * c);
    else if (operator === "divide") y = Math.fround(y / c);
    else if (operator === "subtract-from") y = Math.fround(c - y);
    else if (operator === "divide-into") y = Math.fround(c / y);
    else if (operator === "prelu") y = y >= 0 ? y : Math.fround(c * y);
    else if (operator === "minimum") y = y > c ? c : y;
    else if (operator === "maximum") y = y < c ? c : y;
    else if (operator === "abs") y = y > 0 ? y : 0 - y;
    else y = y > 0 ? y : 0;
  }
  return y;
}

function softmax(input: Values): Float32Array {
  let greatest = input[0]!;
  for (const x of input) if (x > greatest) greatest = x;
  const powers = Float32Array.from(input, (x) => exactExp(Math.fround(x - greatest)));
  let sum = 0;
  for (const p of powers) sum = Math.fround(sum + p);
  return powers.map((p) => p / sum);
}

function argmax(input: Values, selectLast: boolean): number {
  let best = 0;
  for (let i = 1; i < input.length; i++) {
    if (input[i]! > input[best]! || (selectLast && input[i]! === input[best]!)) best = i;
  }
  return best;
}
