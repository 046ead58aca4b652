/**
 * Calls of kernels for some rows of their output: the input rows that they need, and what they cost. Every kernel computes
 * any rows; what needs whole maps has one output row, which needs all input rows.
 */

import { type Rows, rowsRead } from "../program/rows.js";
import type { DeviceProgram, TensorId } from "../program/types.js";
import { inputsOf } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { type CoreFamily, coreFamily } from "./core-family.js";
import type { KernelChoice } from "./types.js";

/** Executed instructions of one more call of a kernel: the layer's function, the rings' descriptors, what the kernel sets up. */
const CALL: Readonly<Record<CoreFamily, number>> = Object.freeze({ dsp: 80, thumb2: 80, thumb1: 150 });

function outputHeight(program: DeviceProgram, choice: KernelChoice): number {
  return program.tensors[choice.output]!.shape[0];
}

/** A choice that was estimated for one call, in calls of at most `rows` output rows each. */
export function inCalls(program: DeviceProgram, choice: KernelChoice, cpu: Cpu, rows: number): KernelChoice {
  const calls = Math.ceil(outputHeight(program, choice) / rows);
  return calls <= 1 ? choice : { ...choice, cost: choice.cost + (calls - 1) * CALL[coreFamily(cpu)] };
}

/** Work of a layer of `height` rows in calls of at most `rows` rows, as work of a single call for so many rows. */
export function workInCalls<Part extends string>(
  height: number,
  rows: number | undefined,
  workOf: (rows: number) => Readonly<Record<Part, number>>,
): Readonly<Record<Part, number>> {
  const most = Math.min(rows ?? height, height);
  const full = workOf(most);
  if (most === height) return full;
  const rest = height % most === 0 ? undefined : workOf(height % most);
  const calls = Math.floor(height / most);
  const parts = Object.keys(full) as Part[];
  return Object.fromEntries(parts.map((part) => [part, calls * full[part] + (rest?.[part] ?? 0)])) as Record<
    Part,
    number
  >;
}

/**
 * The rows of an input that a call for output rows [y0, y1) needs: all others may be missing, or lie in slots of the ring that
 * hold something else.
 *
 * @param input Index into the choice's inputs.
 */
export function inputRows(program: DeviceProgram, choice: KernelChoice, input: number, [y0, y1]: Rows): Rows {
  const id = choice.inputs[input]!;
  const needed = new Map<TensorId, Rows>([[choice.output, [y0, y1]]]);
  for (const index of [...choice.covers].reverse()) {
    const instruction = program.instructions[index]!;
    const rows = needed.get(instruction.output);
    if (rows === undefined) continue;
    inputsOf(instruction).forEach((from, i) => {
      needed.set(from, union(needed.get(from), rowsRead(program, instruction, i, rows)));
    });
  }
  return needed.get(id) ?? [0, 0];
}

function union(a: Rows | undefined, b: Rows): Rows {
  if (a === undefined || a[0] >= a[1]) return b;
  return b[0] >= b[1] ? a : [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
}
