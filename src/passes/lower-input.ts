/** The model's input as a program tensor: its format, and which axis is the channels. */
import { fail } from "../diagnostics/diagnostic.js";
import type { GraphNode, ModelGraph, Shape } from "../graph/types.js";
import { integerRange } from "./input-keys.js";
import { isScalarNode } from "./lower-scalar.js";
import { addTensor, type InputFormat, type InputType, type Lowering } from "./lowering.js";
import { F32 } from "./sources.js";
import { count, type MapShape, type Source, type Value, type View } from "./values.js";
import { identityView, isIdentity, mapView } from "./views.js";

export interface LoweredInput {
  readonly value: Value;
  readonly format: InputFormat;
  /** Where the device's elements are in another order than the model's: channels innermost. */
  readonly order?: "nhwc";
}

export function lowerInput(context: Lowering): LoweredInput {
  const name = context.graph.inputs[0]!;
  const modelShape = context.graph.values.get(name)!.shape;
  const format = inputFormat(context, modelShape);
  const { shape, view } = arrange(context.graph, name, modelShape);
  const domain = format.type === "f32" ? F32 : ({ kind: "scalar", type: format.type } as const);
  const source: Source = {
    tensor: addTensor(context, "input", shape, domain),
    shape,
    domain,
    offset: 0,
    ...(format.type === "f32" ? {} : { ranges: [integerRange(format.type)] }),
    stride: 1,
    uncertainty: () => 0,
  };
  const steps =
    format.affine === undefined || format.type === "f32"
      ? []
      : [{ kind: "affine", affine: format.affine, node: name } as const];
  return {
    value: { source, steps, shape, view },
    format,
    ...(isIdentity(view.map) ? {} : { order: "nhwc" as const }),
  };
}

/**
 * Height, width and channels of the input, by what reads it: convolutions and pools have channels on axis 1, a
 * dense layer of several rows on the last; an input that is flattened is a vector.
 */
function arrange(graph: ModelGraph, name: string, modelShape: Shape): { shape: MapShape; view: View } {
  const axes = modelShape.map((_, axis) => axis);
  const channelAxis = modelShape.length > 2 ? wantedChannels(graph, name, axes) : undefined;
  const isMap = channelAxis === 1 || channelAxis === modelShape.length - 1;
  if (!isMap || modelShape.length > 4 || modelShape[0] !== 1) {
    return { shape: [1, 1, count(modelShape)], view: identityView(modelShape) };
  }
  const pixels = modelShape.filter((_, axis) => axis > 0 && axis !== channelAxis);
  const [height, width] = pixels.length === 1 ? [1, pixels[0]!] : (pixels as [number, number]);
  return { shape: [height, width, modelShape[channelAxis]!], view: mapView(modelShape, channelAxis) };
}

/** The input's axis that its first reader with an opinion takes for channels. */
function wantedChannels(graph: ModelGraph, value: string, axes: readonly number[]): number | undefined {
  for (const node of graph.nodes) {
    if (!node.inputs.includes(value)) continue;
    const wanted = wantedBy(graph, node, axes);
    if (wanted !== undefined) return wanted;
  }
  return undefined;
}

function wantedBy(graph: ModelGraph, node: GraphNode, axes: readonly number[]): number | undefined {
  switch (node.op.kind) {
    case "conv":
    case "max-pool":
    case "average-pool":
      return axes[1];
    case "dense":
      return count(graph.values.get(node.inputs[0]!)!.shape.slice(0, -1)) > 1 ? axes.at(-1) : undefined;
    case "transpose":
      return wantedChannels(
        graph,
        node.output,
        node.op.permutation.map((axis) => axes[axis]!),
      );
    case "slice":
    case "pad":
    case "sum":
    case "concat":
      return wantedChannels(graph, node.output, axes);
    default:
      return isScalarNode(node) ? wantedChannels(graph, node.output, axes) : undefined;
  }
}

/**
 * The format that the user asked for, or the usual one for the model's input shape. An assumption that could be
 * wrong is noted.
 */
function inputFormat(context: Lowering, modelShape: readonly number[]): InputFormat {
  const wanted = context.options.input;
  if (wanted === undefined) return noted(context, defaultInput(modelShape));
  if (wanted.type === "f32") return wanted;
  if (wanted.affine === undefined) throw missingAffine(wanted.type);
  if (!(wanted.affine.numerator * wanted.affine.denominator > 0)) {
    throw fail("lowering/input-scale", "the input scale must be positive", {
      remedy: "pass --input-scale with a positive number",
    });
  }
  return wanted;
}

function noted(context: Lowering, format: InputFormat): InputFormat {
  if (format.type === "f32") return format;
  context.diagnostics.note(
    "lowering/default-input",
    "the input looks like an image: it is taken as uint8 x with value x/255",
    {
      where: context.graph.inputs[0]!,
      remedy: "say so to be sure (--input-type u8 --input-scale 1/255), or pass --input-type f32",
    },
  );
  return format;
}

function defaultInput(shape: readonly number[]): InputFormat {
  const [, channels, height, width] = shape;
  const isImage = shape.length === 4 && (channels === 1 || channels === 3) && height! > 1 && width! > 1;
  return isImage ? { type: "u8", affine: { numerator: 1, denominator: 255, zero: 0 } } : { type: "f32" };
}

function missingAffine(type: InputType): Error {
  return fail("lowering/input-scale", `an input of type ${type} needs its scale`, {
    remedy: "say what the integers stand for, e.g. --input-scale 1/255",
  });
}
