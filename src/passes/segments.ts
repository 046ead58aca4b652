/**
 * Cuts a chain-shaped graph into segments at its dense layers: `source → scalar steps → quantizer`. A graph
 * of this slice is one line of nodes; anything else is reported with the nodes at fault.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import { shapeText } from "../diagnostics/text.js";
import type { FloatTensor, GraphNode, GraphOp, ModelGraph, Quantizer, Shape } from "../graph/types.js";
import type { ScaleStep } from "../program/types.js";
import type { ChainStep } from "./chain.js";

/** What stands at a segment's end after its scalar steps. */
export interface Segment {
  /** The dense layer that produced the segment's input; absent for the model's input. */
  readonly dense?: { readonly node: GraphNode; readonly op: Extract<GraphOp, { kind: "dense" }> };
  /** Float operations before the deciding quantizer (or up to the end where there is none). */
  readonly steps: readonly ChainStep[];
  /** The quantizer whose codes feed the next dense layer. */
  readonly quantizer?: { readonly node: GraphNode; readonly quantizer: Quantizer };
  /** Factor on the codes' values that follows the quantizer (multiplications by one number). */
  readonly factor: number;
  /** Endings that only the last segment has. */
  readonly tail: readonly GraphNode[];
}

export function cutIntoSegments(graph: ModelGraph, diagnostics: Diagnostics): Segment[] {
  const line = asLine(graph, diagnostics);
  if (line === undefined) return [];
  const segments: Segment[] = [];
  let dense: Segment["dense"];
  let pending: GraphNode[] = [];
  for (const node of line) {
    if (node.op.kind !== "dense") {
      pending.push(node);
      continue;
    }
    segments.push(makeSegment(graph, dense, pending, diagnostics));
    dense = { node, op: node.op };
    pending = [];
  }
  segments.push(makeSegment(graph, dense, pending, diagnostics));
  if (dense === undefined) {
    diagnostics.error("lowering/no-dense", "the graph has no dense layer, so there is nothing to deploy", {
      where: graph.name,
      remedy: "check that the right file was exported; `bitloom inspect` prints what is in it",
    });
  }
  return segments;
}

/** The nodes in order, if each reads what the one before it wrote. */
function asLine(graph: ModelGraph, diagnostics: Diagnostics): readonly GraphNode[] | undefined {
  if (graph.inputs.length !== 1 || graph.outputs.length !== 1) {
    diagnostics.error(
      "lowering/several-ends",
      `the graph has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs; one of each is supported`,
      { where: graph.name, remedy: "export the part of the model between one input and one output" },
    );
    return undefined;
  }
  let current = graph.inputs[0]!;
  const before = diagnostics.all.length;
  for (const node of graph.nodes) {
    if (node.inputs.length !== 1 || node.inputs[0] !== current) {
      diagnostics.error(
        "lowering/branch",
        `reads ${node.inputs.join(", ")} while the chain of layers is at ${current}`,
        {
          where: node.name,
          remedy: "only chains of layers are supported: no branches, skips or merges",
        },
      );
    }
    current = node.output;
  }
  if (current !== graph.outputs[0]) {
    diagnostics.error("lowering/branch", `the output ${graph.outputs[0]} is not the end of the chain`, {
      where: graph.name,
    });
  }
  return diagnostics.all.length === before ? graph.nodes : undefined;
}

function makeSegment(
  graph: ModelGraph,
  dense: Segment["dense"],
  nodes: readonly GraphNode[],
  diagnostics: Diagnostics,
): Segment {
  const tailStart = nodes.findIndex((n) => n.op.kind === "softmax" || n.op.kind === "argmax");
  const scalar = tailStart < 0 ? nodes : nodes.slice(0, tailStart);
  const tail = tailStart < 0 ? [] : nodes.slice(tailStart).filter((n) => n.op.kind !== "reshape");
  checkTail(tail, diagnostics);
  const last = scalar.map((n) => n.op.kind).lastIndexOf("quantize");
  const deciding = last < 0 ? undefined : scalar[last]!;
  const steps = (last < 0 ? scalar : scalar.slice(0, last)).flatMap((n) => chainSteps(graph, n, diagnostics));
  const after = last < 0 ? [] : scalar.slice(last + 1);
  const factor = after.reduce((product, n) => product * codeFactor(n, diagnostics), 1);
  return {
    ...(dense === undefined ? {} : { dense }),
    steps,
    ...(deciding?.op.kind === "quantize"
      ? { quantizer: { node: deciding, quantizer: deciding.op.quantizer } }
      : {}),
    factor,
    tail,
  };
}

/** A model may end in softmax, in argmax, or in argmax of softmax, and in nothing after it. */
function checkTail(tail: readonly GraphNode[], diagnostics: Diagnostics): void {
  tail.forEach((node, i) => {
    const fits = i === 0 || (i === 1 && tail[0]!.op.kind === "softmax" && node.op.kind === "argmax");
    if (fits) return;
    diagnostics.error(
      "lowering/after-output",
      `${node.op.kind} stands after the model's ${tail[i - 1]!.op.kind}`,
      {
        where: node.name,
        remedy: "end the exported model at softmax or argmax",
      },
    );
  });
}

/** A node as float steps per channel. Reshapes vanish: elements keep their order. */
function chainSteps(graph: ModelGraph, node: GraphNode, diagnostics: Diagnostics): ChainStep[] {
  const shape = graph.values.get(node.output)!.shape;
  const scale = (operator: ScaleStep["operator"], operand: FloatTensor): ChainStep[] => [
    { kind: "scale", step: { operator, operand: perElement(operand, shape) }, node: node.name },
  ];
  switch (node.op.kind) {
    case "reshape":
      return [];
    case "relu":
      return [{ kind: "scale", step: { operator: "relu", operand: new Float32Array(0) }, node: node.name }];
    case "arithmetic":
      return scale(arithmeticOperator(node.op), node.op.operand);
    case "batch-normalization":
      return batchNormalizationSteps(node.op, shape, node.name);
    case "quantize":
      requireSingleScale(node, node.op.quantizer, diagnostics);
      return [{ kind: "quantize", quantizer: node.op.quantizer, shape, node: node.name }];
    default:
      diagnostics.error("lowering/unexpected", `${node.op.kind} is supported at the end of the model only`, {
        where: node.name,
        remedy: "remove it from the middle of the exported graph",
      });
      return [];
  }
}

function arithmeticOperator(op: Extract<GraphOp, { kind: "arithmetic" }>): ScaleStep["operator"] {
  if (op.reversed && op.operator === "subtract") return "subtract-from";
  if (op.reversed && op.operator === "divide") return "divide-into";
  return op.operator;
}

/**
 * `y = x·a + b` with `a = scale · (1 / sqrt(variance + epsilon))`, `b = bias − mean·a`, every operation in
 * float32: the order in which PyTorch and ONNX Runtime evaluate it at inference.
 */
function batchNormalizationSteps(
  op: Extract<GraphOp, { kind: "batch-normalization" }>,
  shape: Shape,
  node: string,
): ChainStep[] {
  const f = Math.fround;
  const epsilon = f(op.epsilon);
  const a = op.scale.data.map((s, c) => f(s * f(1 / f(Math.sqrt(f(op.variance.data[c]! + epsilon))))));
  const b = op.bias.data.map((bias, c) => f(bias - f(op.mean.data[c]! * a[c]!)));
  const perChannel = (data: Float32Array): Float32Array =>
    perElement({ shape: [data.length, ...shape.slice(2).map(() => 1)], data }, shape);
  return [
    { kind: "scale", step: { operator: "multiply", operand: perChannel(a) }, node },
    { kind: "scale", step: { operator: "add", operand: perChannel(b) }, node },
  ];
}

/** Only one number may multiply the codes between a quantizer and the next dense layer. */
function codeFactor(node: GraphNode, diagnostics: Diagnostics): number {
  if (node.op.kind === "reshape") return 1;
  if (node.op.kind === "arithmetic" && node.op.operand.data.length === 1) {
    const c = node.op.operand.data[0]!;
    if (node.op.operator === "multiply") return c;
    if (node.op.operator === "divide" && !node.op.reversed) return 1 / c;
  }
  diagnostics.error(
    "lowering/after-quantizer",
    `${node.op.kind} stands between a quantizer and the layer that uses its codes`,
    {
      where: node.name,
      remedy:
        "move it before the quantizer, or fold it into the layer; only a multiplication by one number can stay",
    },
  );
  return 1;
}

export function requireSingleScale(node: GraphNode, quantizer: Quantizer, diagnostics: Diagnostics): void {
  const tensors = quantizer.kind === "bipolar" ? [quantizer.scale] : [quantizer.scale, quantizer.zeroPoint];
  for (const tensor of tensors) {
    if (tensor.data.every((x) => x === tensor.data[0])) continue;
    diagnostics.error(
      "lowering/channel-scale",
      `an activation quantizer has a scale per channel (${shapeText(tensor.shape)})`,
      {
        where: node.name,
        remedy:
          "quantize activations with one scale per tensor, so that the sum of products stays an integer",
      },
    );
  }
}

/** Broadcasts a constant against a value's shape: one number if it is uniform, else one per element. */
function perElement(operand: FloatTensor, shape: Shape): Float32Array {
  if (operand.data.length === 1) return operand.data;
  const padded = [...Array<number>(shape.length - operand.shape.length).fill(1), ...operand.shape];
  const count = shape.reduce((a, b) => a * b, 1);
  const result = new Float32Array(count);
  for (let i = 0; i < count; i++) result[i] = operand.data[broadcastIndex(i, shape, padded)]!;
  return result;
}

function broadcastIndex(index: number, shape: Shape, operandShape: Shape): number {
  let rest = index;
  let position = 0;
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const coordinate = rest % shape[d]!;
    rest = Math.floor(rest / shape[d]!);
    if (operandShape[d] !== 1) position += coordinate * stride;
    stride *= operandShape[d]!;
  }
  return position;
}
