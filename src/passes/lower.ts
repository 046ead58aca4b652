/**
 * ModelGraph → DeviceProgram: float chains become integer thresholds, layers exact integer sums of codes,
 * moves of elements nothing at all; what no integers can do stays float as the model has it.
 */

import { Diagnostics, fail } from "../diagnostics/diagnostic.js";
import { shapeText } from "../diagnostics/text.js";
import type { GraphNode, ModelGraph } from "../graph/types.js";
import type { DeviceProgram } from "../program/types.js";
import { withoutDeadEdges } from "./dead-edges.js";
import { lowerConv, lowerDense, mapShape } from "./lower-conv.js";
import { lowerInput } from "./lower-input.js";
import { lowerIntegerArithmetic } from "./lower-integers.js";
import { lowerConcat, lowerSum } from "./lower-merge.js";
import { lowerOutput } from "./lower-output.js";
import { type Lowered, resolve, turned } from "./lower-pad.js";
import { lowerPairwise } from "./lower-pairwise.js";
import { lowerAveragePool, lowerMaxPool } from "./lower-pool.js";
import { lowerReduce } from "./lower-reduce.js";
import { lowerRegion } from "./lower-region.js";
import { isScalarNode, lowerScalar } from "./lower-scalar.js";
import type { Lowering, LoweringOptions } from "./lowering.js";
import { cutTail, hasTwoEnds, neededNodes } from "./order-nodes.js";
import { I32 } from "./sources.js";
import { count, type Value } from "./values.js";
import { identityView, mapView, movedView } from "./views.js";

export interface LoweredProgram {
  readonly program: DeviceProgram;
  /** Warnings and notes; errors are thrown. */
  readonly diagnostics: Diagnostics;
}

/** Lowers a graph. Throws one BitloomError with everything that stands in the way. */
export function lower(model: ModelGraph, options: LoweringOptions = {}): LoweredProgram {
  const diagnostics = new Diagnostics();
  if (!hasTwoEnds(model, diagnostics)) diagnostics.throwIfErrors();
  const graph = withoutDeadEdges(model);
  const { end, tail } = cutTail(graph);
  const nodes = neededNodes(graph, end);
  checkLayers(graph, nodes, diagnostics);
  const context: Lowering = { graph, options, diagnostics, tensors: [], instructions: [], made: new Map() };
  const input = lowerInput(context);
  const values = new Map<string, Lowered>([[graph.inputs[0]!, input.value]]);
  for (const node of nodes) {
    values.set(node.output, lowerNode(context, node, values) ?? standIn(graph, node));
    checkLength(context);
  }
  const result = resolve(context, values.get(end)!);
  // After an error a stand-in has no order to speak of.
  const output = result && !diagnostics.hasErrors ? lowerOutput(context, result, tail) : undefined;
  diagnostics.throwIfErrors();
  const { shape: modelShape, stored } = graph.values.get(graph.inputs[0]!)!;
  const { format, order, value } = input;
  const program: DeviceProgram = {
    name: graph.name,
    tensors: context.tensors,
    instructions: context.instructions,
    input: {
      tensor: value.source.tensor,
      modelShape,
      ...(order === undefined ? {} : { order }),
      ...(format.type === "f32" ? {} : { affine: format.affine! }),
      ...(stored?.step === undefined ? {} : { step: stored.step }),
    },
    output: { ...output!, modelShape: graph.values.get(graph.outputs[0]!)!.shape },
  };
  return { program, diagnostics };
}

/** The value that a node computes; undefined after a reported error. */
function lowerNode(
  context: Lowering,
  node: GraphNode,
  values: ReadonlyMap<string, Lowered>,
): Lowered | undefined {
  const inputs = node.inputs.map((name) => values.get(name)!);
  const { op } = node;
  const { shape } = context.graph.values.get(node.output)!;
  if (op.kind === "conv") return lowerConv(context, node, op, inputs[0]!);
  const border =
    op.kind === "transpose" ? turned(context.graph, inputs[0]!, op.permutation, shape) : undefined;
  if (border !== undefined) return border;
  const resolved = inputs.map((lowered) => resolve(context, lowered));
  if (resolved.includes(undefined)) return undefined;
  const [value] = resolved as [Value];
  if (isScalarNode(node)) return lowerScalar(context, node, value);
  const axes = shape.map((_, axis) => axis);
  switch (op.kind) {
    case "dense":
      return lowerDense(context, node, op, value);
    case "max-pool":
      return lowerMaxPool(context, node, op.window, value);
    case "average-pool":
      return lowerAveragePool(context, node, op, value);
    case "sum":
      return lowerSum(context, node, resolved as Value[]);
    case "pairwise":
      return lowerPairwise(context, node, op, resolved as Value[]);
    case "reduce":
      return lowerReduce(context, node, op, value);
    case "integer-arithmetic":
      return lowerIntegerArithmetic(context, node, op, resolved as Value[]);
    case "concat":
      return lowerConcat(context, node, op.axis, resolved as Value[]);
    case "reshape":
      return { ...value, view: { shape, map: value.view.map } };
    case "transpose": {
      const zeros = axes.map(() => 0);
      const ones = axes.map(() => 1);
      return { ...value, view: movedView(value.view, shape, op.permutation, zeros, ones) };
    }
    case "slice":
      return { ...value, view: movedView(value.view, shape, axes, op.starts, op.steps) };
    case "region":
      return lowerRegion(context, node, op, value);
    case "pad":
      return { kind: "padded", inner: value, node, op, shape };
    default:
      return reportAfterOutput(context, node);
  }
}

/** In place of a value that could not be lowered, so that problems behind it are found in the same run. */
function standIn(graph: ModelGraph, { output }: GraphNode): Value {
  const { shape } = graph.values.get(output)!;
  const isMap = (shape.length === 3 || shape.length === 4) && shape[0] === 1;
  const tensor = isMap ? mapShape(shape) : ([1, 1, count(shape)] as const);
  return {
    source: {
      tensor: 0,
      shape: tensor,
      domain: I32,
      offset: 0,
      ranges: [[-1, 1]],
      stride: 1,
      uncertainty: () => 0,
    },
    steps: [],
    shape: tensor,
    view: isMap ? mapView(shape, 1) : identityView(shape),
  };
}

/** Softmax and argmax end a model. */
function reportAfterOutput(context: Lowering, node: GraphNode): undefined {
  const next = context.graph.nodes.find((n) => n.inputs.includes(node.output));
  context.diagnostics.error(
    "lowering/after-output",
    `${next?.op.kind ?? "something"} stands after the model's ${node.op.kind}`,
    { where: next?.name ?? node.name, remedy: "end the exported model at softmax or argmax" },
  );
  return undefined;
}

/** Kernels and places in memory are sought together, which takes the square of the steps. */
const MOST_INSTRUCTIONS = 1024;

function checkLength({ graph, instructions }: Lowering): void {
  if (instructions.length <= MOST_INSTRUCTIONS) return;
  throw fail("lowering/length", `the model becomes more than ${MOST_INSTRUCTIONS} steps`, {
    where: graph.name,
    remedy: "this is more than a microcontroller does: check that the right file was exported",
  });
}

/** Without a layer there is nothing to deploy: most likely the wrong file. */
function checkLayers(graph: ModelGraph, nodes: readonly GraphNode[], diagnostics: Diagnostics): void {
  if (nodes.some((n) => n.op.kind === "dense" || n.op.kind === "conv")) return;
  const shape = graph.values.get(graph.inputs[0]!)!.shape;
  diagnostics.error(
    "lowering/no-layer",
    `no convolution and no dense layer stands between the input (${shapeText(shape)}) and the output, so there is nothing to deploy`,
    {
      where: graph.name,
      remedy: "check that the right file was exported; `bitloom inspect` prints what is in it",
    },
  );
}
