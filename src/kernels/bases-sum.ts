import type { CodeMatrix, DeviceProgram, Instruction } from "../program/types.js";
import { planesOf } from "./domains.js";
import type { ConstantArray, KernelCall } from "./types.js";

type Conv = Extract<Instruction, { kind: "conv-bases" }>;

/** `BITLOOM_BASES_NO_UNIT`. */
const NO_UNIT = -128;
const SIGNIFICANT = 24;
/** Bits that sums of units may have: rounding clears bits of their lower words only. */
const MOST_BITS = 54;
const MOST_DOT = 2 ** 15 - 1;

/** The data of a `bitloom_bases_sum` (`runtime-c/bitloom_bases_sum.h`) in the field `sum` of a descriptor. */
export function basesSum(program: DeviceProgram, conv: Conv): Pick<KernelCall, "fields" | "constants"> {
  const planes = planesOf(program.tensors[conv.input]!);
  const { outputs } = conv.bases[0]!;
  const terms = conv.bases.length * planes;
  const mostDots = greatestDots(conv).flatMap((most) => new Array<number>(planes).fill(most));
  const coefficients = new Int32Array(conv.coefficients.length);
  const exponents = new Int8Array(2 * outputs);
  for (let n = 0; n < outputs; n++) {
    const own = conv.coefficients.subarray(n * terms, (n + 1) * terms);
    const units = inUnits(own, mostDots);
    coefficients.set(units?.numbers ?? bitsOf(own), n * terms);
    exponents.set([units?.exponent ?? NO_UNIT, units?.bound ?? 0], 2 * n);
  }
  const perOutput = `[${outputs} outputs]`;
  const constants: ConstantArray[] = [
    {
      name: "coefficients",
      type: "int32_t",
      values: coefficients,
      layout: `${perOutput}[${conv.bases.length} bases][${planes} planes] in units`,
    },
    { name: "exponents", type: "int8_t", values: exponents, layout: `${perOutput}[unit, bound]` },
  ];
  return {
    fields: [
      ["sum.coefficients", { constant: "coefficients" }],
      ["sum.exponents", { constant: "exponents" }],
      ["sum.terms", terms],
    ],
    constants,
  };
}

/** What a file with such sums needs. */
export const basesSumFiles: readonly string[] = [
  "bitloom_bases_sum.c",
  "bitloom_bases_sum.h",
  "bitloom_float.h",
];

/** The greatest size of a dot product with each basis. */
function greatestDots({ bases, planes }: Conv): number[] {
  const ofPlane = Math.max(Math.abs(planes.offset), Math.abs(planes.offset + planes.step));
  const ofWeight = ({ bits, step, offset }: CodeMatrix): number =>
    Math.max(Math.abs(offset), Math.abs(offset + step * (2 ** bits - 1)));
  return bases.map((basis) => ofPlane * ofWeight(basis) * basis.inputs);
}

interface Units {
  readonly numbers: readonly number[];
  /** Of the unit. */
  readonly exponent: number;
  /** The exponent, in units, of a bound on what all roundings of a sum add up to. */
  readonly bound: number;
}

/**
 * Coefficients as numbers of the greatest power of two that divides all, if they fit int32 and no sum leaves the normal
 * float32 numbers or the bits that the C has for it.
 */
function inUnits(coefficients: Float32Array, mostDots: readonly number[]): Units | undefined {
  if (!coefficients.every(Number.isFinite) || mostDots.some((most) => most > MOST_DOT)) return undefined;
  const used = [...coefficients].filter((c) => c !== 0);
  const exponent = used.length === 0 ? 0 : Math.min(...used.map(lowestBit));
  const numbers = [...coefficients].map((c) => c / 2 ** exponent);
  // Sums of rounded terms are a little more than this; one bit more than enough.
  const most = numbers.reduce((sum, c, i) => sum + Math.abs(c) * mostDots[i]!, 1);
  const length = Math.ceil(Math.log2(most)) + 2;
  const fits =
    numbers.every((c) => Math.abs(c) < 2 ** 31) &&
    length <= MOST_BITS &&
    exponent >= -126 &&
    exponent + length <= 127;
  if (!fits) return undefined;
  // Each term is rounded, and each sum: by half of its lowest bit at most, which is below 2^(length − 24).
  const bound = Math.max(0, length - SIGNIFICANT + Math.ceil(Math.log2(coefficients.length)));
  return { numbers, exponent, bound };
}

/** The exponent of a float32's lowest bit that is set. */
function lowestBit(x: number): number {
  const bits = bitsOf(Float32Array.of(x))[0]!;
  const field = (bits >>> 23) & 0xff;
  const significant = (bits & 0x7fffff) | (field === 0 ? 0 : 0x800000);
  const trailing = 31 - Math.clz32(significant & -significant);
  return Math.max(field, 1) - 150 + trailing;
}

function bitsOf(numbers: Float32Array): Int32Array {
  return new Int32Array(numbers.slice().buffer);
}
