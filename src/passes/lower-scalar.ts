/** Graph nodes that work on each element by itself, as steps that wait. */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import { shapeText } from "../diagnostics/text.js";
import { isCounting } from "../graph/quantize.js";
import type {
  CountingQuantizer,
  FloatTensor,
  GraphNode,
  GraphOp,
  IntTensor,
  ScaledQuantizer,
} from "../graph/types.js";
import type { ScaleStep } from "../program/types.js";
import type { ChainStep } from "./chain.js";
import { lowerTailTable } from "./lower-integers.js";
import type { Lowering } from "./lowering.js";
import { narrowed } from "./narrow.js";
import { flattened } from "./select.js";
import { settle } from "./settle.js";
import { type Step, type Value, withStep } from "./values.js";
import { perChannel, perPosition } from "./views.js";

type Operation = { readonly operator: ScaleStep["operator"]; readonly operand?: FloatTensor };

/** Whether a node works on each element by itself. */
export function isScalarNode({ op }: GraphNode): boolean {
  return (
    op.kind === "quantize" ||
    op.kind === "arithmetic" ||
    op.kind === "batch-normalization" ||
    op.kind === "relu" ||
    op.kind === "abs" ||
    op.kind === "rescale" ||
    op.kind === "table" ||
    op.kind === "prelu" ||
    op.kind === "clip"
  );
}

/** The value with the node's operations waiting; undefined after a reported error. */
export function lowerScalar(context: Lowering, node: GraphNode, value: Value): Value | undefined {
  const { op } = node;
  if (op.kind === "quantize") {
    const { quantizer } = op;
    if (isCounting(quantizer)) return lowerThresholds(context, node, quantizer, value);
    if (!hasSingleScale(node, quantizer, context.diagnostics)) return undefined;
    const { shape } = value.view;
    const bounded = quantizer.kind === "uniform" ? narrowed(quantizer, value) : quantizer;
    return withStep(value, { kind: "quantize", quantizer: bounded, shape, node: node.name });
  }
  if (op.kind === "rescale") {
    const step = rescaleStep(op, node, value);
    if (step === undefined) reportPositions(context, node, [{ operator: "multiply", operand: indices(op) }]);
    return step && withStep(value, step);
  }
  if (op.kind === "table") {
    const step = tableStep(op, node, value);
    if (step !== undefined) return withStep(value, step);
    const tail = lowerTailTable(context, node, op, value);
    if (tail === undefined && !context.diagnostics.hasErrors)
      reportPositions(context, node, [{ operator: "add", operand: floats(op.index) }]);
    return tail;
  }
  if (op.kind === "arithmetic" && op.reversed && op.operator === "divide") {
    context.diagnostics.error("lowering/inverse", "a constant is divided by the running value", {
      where: node.name,
      remedy: "export the model without the division: at 0 its result depends on the sign of zero",
    });
    return undefined;
  }
  const operations = operationsOf(op, value);
  const placed = differsInChannels(operations, value) ? inVector(context, node, value) : value;
  return placed && withStep(placed, ...stepsFor(node, operations, placed));
}

function differsInChannels(operations: readonly Operation[], value: Value): boolean {
  return operations.some(
    ({ operand }) => operand !== undefined && perChannel(operand, value.view, value.shape) === undefined,
  );
}

/** A small map that the model flattened, as a vector: its positions are channels then, with thresholds of their own. */
function inVector(context: Lowering, node: GraphNode, value: Value): Value | undefined {
  if (value.view.shape.length > 2) return value;
  const settled = settle(context, value);
  return settled && (flattened(context, settled, node.name) ?? value);
}

/** Thresholds in rows for the channels of the value's tensor; a small map whose rows differ within a channel is flattened. */
function lowerThresholds(
  context: Lowering,
  node: GraphNode,
  quantizer: CountingQuantizer,
  value: Value,
): Value | undefined {
  const [rows, levels] = quantizer.thresholds.shape as [number, number];
  const { shape } = value.view;
  const indices = {
    shape: shape.map((_, axis) => (axis === quantizer.axis ? rows : 1)),
    data: Float32Array.from({ length: rows }, (_, row) => row),
  };
  const from = quantizer.thresholds.data;
  const step = (channels: Float32Array): ChainStep => {
    const data = new Float32Array(channels.length * levels);
    for (const [c, row] of channels.entries())
      data.set(from.subarray(row * levels, (row + 1) * levels), c * levels);
    const thresholds = { shape: [channels.length, levels], data };
    return { kind: "quantize", quantizer: { ...quantizer, thresholds }, shape, node: node.name };
  };
  const channels = perChannel(indices, value.view, value.shape);
  if (channels !== undefined) return withStep(value, step(channels));
  const settled = settle(context, value);
  const vector = settled && flattened(context, settled, node.name);
  if (vector !== undefined) return withStep(vector, step(perChannel(indices, vector.view, vector.shape)!));
  if (settled !== undefined) reportPositions(context, node, [{ operator: "minimum", operand: indices }]);
  return undefined;
}

type Rescale = Extract<GraphOp, { kind: "rescale" }>;

/** Multipliers per channel of the value's tensor; undefined if they differ within a channel. */
function rescaleStep(op: Rescale, node: GraphNode, value: Value): ChainStep | undefined {
  const channels = perChannel(indices(op), value.view, value.shape);
  if (channels === undefined) return undefined;
  const pick = (data: Int32Array): Int32Array => Int32Array.from(channels, (i) => data[i]!);
  return {
    kind: "rescale",
    multiplier: pick(op.multiplier.data),
    shift: pick(op.shift.data),
    halves: op.halves,
    node: node.name,
  };
}

/** Numbers of the multipliers, in their places: multipliers themselves are too large for float32. */
function indices({ multiplier: { shape, data } }: Rescale): FloatTensor {
  return { shape, data: Float32Array.from(data, (_, i) => i) };
}

/** Which table each channel of the value's tensor has; undefined if they differ within a channel. */
function tableStep(
  { low, tables, index }: Extract<GraphOp, { kind: "table" }>,
  node: GraphNode,
  value: Value,
): ChainStep | undefined {
  const channels = perChannel(floats(index), value.view, value.shape);
  return channels && { kind: "table", low, tables, index: Int32Array.from(channels), node: node.name };
}

/** Indices of tables are small. */
function floats({ shape, data }: IntTensor): FloatTensor {
  return { shape, data: Float32Array.from(data) };
}

/** Operands per channel of the value's tensor, or per position where they differ within a channel. */
function stepsFor(node: GraphNode, operations: readonly Operation[], value: Value): readonly Step[] {
  return operations.map(({ operator, operand }): Step => {
    const numbers =
      operand === undefined ? new Float32Array(0) : perChannel(operand, value.view, value.shape);
    if (numbers !== undefined)
      return { kind: "scale", step: { operator, operand: numbers }, node: node.name };
    const step = { operator, ...perPosition(operand!, value.view, value.shape) };
    return { kind: "positional", step, node: node.name };
  });
}

function operationsOf(op: GraphOp, value: Value): readonly Operation[] {
  switch (op.kind) {
    case "relu":
    case "abs":
      return [{ operator: op.kind }];
    case "prelu":
      return [{ operator: "prelu", operand: op.slope }];
    case "clip":
      return [
        ...(op.low === -Infinity ? [] : [{ operator: "maximum" as const, operand: single(op.low) }]),
        ...(op.high === Infinity ? [] : [{ operator: "minimum" as const, operand: single(op.high) }]),
      ];
    case "arithmetic":
      return [
        {
          operator: op.reversed && op.operator === "subtract" ? "subtract-from" : op.operator,
          operand: op.operand,
        },
      ];
    case "batch-normalization":
      return batchNormalization(op, value.view.shape.length);
    default:
      throw new Error(`${op.kind} is no scalar operation`);
  }
}

/**
 * `y = x·a + b` with `a = scale · (1 / sqrt(variance + epsilon))`, `b = bias − mean·a`, every operation in
 * float32: the order in which PyTorch and ONNX Runtime evaluate it at inference.
 */
function batchNormalization(
  op: Extract<GraphOp, { kind: "batch-normalization" }>,
  rank: number,
): readonly Operation[] {
  const f = Math.fround;
  const epsilon = f(op.epsilon);
  const a = op.scale.data.map((s, c) => f(s * f(1 / f(Math.sqrt(f(op.variance.data[c]! + epsilon))))));
  const b = op.bias.data.map((bias, c) => f(bias - f(op.mean.data[c]! * a[c]!)));
  const alongAxis1 = (data: Float32Array): FloatTensor => ({
    shape: [data.length, ...Array<number>(Math.max(0, rank - 2)).fill(1)],
    data,
  });
  return [
    { operator: "multiply", operand: alongAxis1(a) },
    { operator: "add", operand: alongAxis1(b) },
  ];
}

function hasSingleScale(node: GraphNode, quantizer: ScaledQuantizer, diagnostics: Diagnostics): boolean {
  const tensors = quantizer.kind === "bipolar" ? [quantizer.scale] : [quantizer.scale, quantizer.zeroPoint];
  const odd = tensors.find((tensor) => tensor.data.some((x) => x !== tensor.data[0]));
  if (odd === undefined) return true;
  diagnostics.error(
    "lowering/channel-scale",
    `an activation quantizer has a scale per channel (${shapeText(odd.shape)})`,
    {
      where: node.name,
      remedy: "quantize activations with one scale per tensor, so that the sum of products stays an integer",
    },
  );
  return false;
}

function reportPositions(context: Lowering, node: GraphNode, operations: readonly Operation[]): void {
  const shapes = operations.flatMap(({ operand }) =>
    operand === undefined ? [] : [shapeText(operand.shape)],
  );
  context.diagnostics.error(
    "lowering/positions",
    `has constants (${shapes.join(", ")}) that differ between positions of one channel of a large map`,
    {
      where: node.name,
      remedy:
        "use one number per channel; after a flatten, put the operation before it or behind the dense layer",
    },
  );
}

function single(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}
