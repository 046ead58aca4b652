/** The last layer's sums to what the device returns. */
import type { DeviceProgram, OutputOrder, ScaleStep, TensorId } from "../program/types.js";
import { addTensor, type Layer, type Lowering } from "./lowering.js";
import { outputOrder, type ScoreRange } from "./output-order.js";
import type { Segment } from "./segments.js";

/** Ends the program: scores with their affine, float outputs, or the index that the model itself returns. */
export function lowerOutput(
  context: Lowering,
  segment: Segment,
  layer: Layer,
): Omit<DeviceProgram["output"], "modelShape"> | undefined {
  if (segment.quantizer !== undefined) {
    context.diagnostics.error("lowering/quantized-output", "the model ends in a quantizer", {
      where: segment.quantizer.node.name,
      remedy: "export the model without its last quantizer; the integer scores before it are exact",
    });
    return undefined;
  }
  const inverse = layer.steps.find((s) => s.kind === "scale" && s.step.operator === "divide-into");
  if (inverse !== undefined) {
    context.diagnostics.error("lowering/inverse", "a constant is divided by the running value", {
      where: inverse.node,
      remedy: "export the model without the division: at 0 its result depends on the sign of zero",
    });
    return undefined;
  }
  const steps = layer.steps.flatMap((s) => (s.kind === "scale" ? [s.step] : []));
  const order = outputOrder(steps, scoreRanges(layer));
  const argmax = segment.tail.find((n) => n.op.kind === "argmax")?.op;
  if (argmax?.kind === "argmax") {
    const selectLast = argmax.selectLast;
    // Softmax keeps the order, so an argmax after it needs no exponential.
    const scores = comparable(context, layer, steps, order);
    const tensor = addTensor(context, "class", 1, { kind: "scalar", type: "i32" });
    context.instructions.push({ kind: "argmax", input: scores, output: tensor, selectLast });
    return { tensor, affine: [], omitted: [], order: { kind: "float" } };
  }
  const softmax = segment.tail.some((n) => n.op.kind === "softmax");
  if (context.options.output !== "float32") {
    return { tensor: layer.output, affine: steps, order, omitted: softmax ? ["softmax"] : [] };
  }
  let tensor = addScale(context, layer.output, steps);
  if (softmax) {
    const input = tensor;
    tensor = addTensor(context, "probabilities", layer.ranges.length, { kind: "scalar", type: "f32" });
    context.instructions.push({ kind: "softmax", input, output: tensor });
  }
  return { tensor, affine: [], omitted: [], order: { kind: "float" } };
}

/** A tensor whose greatest element is the model's greatest output: integers where that is proven. */
function comparable(
  context: Lowering,
  layer: Layer,
  steps: readonly ScaleStep[],
  order: OutputOrder,
): TensorId {
  if (order.kind === "scores") return layer.output;
  if (order.kind === "float") return addScale(context, layer.output, steps);
  const { slope, offset } = order;
  const output = addTensor(context, "ranks", layer.ranges.length, { kind: "scalar", type: "i32" });
  context.instructions.push({ kind: "rank", input: layer.output, output, slope, offset });
  return output;
}

function addScale(context: Lowering, input: TensorId, steps: readonly ScaleStep[]): TensorId {
  const output = addTensor(context, "float scores", context.tensors[input]!.shape[2], {
    kind: "scalar",
    type: "f32",
  });
  context.instructions.push({ kind: "scale", input, output, steps });
  return output;
}

/** Sums of ±1 times ±1 all have the parity of the number of inputs. */
function scoreRanges(layer: Layer): ScoreRange[] {
  return layer.ranges.map(([low, high]) => ({ low, high, stride: layer.stride }));
}
