import { fail } from "../diagnostics/diagnostic.js";
import { shapeText } from "../diagnostics/text.js";
import type { FloatTensor, GraphNode, ModelGraph, Shape } from "./types.js";

/**
 * Checks what the stages after the graph rely on: values are written once and before they are read, shapes
 * follow from the operations, constants are finite. A violation is a defect of an importer.
 */
export function verifyGraph(graph: ModelGraph): void {
  const written = new Set(graph.inputs);
  for (const node of graph.nodes) {
    for (const input of node.inputs) check(written.has(input), node, `reads ${input} before it is written`);
    check(!written.has(node.output), node, `writes ${node.output} a second time`);
    written.add(node.output);
    checkShapes(graph, node);
    for (const constant of constantsOf(node)) {
      check(
        constant.data.length === count(constant.shape),
        node,
        "has a constant whose data do not fill its shape",
      );
      check(constant.data.every(Number.isFinite), node, "has a constant that is not finite");
    }
  }
  for (const output of graph.outputs) {
    if (!written.has(output)) throw broken(`the output ${output} is never written`, graph.name);
  }
}

function checkShapes(graph: ModelGraph, node: GraphNode): void {
  const input = graph.values.get(node.inputs[0]!)?.shape;
  const output = graph.values.get(node.output)?.shape;
  check(input !== undefined && output !== undefined, node, "has a value without a shape");
  if (input === undefined || output === undefined) return;
  check(
    output.every((n) => Number.isInteger(n) && n > 0),
    node,
    `has the impossible shape ${shapeText(output)}`,
  );
  const { op } = node;
  if (op.kind === "dense") {
    const [inputs, outputs] = op.weights.shape;
    check(input.at(-1) === inputs && output.at(-1) === outputs, node, "does not fit its weights");
  } else if (op.kind === "reshape")
    check(count(input) === count(output), node, "changes the number of elements");
  else if (op.kind !== "argmax") check(shapeText(input) === shapeText(output), node, "changes the shape");
}

function constantsOf({ op }: GraphNode): readonly FloatTensor[] {
  if (op.kind === "dense") return [op.weights];
  if (op.kind === "arithmetic") return [op.operand];
  if (op.kind === "batch-normalization") return [op.scale, op.bias, op.mean, op.variance];
  if (op.kind !== "quantize") return [];
  return op.quantizer.kind === "bipolar"
    ? [op.quantizer.scale]
    : [op.quantizer.scale, op.quantizer.zeroPoint];
}

function count(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

function check(condition: boolean, node: GraphNode, problem: string): void {
  if (!condition) throw broken(problem, node.name);
}

function broken(problem: string, where: string): Error {
  return fail("graph/invalid", `the imported graph is inconsistent: ${problem}`, {
    where,
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
