/**
 * Elementwise operators on int8, as Larq Compute Engine's interpreter computes them: integers less their zero points,
 * fixed-point factors, tables of 256 entries. Halves go away from zero, but in the vector code of ADD and QUANTIZE.
 */
import { shapeText } from "../../../diagnostics/text.js";
import { type IntegerArithmetic, integerArithmetic, SUM_SHIFT } from "../../../graph/integer-arithmetic.js";
import { rescale } from "../../../graph/rescale.js";
import type { FixedPoint, GraphOp, Halves, IntegerTerm, Shape } from "../../../graph/types.js";
import { graphShape, type Layout, presentLayout } from "../../common/channels-last.js";
import { countOf, floatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { integerBounds } from "../activation.js";
import { INTEGER_BLOCK, inBlocks } from "../blocks.js";
import { computed, elementwise, inLayout, operandFor } from "../layout.js";
import {
  type Affine,
  type ConstantValue,
  elementText,
  integersUnsupported,
  type RuntimeValue,
  requiredInput,
  type Stage,
  type TfNode,
} from "../node.js";
import { affineOf, fixedPoint, integerRange, rescaleBy, roundingTo } from "../quantized.js";

type Operations = readonly (readonly [op: GraphOp, part: string])[];
type Operator = "add" | "subtract" | "multiply";

/** An int8 operand: its affine, and its integers where it is a constant. */
interface Operand {
  readonly value: RuntimeValue | ConstantValue;
  readonly affine: Affine;
  /** What its integers less the zero point can be. */
  readonly range: readonly [least: number, greatest: number];
}

/** Whether one of a node's inputs is computed and holds integers. */
export function hasIntegers({ inputs }: TfNode): boolean {
  return inputs.some((v) => v?.kind === "runtime" && (v.element === "int8" || v.element === "uint8"));
}

/** ADD, SUB and MUL: of two computed values of one shape, or of one and a constant. */
export function integerBinary(node: TfNode, operator: Operator): RuntimeValue {
  const operands = [operandAt(node, 0), operandAt(node, 1)] as const;
  const affine = int8Output(node);
  const op = arithmeticOf(operator, operands, affine, node.options.i8(0));
  const [a, b] = operands.map((o) => o.value) as [RuntimeValue | ConstantValue, RuntimeValue | ConstantValue];
  if (a.kind === "runtime" && b.kind === "runtime") return joined(node, op, a, b, affine);
  const isReversed = a.kind === "constant";
  const [input, constant] = (isReversed ? [b, a] : [a, b]) as [RuntimeValue, ConstantValue];
  const { zero } = operands[isReversed ? 0 : 1].affine;
  const [least, greatest] = operands[isReversed ? 1 : 0].range;
  const integers = constant.constant.data;
  const count = blocksOf(operator, integers.length);
  checkConstant(constant.constant.shape, input.shape);
  const entry = (x: number, c: number, isInBlock: boolean): number =>
    isReversed
      ? integerArithmetic(op, c - zero, x, isInBlock)
      : integerArithmetic(op, x, c - zero, isInBlock);
  // Twice each integer, so that those in blocks have tables of their own.
  const keys = Array.from(integers, (c, i) => 2 * c + (i < count ? 1 : 0));
  const known = [...new Set(keys)];
  const tables = known.map((key) =>
    tableOf([least, greatest], (x) => entry(x, Math.floor(key / 2), key % 2 !== 0)),
  );
  const places = Float32Array.from(keys, (key) => known.indexOf(key));
  return elementwise(
    node,
    input,
    (layout) => [
      ...tableOperations(input, layout, least, tables, constant.constant.shape, places),
      [roundingTo(op.low, op.high), "integer"],
    ],
    { element: "int8", affine },
  );
}

function joined(
  node: TfNode,
  op: IntegerArithmetic,
  a: RuntimeValue,
  b: RuntimeValue,
  affine: Affine,
): RuntimeValue {
  if (shapeText(a.shape) !== shapeText(b.shape)) {
    throw new Rejection(
      `it joins the shapes ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
      "both must have the same shape",
    );
  }
  const count = blocksOf(op.operator, countOf(a.shape));
  const isMixed = count > 0 && count < countOf(a.shape);
  // Blocks are counted in the file's order.
  const isFirst = !isMixed && [a, b].some((v) => presentLayout(v) === "first");
  const layout = isFirst ? "first" : "last";
  const stage: Stage = { op: { ...op, inBlocks: count }, shape: graphShape(a.shape, layout), part: "result" };
  const names = [inLayout(node, a, layout), inLayout(node, b, layout)];
  return computed(layout, node.emit(names, [stage]), a.shape, { element: "int8", affine });
}

/** Terms of ADD are rounded otherwise in blocks. A single number is added by other code. */
function blocksOf(operator: Operator, elements: number): number {
  return operator === "add" ? inBlocks(elements, INTEGER_BLOCK) : 0;
}

/** Others are added by code that counts blocks otherwise. */
function checkConstant(shape: Shape, value: Shape): void {
  const count = countOf(shape);
  if (count === 1 || count === countOf(value) || (count === value.at(-1) && shape.at(-1) === count)) return;
  throw new Rejection(
    `a constant of shape ${shapeText(shape)} is joined with ${shapeText(value)}`,
    "the constant may have one number, one per channel, or one per element",
  );
}

/** The factors of TFLite's add.cc, sub.cc and mul.cc. */
function arithmeticOf(
  operator: Operator,
  operands: readonly [Operand, Operand],
  to: Affine,
  activation: number,
): IntegerArithmetic {
  const [low, high] = integerBounds(activation, to.scale, integerRange("int8", to));
  const rest = { kind: "integer-arithmetic", operator, inBlocks: 0, low, high } as const;
  const [a, b] = operands.map((o) => o.affine.scale) as [number, number];
  if (operator === "multiply") {
    const factor = fixedPoint((a * b) / to.scale);
    checkProduct(operands, factor, to);
    return { ...rest, terms: [termOf(operands[0]), termOf(operands[1])], factor };
  }
  const common = 2 * Math.max(a, b);
  const real = common / (2 ** SUM_SHIFT * to.scale);
  if (!(real < 1)) throw new Rejection("its output scale is too small for its inputs' scales", damaged);
  const term = (operand: Operand): IntegerTerm => ({
    ...termOf(operand),
    factor: fixedPoint(operand.affine.scale / common),
  });
  return { ...rest, terms: [term(operands[0]), term(operands[1])], factor: fixedPoint(real) };
}

function termOf({ range: [least, greatest] }: Operand): IntegerTerm {
  return { least, greatest };
}

/** Vector code keeps products in 16 bits before it clamps them: what does not fit differs between processors. */
function checkProduct([a, b]: readonly [Operand, Operand], factor: FixedPoint, { zero }: Affine): void {
  const products = a.range.flatMap((x) => b.range.map((y) => x * y));
  const { multiplier, shift } = factor;
  const isWide = products.some((p) => Math.abs(p) * 2 ** Math.max(shift, 0) >= 2 ** 31);
  const results = isWide ? [Infinity] : products.map((p) => rescale(p, multiplier, shift, "away") + zero);
  if (results.every((r) => r >= -(2 ** 15) && r < 2 ** 15)) return;
  throw new Rejection(
    "its products leave 16 bits in the output's steps, where TFLite's kernels differ from each other",
    "calibrate the output's range on real data: its scale is far too small",
  );
}

function operandAt(node: TfNode, index: number): Operand {
  const value = requiredInput(node, index);
  if (value.kind === "runtime") {
    if (value.element !== "int8" || value.affine === undefined)
      throw integersUnsupported(`it computes with ${elementText(value)}`);
    return { value, affine: value.affine, range: integerRange("int8", value.affine) };
  }
  const { constant, tensor } = value;
  if (constant.kind !== "int" || tensor?.type !== "int8" || constant.data.length === 0)
    throw new Rejection("its constant is not int8 as its input is", damaged);
  const affine = affineOf(tensor);
  const [least, greatest] = constant.data.reduce<[number, number]>(
    ([low, high], q) => [Math.min(low, q), Math.max(high, q)],
    [127, -128],
  );
  return { value, affine, range: [least - affine.zero, greatest - affine.zero] };
}

/** RELU and its relatives: to the output's steps, then a clamp. */
export function integerRelu(node: TfNode, input: RuntimeValue, number: number): RuntimeValue {
  const from = int8Affine(input);
  const affine = int8Output(node);
  const [low, high] = integerBounds(number, affine.scale, integerRange("int8", affine));
  const operations: Operations = [
    ...rescaleBy(from.scale / affine.scale, integerRange("int8", from), "away"),
    [roundingTo(low, high), "integer"],
  ];
  return elementwise(node, input, () => operations, { element: "int8", affine });
}

/** QUANTIZE to int8 of another scale: halves go up in blocks of elements, away from zero in the rest of them. */
export function requantized(node: TfNode, input: RuntimeValue): RuntimeValue {
  const from = int8Affine(input);
  const affine = int8Output(node);
  const range = integerRange("int8", from);
  const bounds = integerRange("int8", affine);
  const count = countOf(input.shape);
  const head = inBlocks(count, INTEGER_BLOCK);
  const factor = from.scale / affine.scale;
  const rescaling = (halves: Halves): Operations => rescaleBy(factor, range, halves);
  const { multiplier, shift } = fixedPoint(factor);
  const table = (halves: Halves): Int32Array =>
    tableOf(range, (x) => Math.min(Math.max(rescale(x, multiplier, shift, halves), bounds[0]), bounds[1]));
  // Factors that are not small have no halves left to round.
  const isSame = rescaling("up").length === 0 || table("up").every((y, i) => y === table("away")[i]);
  const places = Float32Array.from({ length: count }, (_, i) => (i < head ? 0 : 1));
  const isUniform = isSame || head === count || head === 0;
  return elementwise(
    node,
    input,
    (layout) => [
      ...(isUniform
        ? rescaling(head === 0 ? "away" : "up")
        : tableOperations(input, layout, range[0], [table("up"), table("away")], input.shape, places)),
      [roundingTo(...bounds), "integer"],
    ],
    { element: "int8", affine },
  );
}

/** `x ≥ 0 ? x : slope · x`: two factors. Slopes are numbers, or int8 with a scale of their own. */
export function integerLeaky(
  node: TfNode,
  input: RuntimeValue,
  slopes: { readonly shape: Shape; readonly data: readonly number[]; readonly scale: number },
): RuntimeValue {
  const from = int8Affine(input);
  const affine = int8Output(node);
  const range = integerRange("int8", from);
  const bounds = integerRange("int8", affine);
  const above = fixedPoint(from.scale / affine.scale);
  const below = fixedPoint((from.scale * slopes.scale) / affine.scale);
  if (slopes.scale < 0 || slopes.data.some((s) => s < 0))
    throw new Rejection(
      "it has a negative slope",
      "use slopes of 0 and more: others are no rising functions",
    );
  const known = [...new Set(slopes.data)];
  const widest = Math.max(...range.map(Math.abs)) * Math.max(1, ...known);
  if ([above, below].some(({ shift }) => widest * 2 ** Math.max(shift, 0) >= 2 ** 31))
    throw new Rejection("its output scale is too small for its input's scale", damaged);
  const tables = known.map((slope) =>
    tableOf(range, (x) => {
      const { multiplier, shift } = x >= 0 ? above : below;
      const y = rescale(x >= 0 ? x : x * slope, multiplier, shift, "away");
      return Math.min(Math.max(y, bounds[0]), bounds[1]);
    }),
  );
  const places = Float32Array.from(slopes.data, (s) => known.indexOf(s));
  return elementwise(
    node,
    input,
    (layout) => [
      ...tableOperations(input, layout, range[0], tables, slopes.shape, places),
      [roundingTo(...bounds), "integer"],
    ],
    { element: "int8", affine },
  );
}

/** A function of real numbers, in float32, rounded to the output's steps: LOGISTIC and TANH. */
export function integerFunction(
  node: TfNode,
  input: RuntimeValue,
  real: (x: number) => number,
  output: Affine,
): RuntimeValue {
  const from = int8Affine(input);
  const affine = int8Output(node);
  if (affine.scale !== output.scale || affine.zero !== output.zero)
    throw new Rejection(`its output has the scale ${affine.scale} and zero point ${affine.zero}`, damaged);
  const range = integerRange("int8", from);
  const bounds = integerRange("int8", affine);
  const table = tableOf(range, (x) => {
    const steps = Math.fround(real(Math.fround(Math.fround(from.scale) * x)) / affine.scale);
    const rounded = Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5);
    return Math.min(Math.max(rounded, bounds[0]), bounds[1]);
  });
  return elementwise(
    node,
    input,
    (layout) => [
      ...tableOperations(input, layout, range[0], [table], [], Float32Array.of(0)),
      [roundingTo(...bounds), "integer"],
    ],
    { element: "int8", affine },
  );
}

/** MINIMUM and MAXIMUM with one constant: of one scale, so the integers compare as the numbers do. */
export function integerBound(node: TfNode, index: 0 | 1, op: (x: number) => GraphOp): RuntimeValue {
  const { value, affine } = operandAt(node, index);
  const bound = operandAt(node, 1 - index);
  const output = int8Output(node);
  if (value.kind !== "runtime" || bound.value.kind !== "constant")
    throw new Rejection("its bound is computed, not constant", "convert the model with a fixed bound");
  const isSame = [bound.affine, output].every((o) => o.scale === affine.scale && o.zero === affine.zero);
  if (!isSame) throw new Rejection("its inputs and its output have different scales", damaged);
  const [least, greatest] = bound.range;
  if (least !== greatest)
    throw new Rejection("its bound has several numbers", "one bound for all elements is expected");
  return elementwise(node, value, () => [[op(least), "bounded"]]);
}

/** Which table each element has; `places` has the constant's shape. */
function tableOperations(
  input: RuntimeValue,
  layout: Layout,
  low: number,
  tables: readonly Int32Array[],
  shape: Shape,
  places: Float32Array,
): Operations {
  const index = operandFor(layout, floatConstant(shape, places), input.shape);
  const op: GraphOp = {
    kind: "table",
    low,
    tables,
    index: { shape: index.shape, data: Int32Array.from(index.data) },
  };
  return [[op, "table"]];
}

function tableOf([least, greatest]: readonly [number, number], entry: (x: number) => number): Int32Array {
  return Int32Array.from({ length: greatest - least + 1 }, (_, i) => entry(least + i));
}

function int8Affine(input: RuntimeValue): Affine {
  if (input.element === "int8" && input.affine !== undefined) return input.affine;
  throw integersUnsupported(`it computes with ${elementText(input)}`);
}

function int8Output({ output }: TfNode): Affine {
  if (output.type === "int8") return affineOf(output);
  throw new Rejection(`its output is ${output.type} where its input is int8`, damaged);
}
