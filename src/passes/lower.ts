/**
 * ModelGraph → DeviceProgram: float chains become integer thresholds, dense layers become exact integer
 * dot products of codes, the last chain stays float as the model has it.
 */
import { Diagnostics } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import type { DeviceProgram } from "../program/types.js";
import { lowerHiddenCodes } from "./lower-codes.js";
import { lowerDense } from "./lower-dense.js";
import { inputFormat, lowerInputCodes } from "./lower-input.js";
import { lowerOutput } from "./lower-output.js";
import { addTensor, type Lowering, type LoweringOptions } from "./lowering.js";
import { cutIntoSegments } from "./segments.js";

export interface Lowered {
  readonly program: DeviceProgram;
  /** Warnings and notes; errors are thrown. */
  readonly diagnostics: Diagnostics;
}

/** Lowers a graph. Throws one BitloomError with everything that stands in the way. */
export function lower(graph: ModelGraph, options: LoweringOptions = {}): Lowered {
  const diagnostics = new Diagnostics();
  const segments = cutIntoSegments(graph, diagnostics);
  diagnostics.throwIfErrors();
  const context: Lowering = { graph, options, diagnostics, tensors: [], instructions: [] };
  const modelShape = graph.values.get(graph.inputs[0]!)!.shape;
  const format = inputFormat(context, modelShape);
  const elements = modelShape.reduce((a, b) => a * b, 1);
  const input = addTensor(context, "input", elements, { kind: "scalar", type: format.type });

  let codes = lowerInputCodes(context, segments[0]!, input, format);
  for (const segment of segments.slice(1, -1)) {
    const layer = lowerDense(context, segment, codes);
    codes = layer && lowerHiddenCodes(context, segment, layer);
  }
  const last = segments.at(-1)!;
  const layer = lowerDense(context, last, codes);
  const output = layer && lowerOutput(context, last, layer);
  diagnostics.throwIfErrors();
  const program: DeviceProgram = {
    name: graph.name,
    tensors: context.tensors,
    instructions: context.instructions,
    input: { tensor: input, modelShape, ...(format.type === "f32" ? {} : { affine: format.affine! }) },
    output: { ...output!, modelShape: graph.values.get(graph.outputs[0]!)!.shape },
  };
  return { program, diagnostics };
}
