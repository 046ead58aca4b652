/**
 * TFLite's int8 arithmetic where it is no chain of steps: of two values, or different in the last elements of a map.
 * Bytes go through tables, are combined, and multiplied in fixed point.
 */
import { SUM_SHIFT } from "../graph/integer-arithmetic.js";
import type { GraphNode, GraphOp, IntegerTerm, Quantizer } from "../graph/types.js";
import type { Instruction } from "../program/types.js";
import { applyChain, isPerChannel, rescaled, rescaledCut } from "./chain.js";
import { inOneOrder } from "./lower-merge.js";
import type { Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { type Settled, settle } from "./settle.js";
import { emit } from "./sources.js";
import { type Source, type Value, withStep } from "./values.js";
import { placesOf } from "./views.js";

type IntegerArithmetic = Extract<GraphOp, { kind: "integer-arithmetic" }>;
type Table = Extract<GraphOp, { kind: "table" }>;
type Combine = Extract<Instruction, { kind: "combine" }>;
type Pair = readonly [Int32Array, Int32Array];

export function lowerIntegerArithmetic(
  context: Lowering,
  node: GraphNode,
  op: IntegerArithmetic,
  values: readonly Value[],
): Value | undefined {
  const bytes = values.map((value, i) => asBytes(context, value, op.terms[i]!, node));
  if (bytes.includes(undefined)) return undefined;
  const pair = inOneOrder(context, node, bytes as Settled[]);
  const [a] = pair ?? [];
  const first = a && tailOf(a.view.map, (i) => i < op.inBlocks);
  if (pair === undefined || first === undefined) return reportLayout(context, node, values[0]!.view.shape);
  const tables = (isInBlock: boolean): Pair => [
    tableOf(pair[0]!, (x) => enlarged(op.terms[0], x, 1, isInBlock)),
    tableOf(pair[1]!, (x) => enlarged(op.terms[1], x, op.operator === "subtract" ? -1 : 1, isInBlock)),
  ];
  return combined(context, node, pair as [Settled, Settled], {
    operator: op.operator === "multiply" ? "multiply" : "add",
    ...withTail(tables(op.inBlocks > 0), tables(false), first),
    ...op.factor,
    low: op.low,
    high: op.high,
  });
}

/** A table for the first elements of a map and another one for the rest; undefined where they are placed otherwise. */
export function lowerTailTable(
  context: Lowering,
  node: GraphNode,
  { low, tables, index }: Table,
  value: Value,
): Value | undefined {
  const places = placesOf(index, value.view.shape);
  const at = (i: number): number => index.data[places[i]!]!;
  const bytes = asBytes(context, value, { least: low, greatest: low + tables[0]!.length - 1 }, node);
  const first = bytes && tailOf(bytes.view.map, (i) => at(i) === at(0));
  const last = value.view.map.length - 1;
  const isSplit = bytes?.view.map.every((_, i) => at(i) === at(0) || at(i) === at(last));
  if (bytes === undefined || first === undefined || !isSplit) return undefined;
  const pairOf = (table: Int32Array): Pair => [
    tableOf(bytes, (x) => table[Math.min(Math.max(x - low, 0), table.length - 1)]!),
    new Int32Array(256),
  ];
  const ends = [tables[at(0)]!, tables[at(last)]!].flatMap((t) => [t[0]!, t.at(-1)!]);
  return combined(context, node, [bytes, bytes], {
    operator: "add",
    ...withTail(pairOf(tables[at(0)]!), pairOf(tables[at(last)]!), first),
    // Times one.
    multiplier: 2 ** 30,
    shift: 1,
    low: Math.min(...ends),
    high: Math.max(...ends),
  });
}

function combined(
  context: Lowering,
  node: GraphNode,
  [a, b]: readonly [Settled, Settled],
  combine: Omit<Combine, "kind" | "inputs" | "output">,
): Value {
  const { low, high } = combine;
  const source = emit(
    context,
    node.name,
    a.shape,
    { domain: { kind: "scalar", type: "u8" }, offset: low, ranges: [[0, high - low]] },
    (output) => ({ kind: "combine", inputs: [a.source.tensor, b.source.tensor], output, ...combine }),
  );
  return { source, steps: [], shape: source.shape, view: a.view };
}

/**
 * The tensor's first element behind those of the head, or a number beyond the tensor where there are none; undefined
 * where head and tail are mixed.
 */
function tailOf(map: Int32Array, isHead: (i: number) => boolean): number | undefined {
  let first = Number.POSITIVE_INFINITY;
  let last = -1;
  map.forEach((place, i) => {
    if (isHead(i)) last = Math.max(last, place);
    else first = Math.min(first, place);
  });
  return last < first ? first : undefined;
}

function withTail(tables: Pair, rest: Pair, first: number): Pick<Combine, "tables" | "tail"> {
  const isSame = tables.every((t, i) => t.every((x, k) => x === rest[i]![k]));
  if (isSame || first === 0) return { tables: rest };
  return first === Number.POSITIVE_INFINITY ? { tables } : { tables, tail: { first, tables: rest } };
}

/** The value in bytes of which each stands for one number on all channels; undefined after a reported error. */
function asBytes(
  context: Lowering,
  value: Value,
  { least, greatest }: IntegerTerm,
  node: GraphNode,
): Settled | undefined {
  const settled = settle(context, value);
  if (settled === undefined || (isByte(settled.source) && !isPerChannel(settled.steps))) return settled;
  // The numbers are whole and in this range: quantizing changes none.
  const quantizer: Quantizer = {
    kind: "uniform",
    scale: { shape: [], data: Float32Array.of(1) },
    zeroPoint: { shape: [], data: Float32Array.of(0) },
    qmin: least,
    qmax: greatest,
    rounding: "half-away",
  };
  const name = `${node.name} input`;
  return settle(
    context,
    withStep(value, { kind: "quantize", quantizer, shape: value.view.shape, node: name }),
  );
}

function isByte({ domain }: Source): boolean {
  return domain.kind === "scalar" && (domain.type === "u8" || domain.type === "i8");
}

/** An entry for what each byte stands for. */
function tableOf({ source, steps }: Settled, entry: (x: number) => number): Int32Array {
  const isSigned = source.domain.kind === "scalar" && source.domain.type === "i8";
  return Int32Array.from({ length: 256 }, (_, byte) => {
    const stored = isSigned && byte > 127 ? byte - 256 : byte;
    return entry(applyChain(steps, stored + source.offset, 0, Math.fround));
  });
}

/** An operand as a sum or product takes it. Bytes that do not occur stand for a number in range. */
function enlarged(
  { least, greatest, factor }: IntegerTerm,
  x: number,
  sign: 1 | -1,
  isInBlock: boolean,
): number {
  const inRange = Math.min(Math.max(x, least), greatest);
  if (factor === undefined) return inRange;
  const large = inRange * 2 ** SUM_SHIFT;
  const { multiplier, shift } = factor;
  return (
    sign * (isInBlock ? rescaledCut(large, multiplier, shift) : rescaled(large, multiplier, shift, "away"))
  );
}
