/** Turns arrays that users have (images as uint8, values as float32) into inputs of a program or a graph. */
import { randomInput, xorshift32 } from "./compile.js";
import { fail } from "./diagnostics/diagnostic.js";
import { shapeText } from "./diagnostics/text.js";
import type { NpyArray } from "./formats/npy.js";
import {
  type DeviceProgram,
  elementCount,
  type InputAffine,
  inDeviceOrder,
  type TensorValues,
} from "./program/index.js";

/** A batch of inputs: `count` inputs of `size` numbers each. */
export interface InputBatch {
  readonly count: number;
  /** The stored numbers of input `index`, in the order in which the device gets them. */
  stored(index: number): TensorValues;
  /** The float32 numbers that the model sees for input `index`, in the model's order. */
  real(index: number): Float32Array;
}

/**
 * Inputs from an array whose first axis is the batch, in the model's order. Floats for an integer input must be exactly what some
 * stored integer stands for: nothing is rounded silently.
 */
export function batchFromArray(program: DeviceProgram, array: NpyArray, where: string): InputBatch {
  const tensor = program.tensors[program.input.tensor]!;
  const size = elementCount(tensor);
  const count = countInputs(program, array, size, where);
  const { affine } = program.input;
  const isFloatArray = array.data instanceof Float32Array || array.data instanceof Float64Array;
  const slice = (index: number): ArrayLike<number> => array.data.subarray(index * size, (index + 1) * size);
  if (affine === undefined) {
    if (!isFloatArray) {
      throw fail("input/type", `${where} holds ${array.dtype}, but the model takes float32`, {
        remedy: "store float32, or say what the integers stand for: --input-type u8 --input-scale 1/255",
      });
    }
    const floats = (index: number): Float32Array => new Float32Array(slice(index));
    return { count, stored: (index) => inDeviceOrder(program, floats(index)), real: floats };
  }
  const range = integerRangeOf(tensor.domain.kind === "scalar" ? tensor.domain.type : "u8");
  const stored = isFloatArray
    ? storedFromFloats(slice, affine, range, where)
    : (index: number): Int32Array => checkedRange(new Int32Array(slice(index)), range, where);
  return {
    count,
    stored: (index) => inDeviceOrder(program, stored(index)),
    real: (index) => Float32Array.from(stored(index), (s) => realValue(s, affine)),
  };
}

/** Seeded inputs over the input type's whole range. */
export function randomBatch(program: DeviceProgram, count: number, seed: number): InputBatch {
  const tensor = program.tensors[program.input.tensor]!;
  const type = tensor.domain.kind === "scalar" ? tensor.domain.type : "u8";
  const random = xorshift32(seed);
  const inputs = Array.from({ length: count }, () => randomInput(type, elementCount(tensor), random));
  const { affine } = program.input;
  return {
    count,
    stored: (index) => inDeviceOrder(program, inputs[index]!),
    real: (index) =>
      affine === undefined
        ? (inputs[index] as Float32Array)
        : Float32Array.from(inputs[index]!, (s) => realValue(s, affine)),
  };
}

function countInputs(program: DeviceProgram, array: NpyArray, size: number, where: string): number {
  const [count = 0, ...rest] = array.shape;
  const perInput = rest.reduce((a, b) => a * b, 1);
  if (perInput === size && count > 0) return count;
  if (array.data.length === size) return 1;
  throw fail(
    "input/shape",
    `${where} has shape ${shapeText(array.shape)}; the model takes ${shapeText(program.input.modelShape)}`,
    {
      remedy: `store inputs as N×${shapeText(program.input.modelShape.slice(1))}, the batch first`,
    },
  );
}

function realValue(stored: number, affine: InputAffine): number {
  return Math.fround(((stored - affine.zero) * affine.numerator) / affine.denominator);
}

/** Floats to the integers that stand for them; images repeat few values, so each is looked up once. */
function storedFromFloats(
  slice: (index: number) => ArrayLike<number>,
  affine: InputAffine,
  range: readonly [number, number],
  where: string,
): (index: number) => Int32Array {
  const known = new Map<number, number>();
  const lookUp = (x: number): number => {
    let stored = known.get(x);
    if (stored === undefined) {
      stored = storedInteger(x, affine, range, where);
      known.set(x, stored);
    }
    return stored;
  };
  return (index) => {
    const values = slice(index);
    const stored = new Int32Array(values.length);
    for (let i = 0; i < stored.length; i++) stored[i] = lookUp(values[i]!);
    return stored;
  };
}

function storedInteger(
  x: number,
  affine: InputAffine,
  range: readonly [number, number],
  where: string,
): number {
  const stored = Math.round((x * affine.denominator) / affine.numerator) + affine.zero;
  if (realValue(stored, affine) === Math.fround(x) && stored >= range[0] && stored <= range[1]) return stored;
  const formula = `(x − ${affine.zero})·${affine.numerator}/${affine.denominator}`;
  throw fail(
    "input/value",
    `${where} contains ${x}, which no stored integer x stands for (value = ${formula})`,
    {
      remedy: "compile for float inputs with --input-type f32, or pass the integers themselves",
    },
  );
}

function checkedRange(values: Int32Array, [low, high]: readonly [number, number], where: string): Int32Array {
  const odd = values.find((x) => x < low || x > high);
  if (odd === undefined) return values;
  throw fail("input/value", `${where} contains ${odd}, outside ${low}…${high}`, {
    remedy: "check the array's type",
  });
}

function integerRangeOf(type: string): readonly [number, number] {
  if (type === "u8") return [0, 255];
  return type === "i8" ? [-128, 127] : [-32768, 32767];
}
