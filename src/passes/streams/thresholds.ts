/** Thresholds of float32 keys as thresholds of the integers that stand for the values: the same decisions, exactly. */
import type { Instruction, ProgramTensor, TensorId } from "../../program/types.js";
import type { Fixed, FixedProgram } from "./fixed.js";

type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Beyond all stored numbers and sums. */
const NEVER = 2 ** 30;

/** Codes of a value that was float32. */
export function fixedThreshold(
  made: FixedProgram,
  instruction: Threshold,
  source: Fixed,
  { name, shape, domain }: ProgramTensor,
): TensorId {
  // Units of float32 times integers below 2^29 are exact in float64.
  const scalars = made.scalars(source);
  const isShort = scalars.unit.every((u) => Math.fround(u) === u);
  const value = isShort ? scalars : made.narrowed(source);
  const { levels, flipped } = instruction;
  const rows = value.unit.length > 1 ? shape[2] : flipped.length;
  const row = (c: number): number => (flipped.length === 1 ? 0 : c);
  const thresholds = Int32Array.from({ length: rows * levels }, (_, i) => {
    const c = Math.floor(i / levels);
    const key = instruction.thresholds[row(c) * levels + (i % levels)]!;
    return leastStored(numberOfKey(key), value.unit[value.unit.length === 1 ? 0 : c]!, value.offset);
  });
  return made.emit(name, shape, domain, (output) => ({
    ...instruction,
    input: value.tensor,
    output,
    thresholds,
    flipped: Uint8Array.from({ length: rows }, (_, c) => flipped[row(c)]!),
  }));
}

/** The least x with `unit · (x + offset) ≥ t`. */
export function leastStored(t: number, unit: number, offset: number): number {
  if (!(Math.abs(t / unit) < NEVER / 2)) return t > 0 ? NEVER : -NEVER;
  let x = Math.ceil(t / unit);
  while ((x - 1) * unit >= t) x--;
  while (x * unit < t) x++;
  return x - offset;
}

const view = new DataView(new ArrayBuffer(4));

/** The float32 of an order-preserving key; keys beyond all finite numbers are infinities. */
export function numberOfKey(key: number): number {
  view.setInt32(0, key >= 0 ? key : key ^ 0x7fffffff);
  const x = view.getFloat32(0);
  return Number.isNaN(x) ? (key > 0 ? Infinity : -Infinity) : x;
}
