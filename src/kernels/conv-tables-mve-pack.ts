import type { Instruction } from "../program/types.js";
import { type OutsideClass, outsideClasses, type TablesPlan } from "./conv-tables-mve-plan.js";
import type { ConstantArray, DescriptorField } from "./types.js";
import { windowSizes } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

/** Constants and descriptor of a layer. Thresholds: one per output, or one for all. */
export function packTables(
  conv: Conv,
  thresholds: Int32Array,
  input: Shape,
  output: Shape,
  plan: TablesPlan,
): { constants: ConstantArray[]; fields: DescriptorField[] } {
  const { window } = conv;
  const isZero = plan.hasClasses;
  const everywhere: OutsideClass[] = [{ outside: [], members: [] }];
  const rows = isZero ? outsideClasses(window, 0, output[0], input[0]) : everywhere;
  const columns = isZero ? outsideClasses(window, 1, output[1], input[1]) : everywhere;
  const bytes = (name: string, values: ArrayLike<number>, layout: string): ConstantArray => ({
    name,
    type: "uint8_t",
    values,
    layout,
  });
  const constants: ConstantArray[] = [
    bytes(
      "weights",
      packWeights(conv, plan),
      "[group][block][8 quads][first, second of a pair][16 pairs], 8 outputs a byte",
    ),
    bytes(
      "thresholds",
      packThresholds(conv, thresholds, plan, rows, columns),
      `[class][group][block][2 + ${plan.planes} planes], 8 outputs a byte`,
    ),
  ];
  if (plan.places !== undefined) {
    constants.push({ name: "places", type: "uint16_t", values: plan.places, layout: "[quads, to whole 8]" });
  }
  if (isZero) {
    const classOf = (list: readonly OutsideClass[], at: number): number =>
      list.findIndex((c) => c.members.includes(at));
    const all = (size: number, list: readonly OutsideClass[], step: number): number[] =>
      Array.from({ length: size }, (_, at) => step * classOf(list, at));
    constants.push(bytes("row_classes", all(output[0], rows, columns.length), "[output height]"));
    constants.push(bytes("column_classes", all(output[1], columns, 1), "[output width]"));
  }
  const fields: DescriptorField[] = [
    ...constants.map((c): DescriptorField => [c.name, { constant: c.name }]),
    ...(plan.places === undefined ? [["places", null] as const] : []),
    ...(isZero ? [] : ([["row_classes", null] as const, ["column_classes", null] as const] as const)),
    ["height", input[0]],
    ["width", input[1]],
    ["channels", plan.channels],
    ["outputs", plan.outputs],
    ["groups", conv.groups],
    ["output_width", output[1]],
    ...windowSizes(window),
    ["chunk", plan.chunk],
    ["table_bytes", plan.tableBytes],
    ["tile_rows", plan.tileRows],
    ["tile_columns", plan.tileColumns],
    ["part_rows", plan.partRows],
    ["copies", plan.copies],
    ["planes", plan.planes],
    ["whole_list", plan.wholeList ? 1 : 0],
    ["padding", isZero ? 2 : conv.padValue === 1 ? 1 : 0],
  ];
  return { constants, fields };
}

/** Calls `visit` with every pair of quads in the order of the weights; codes of what does not exist are 1. */
function packWeights(conv: Conv, plan: TablesPlan): Uint8Array {
  const { quads, channels, outputs, blocks, taps } = plan;
  const units = Math.ceil(plan.fours / 2);
  const packed = new Uint8Array(conv.groups * blocks * units * 32).fill(255);
  for (let n = 0; n < conv.weights.outputs; n++) {
    const group = Math.floor(n / outputs);
    const output = n % outputs;
    const block = group * blocks + (output >> 3);
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < channels; c++) {
        if (conv.weights.codes[(n * taps + tap) * channels + c] === 1) continue;
        const quad = tap * quads + (c >> 2);
        const pair = 2 * (quad % 8) + ((c >> 1) & 1);
        const at = (block * units + Math.floor(quad / 8)) * 32 + 16 * (c & 1) + pair;
        packed[at] = packed[at]! & ~(1 << (output & 7));
      }
    }
  }
  return packed;
}

/**
 * With M agreements of the K inputs, `2·M − K ≥ T`; M is A + 2 S − D, where D counts pairs of different weights. Taps
 * outside a map that is padded with 0 are left out of K, but A and S see −1 there.
 */
function packThresholds(
  conv: Conv,
  thresholds: Int32Array,
  plan: TablesPlan,
  rows: readonly OutsideClass[],
  columns: readonly OutsideClass[],
): Uint8Array {
  const { outputs, blocks, planes } = plan;
  const size = planes + 2;
  const packed = new Uint8Array(rows.length * columns.length * conv.groups * blocks * size);
  let start = 0;
  for (const row of rows) {
    for (const column of columns) {
      for (let block = 0; block < conv.groups * blocks; block++, start += size) {
        for (let bit = 0; bit < 8; bit++) {
          const output = 8 * (block % blocks) + bit;
          const n = Math.floor(block / blocks) * outputs + output;
          const t = output < outputs ? leastOf(conv, thresholds, plan, n, row, column) : Infinity;
          const set = (byte: number, value: number): void => {
            packed[start + byte]! |= value << bit;
          };
          const { least, isOdd, isAlways } = compareWith(t, planes);
          set(0, isOdd ? 1 : 0);
          set(1, isAlways ? 1 : 0);
          for (let plane = 0; plane < planes; plane++) set(2 + plane, 1 - ((least >> plane) & 1));
        }
      }
    }
  }
  return packed;
}

/** What A + 2 S must reach. */
function leastOf(
  conv: Conv,
  thresholds: Int32Array,
  { taps, channels }: TablesPlan,
  n: number,
  row: OutsideClass,
  column: OutsideClass,
): number {
  const codes = conv.weights.codes.subarray(n * taps * channels, (n + 1) * taps * channels);
  const width = conv.window.kernel[1];
  let different = 0;
  let inside = 0;
  let outsideZeros = 0;
  for (let tap = 0; tap < taps; tap++) {
    const own = codes.subarray(tap * channels, (tap + 1) * channels);
    const isOutside = row.outside.includes(Math.floor(tap / width)) || column.outside.includes(tap % width);
    if (!isOutside) inside += channels;
    for (let c = 0; c < channels; c += 2) {
      // What does not exist has weight 1.
      different += own[c]! ^ (c + 1 < channels ? own[c + 1]! : 1);
    }
    if (isOutside) outsideZeros += own.reduce((sum, code) => sum + 1 - code, 0);
  }
  const threshold = thresholds[thresholds.length === 1 ? 0 : n]!;
  if (threshold <= -inside) return 0;
  if (threshold > inside) return Infinity;
  return Math.ceil((threshold + inside) / 2) + outsideZeros + different;
}

/** `S + A / 2 + (A mod 2 if odd) ≥ (t + 1) / 2` as a comparison with one less, which reaches it if equal and so on. */
function compareWith(t: number, planes: number): { least: number; isOdd: boolean; isAlways: boolean } {
  const most = 2 ** planes - 1;
  if (t <= 0) return { least: 0, isOdd: false, isAlways: true };
  const least = Math.floor((t + 1) / 2) - 1;
  // Where all planes are set, nothing is greater.
  if (least >= most) return { least: most, isOdd: false, isAlways: false };
  return { least, isOdd: t % 2 === 1, isAlways: false };
}
