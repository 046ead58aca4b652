/** Lists of boxes against those that float64 decodes of the same numbers. */
import { expect } from "vitest";
import type { DeviceProgram, TensorValues } from "../../../src/program/index.js";
import { compileTrace } from "../../../src/reference/device-fast.js";
import { type Boxes, detect, FLOAT64, type HeadRule } from "./regions.js";

/** What float32 may be off. Where a decision in float64 is closer, it may turn out otherwise. */
const BOUND = 1e-6;

/** Rows of a list up to the first that is 0. */
function rowsOf(list: ArrayLike<number>): number[][] {
  const rows = Array.from({ length: list.length / 6 }, (_, i) =>
    Array.from({ length: 6 }, (_, k) => list[6 * i + k]!),
  );
  const end = rows.findIndex((r) => r[4] === 0);
  return end < 0 ? rows : rows.slice(0, end);
}

/** The numbers of a head as the model has them, and a list of boxes that the device or the model makes of them. */
export interface HeadCase {
  readonly head: Float32Array;
  readonly list: ArrayLike<number>;
}

/** What float64 decodes of a square map's numbers. */
export function boxesOf({ head }: HeadCase, rule: HeadRule): Boxes {
  const channels = rule.anchors.length * (5 + rule.classes);
  const size = Math.sqrt(head.length / channels);
  return detect({ shape: [1, channels, size, size], data: Float64Array.from(head) }, 0, rule, FLOAT64);
}

/** Compares lists of boxes with those of float64, and says how many were decided clearly. */
export function compareBoxes(cases: readonly HeadCase[], rule: HeadRule): { clear: number; full: number } {
  let [clear, full] = [0, 0];
  for (const one of cases) {
    const { rows, margin } = boxesOf(one, rule);
    if (margin < BOUND) continue;
    clear++;
    if (rows.length === rule.boxes) full++;
    const found = rowsOf(one.list);
    expect(found.map((r) => r[5])).toEqual(rows.map((r) => r[5]));
    rows.forEach((row, i) => {
      row.forEach((x, k) => {
        expect(Math.abs(found[i]![k]! - x)).toBeLessThan(BOUND * Math.max(1, Math.abs(x)));
      });
    });
  }
  return { clear, full };
}

/** What enters a program's last layer, and the boxes that it makes of it. */
export function boxesOfDevice(program: DeviceProgram): (input: TensorValues) => HeadCase {
  const region = program.instructions.at(-1)!;
  if (region.kind !== "region") throw new Error("the program ends in a region");
  const [height, width, channels] = program.tensors[region.input]!.shape;
  const trace = compileTrace(program);
  return (input) => {
    const values = trace(input);
    const stored = values[region.input]!;
    const head = Float32Array.from(
      stored,
      (_, i) => stored[(i % (height * width)) * channels + Math.floor(i / (height * width))]!,
    );
    return { head, list: values[program.output.tensor]! };
  };
}
