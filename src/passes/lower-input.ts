/** The model's input as a program tensor: its format, and which axis is the channels. */
import { fail } from "../diagnostics/diagnostic.js";
import type { GraphNode, GraphOp, ModelGraph, Shape } from "../graph/types.js";
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
  const { shape, view } = arrange(context.graph, name, modelShape);
  const format = inputFormat(context, modelShape, shape);
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

/** A shape of the input's elements, and which of its axes is the channels. */
interface Reading {
  readonly shape: Shape;
  readonly channelAxis: number;
}

/**
 * Height, width and channels of the input, by what reads it: convolutions and pools have channels on axis 1, a
 * dense layer of several rows on the last, a sum over one axis on that; an input that is flattened is a vector.
 */
function arrange(graph: ModelGraph, name: string, modelShape: Shape): { shape: MapShape; view: View } {
  const reading = readingOf(graph, name, modelShape);
  if (reading === undefined) return { shape: [1, 1, count(modelShape)], view: identityView(modelShape) };
  const { shape, channelAxis } = reading;
  const pixels = shape.filter((_, axis) => axis > 0 && axis !== channelAxis);
  const [height, width] = pixels.length === 1 ? [1, pixels[0]!] : (pixels as [number, number]);
  const { map } = mapView(shape, channelAxis);
  return { shape: [height, width, shape[channelAxis]!], view: { shape: modelShape, map } };
}

/** What moves between the input and a reader have made of the input's elements. */
interface Passage {
  /** Shape in which the elements are read, empty where they are no longer apart in it; axis i of the value is its axis `axes[i]`. */
  readonly shape: Shape;
  readonly axes: readonly number[];
  /** The reading before a reshape that only regroups channels, as in a shuffle. */
  readonly before: Reading | undefined;
}

/** How the first reader with an opinion reads the input. Readers are met in the order of the graph. */
function readingOf(graph: ModelGraph, name: string, modelShape: Shape): Reading | undefined {
  const start = { shape: modelShape, axes: axesOf(modelShape), before: undefined };
  const passages = new Map<string, Passage>([[name, start]]);
  for (const node of graph.nodes) {
    const from = node.inputs.find((input) => passages.has(input));
    const passage = from === undefined ? undefined : passages.get(from);
    if (passage === undefined) continue;
    const reading = readingBy(graph, node, passage);
    if (reading !== undefined) return reading;
    const next = passed(graph, node, passage);
    if (next !== undefined) passages.set(node.output, next);
  }
  return undefined;
}

function readingBy(
  graph: ModelGraph,
  { op, inputs }: GraphNode,
  { shape, axes, before }: Passage,
): Reading | undefined {
  if (op.kind === "conv" || op.kind === "max-pool" || op.kind === "average-pool")
    return asReading(shape, axes[1]!) ?? before;
  if (op.kind === "reduce") {
    const { shape: reduced } = graph.values.get(inputs[0]!)!;
    const [axis, ...others] = op.axes.filter((a) => reduced[a]! > 1);
    const isWhole = reduced.every((n, a) => n === 1 || op.axes.includes(a));
    return axis === undefined || others.length > 0 || isWhole ? undefined : asReading(shape, axes[axis]!);
  }
  if (op.kind !== "dense") return undefined;
  const rows = count(graph.values.get(inputs[0]!)!.shape.slice(0, -1));
  return rows > 1 ? asReading(shape, axes.at(-1)!) : undefined;
}

const KEEPS_AXES: ReadonlySet<GraphOp["kind"]> = new Set([
  "slice",
  "pad",
  "sum",
  "integer-arithmetic",
  "pairwise",
  "concat",
]);

/** The passage behind a node; undefined where the elements become other ones, or a vector. */
function passed(graph: ModelGraph, node: GraphNode, passage: Passage): Passage | undefined {
  const { op, output } = node;
  const { shape, axes } = passage;
  if (op.kind === "transpose") return { ...passage, axes: op.permutation.map((axis) => axes[axis]!) };
  if (op.kind === "reshape") {
    const reshaped = graph.values.get(output)!.shape;
    if (reshaped.length < 3) return undefined;
    const isPlain = axes.every((axis, i) => axis === i);
    const before = asReading(shape, axes[1]!) ?? passage.before;
    return { shape: isPlain && shape.length > 0 ? reshaped : [], axes: axesOf(reshaped), before };
  }
  return KEEPS_AXES.has(op.kind) || isScalarNode(node) ? passage : undefined;
}

/** A map or a signal with channels in front of the pixels or behind them. */
function asReading(shape: Shape, channelAxis: number): Reading | undefined {
  const isMap = (shape.length === 3 || shape.length === 4) && shape[0] === 1;
  return isMap && (channelAxis === 1 || channelAxis === shape.length - 1)
    ? { shape, channelAxis }
    : undefined;
}

function axesOf(shape: Shape): readonly number[] {
  return shape.map((_, axis) => axis);
}

/**
 * The format that the user asked for, or the usual one for the model's input shape. An assumption that could be
 * wrong is noted.
 */
function inputFormat(context: Lowering, modelShape: Shape, shape: MapShape): InputFormat {
  const wanted = context.options.input;
  const { stored } = context.graph.values.get(context.graph.inputs[0]!)!;
  if (wanted === undefined && stored !== undefined)
    return { type: stored.type, affine: { numerator: 1, denominator: 1, zero: stored.zero } };
  if (wanted === undefined) return noted(context, defaultInput(modelShape, shape));
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

/** An image has one channel or three, in front of its rows and columns or, as they are read, behind them. */
function defaultInput(modelShape: Shape, [rows, columns, last]: MapShape): InputFormat {
  const [, channels, height, width] = modelShape;
  const isFirst = (channels === 1 || channels === 3) && height! > 1 && width! > 1;
  const isLast = (last === 1 || last === 3) && rows > 1 && columns > 1;
  const isImage = modelShape.length === 4 && (isFirst || isLast);
  return isImage ? { type: "u8", affine: { numerator: 1, denominator: 255, zero: 0 } } : { type: "f32" };
}

function missingAffine(type: InputType): Error {
  return fail("lowering/input-scale", `an input of type ${type} needs its scale`, {
    remedy: "say what the integers stand for, e.g. --input-scale 1/255",
  });
}
