/**
 * The device reference for many inputs: weights are decoded once, convolutions gather their taps once per
 * pixel. Equal to `device.ts` in every bit: integer sums do not depend on their order, float sums keep it.
 */
import { tapPosition } from "../program/geometry.js";
import { tensorRanges } from "../program/ranges.js";
import {
  type CodeMatrix,
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type ProgramTensor,
} from "../program/types.js";
import { executeInstruction } from "./device.js";

type Values = Int32Array | Float32Array;
type Step = (inputs: readonly Values[]) => Values;
type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

/** Compiles a program to a function from its input to its output. */
export function compileDevice(program: DeviceProgram): (input: Values) => Values {
  const trace = compileTrace(program);
  return (input) => trace(input)[program.output.tensor]!;
}

/** Compiles a program to a function from its input to the values of every tensor. */
export function compileTrace(program: DeviceProgram): (input: Values) => Values[] {
  const steps = program.instructions.map((instruction) => ({
    inputs: inputsOf(instruction),
    output: instruction.output,
    run: compileInstruction(program, instruction),
  }));
  return (input) => {
    const values: Values[] = [];
    values[program.input.tensor] = input;
    for (const { inputs, output, run } of steps) values[output] = run(inputs.map((id) => values[id]!));
    return values;
  };
}

function compileInstruction(program: DeviceProgram, instruction: Instruction): Step {
  if (instruction.kind === "conv") return compileConv(program, instruction);
  if (instruction.kind === "conv-bases") return compileConvBases(program, instruction);
  if (instruction.kind === "conv-float") return compileConvFloat(program, instruction);
  if (instruction.kind === "threshold" && !isFloat(program.tensors[instruction.input]!))
    return compileThreshold(program, instruction);
  if (instruction.kind === "requantize") return compileRequantize(program, instruction);
  if (instruction.kind === "add-fixed") return compileAddFixed(instruction);
  return (inputs) => executeInstruction(program, instruction, inputs);
}

function isFloat({ domain }: ProgramTensor): boolean {
  return domain.kind === "scalar" && domain.type === "f32";
}

function compileThreshold(program: DeviceProgram, instruction: Of<"threshold">): Step {
  const { levels, thresholds, flipped, table } = instruction;
  const perChannel = flipped.length > 1;
  const channels = program.tensors[instruction.output]!.shape[2];
  return ([x]) => {
    const codes = new Int32Array(x!.length);
    for (let i = 0, channel = 0; i < codes.length; i++) {
      const row = perChannel ? channel : 0;
      const value = x![i]!;
      let reached = 0;
      for (let j = row * levels; j < (row + 1) * levels; j++) if (value >= thresholds[j]!) reached++;
      const code = flipped[row] === 1 ? levels - reached : reached;
      codes[i] = table === undefined ? code : table[code]!;
      if (++channel === channels) channel = 0;
    }
    return codes;
  };
}

/** What float64 holds exactly with a sum of two such numbers. */
const EXACT = 2 ** 51;

/** In float64 where all its numbers are exact there; its division by a power of two then is too. */
function compileRequantize(program: DeviceProgram, instruction: Of<"requantize">): Step {
  const { line, below, biasShift, right, low, high } = instruction;
  const range = tensorRanges(program)[instruction.input]!;
  const largest = Math.max(Math.abs(range.low), Math.abs(range.high));
  const lines = (below === undefined ? [line] : [line, below]).map(({ multiplier, bias }) => ({
    multiplier: Float64Array.from(multiplier),
    bias: Float64Array.from(bias, (b) => b * 2 ** biasShift),
  }));
  const fits = lines.every(({ multiplier, bias }) =>
    multiplier.every((m, c) => Math.abs(m) * largest + Math.abs(bias[c]!) < EXACT),
  );
  if (!fits || right > 51) return (inputs) => executeInstruction(program, instruction, inputs);
  const [upper, lower] = lines;
  const half = 2 ** (right - 1);
  const scale = 2 ** -right;
  const rows = upper!.multiplier.length;
  return ([x]) => {
    const y = new Int32Array(x!.length);
    for (let i = 0, c = 0; i < y.length; i++) {
      let a = x![i]! * upper!.multiplier[c]! + upper!.bias[c]!;
      if (a < 0 && lower !== undefined) a = x![i]! * lower.multiplier[c]! + lower.bias[c]!;
      const rounded = Math.floor((a + half) * scale);
      y[i] = rounded < low ? low : rounded > high ? high : rounded;
      if (++c === rows) c = 0;
    }
    return y;
  };
}

function compileAddFixed({ shifts, right }: Of<"add-fixed">): Step {
  const [left, other] = shifts.map((n) => 2 ** n) as [number, number];
  const half = right === 0 ? 0 : 2 ** (right - 1);
  return ([a, b]) =>
    Int32Array.from(a as Int32Array, (x, i) => {
      const rounded = (x * left + b![i]! * other + half) >> right;
      return Math.max(-32768, Math.min(32767, rounded));
    });
}

type Conv = Of<"conv"> | Of<"conv-float"> | Of<"conv-bases">;

/** Sums of one group's patch with the weights of its outputs [first, first + count), to `sums`. */
type Dot = (patch: Float64Array, first: number, count: number, sums: Values, at: number) => void;

/** Float64 holds every product and sum of int32 range exactly. */
function compileConv(program: DeviceProgram, instruction: Of<"conv">): Step {
  const { inputs, codes, step, offset } = instruction.weights;
  const weights = Float64Array.from(codes, (code) => step * code + offset);
  const { domain } = program.tensors[instruction.input]!;
  const [inStep, inOffset] =
    domain.kind === "codes" ? [domain.step, domain.offset] : [1, instruction.inputOffset];
  return compileWindows(
    program,
    instruction,
    (x) => Float64Array.from(x, (stored) => inStep * stored + inOffset),
    instruction.padValue,
    (patch, first, count, sums, at) => {
      let n = 0;
      // Four outputs at a time: a tap is loaded once for four products.
      for (; n + 4 <= count; n += 4) {
        const w0 = (first + n) * inputs;
        const w1 = w0 + inputs;
        const w2 = w1 + inputs;
        const w3 = w2 + inputs;
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        for (let k = 0; k < inputs; k++) {
          const value = patch[k]!;
          s0 += value * weights[w0 + k]!;
          s1 += value * weights[w1 + k]!;
          s2 += value * weights[w2 + k]!;
          s3 += value * weights[w3 + k]!;
        }
        sums[at + n] = s0;
        sums[at + n + 1] = s1;
        sums[at + n + 2] = s2;
        sums[at + n + 3] = s3;
      }
      for (; n < count; n++) {
        let sum = 0;
        for (let k = 0; k < inputs; k++) sum += patch[k]! * weights[(first + n) * inputs + k]!;
        sums[at + n] = sum;
      }
    },
  );
}

/**
 * Taps outside the map are zeros here: a product of ±0 changes no sum that starts from +0, because such a sum
 * is never −0.
 */
function compileConvFloat(program: DeviceProgram, instruction: Of<"conv-float">): Step {
  const { weights } = instruction;
  const inputs = weights.length / program.tensors[instruction.output]!.shape[2];
  return compileWindows(
    program,
    instruction,
    (x) => Float64Array.from(x),
    0,
    (patch, first, count, sums, at) => {
      for (let n = 0; n < count; n++) {
        let sum = 0;
        const w = (first + n) * inputs;
        for (let k = 0; k < inputs; k++) sum = Math.fround(sum + Math.fround(patch[k]! * weights[w + k]!));
        sums[at + n] = sum;
      }
    },
  );
}

/** Taps outside the map are numbers no code has, so that both kinds of padding are codes to the planes. */
const OUTSIDE = -1;

function compileConvBases(program: DeviceProgram, instruction: Of<"conv-bases">): Step {
  const { bases, coefficients, planes, padCode = OUTSIDE } = instruction;
  const [{ inputs }] = bases as [CodeMatrix];
  const weights = bases.map(({ codes, step, offset }) => Float64Array.from(codes, (c) => step * c + offset));
  const perOutput = coefficients.length / program.tensors[instruction.output]!.shape[2];
  const count = perOutput / bases.length;
  const taps = new Float64Array(count * inputs);
  return compileWindows(
    program,
    instruction,
    (x) => Float64Array.from(x),
    padCode,
    (patch, first, outputs, sums, at) => {
      for (let l = 0; l < count; l++) {
        const shift = count - 1 - l;
        for (let k = 0; k < inputs; k++) {
          const code = patch[k]!;
          taps[l * inputs + k] = code === OUTSIDE ? 0 : planes.step * ((code >> shift) & 1) + planes.offset;
        }
      }
      for (let n = first; n < first + outputs; n++) {
        let acc = 0;
        let c = n * perOutput;
        for (const basis of weights) {
          for (let l = 0; l < count; l++) {
            let dot = 0;
            for (let k = 0; k < inputs; k++) dot += taps[l * inputs + k]! * basis[n * inputs + k]!;
            acc = Math.fround(acc + Math.fround(Math.fround(dot) * coefficients[c++]!));
          }
        }
        sums[at + n - first] = acc;
      }
    },
  );
}

/** Walks output pixels and groups; gathers each patch and hands it to `dot`. */
function compileWindows(
  program: DeviceProgram,
  { input, output, window, groups }: Conv,
  valuesOf: (stored: Values) => Float64Array,
  padValue: number,
  dot: Dot,
): Step {
  const [height, width, channels] = program.tensors[input]!.shape;
  const to = program.tensors[output]!;
  const [outHeight, outWidth, outputs] = to.shape;
  const groupInputs = channels / groups;
  const groupOutputs = outputs / groups;
  const [kernelHeight, kernelWidth] = window.kernel;
  const patch = new Float64Array(kernelHeight * kernelWidth * groupInputs);
  const gather = (x: Float64Array, y0: number, x0: number, firstChannel: number): void => {
    let k = 0;
    for (let ky = 0; ky < kernelHeight; ky++) {
      const row = tapPosition(window, 0, y0, ky);
      for (let kx = 0; kx < kernelWidth; kx++) {
        const column = tapPosition(window, 1, x0, kx);
        if (row < 0 || row >= height || column < 0 || column >= width) {
          patch.fill(padValue, k, k + groupInputs);
          k += groupInputs;
        } else {
          const from = (row * width + column) * channels + firstChannel;
          for (let c = 0; c < groupInputs; c++) patch[k++] = x[from + c]!;
        }
      }
    }
  };
  return ([stored]) => {
    const x = valuesOf(stored!);
    const size = outHeight * outWidth * outputs;
    const sums = isFloat(to) ? new Float32Array(size) : new Int32Array(size);
    for (let pixel = 0; pixel < outHeight * outWidth; pixel++) {
      for (let group = 0; group < groups; group++) {
        gather(x, Math.floor(pixel / outWidth), pixel % outWidth, group * groupInputs);
        dot(patch, group * groupOutputs, groupOutputs, sums, pixel * outputs + group * groupOutputs);
      }
    }
    return sums;
  };
}
