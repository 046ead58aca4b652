/**
 * Constants of normalizations from the statistics of what they normalize, as training leaves them, so that activations take both
 * signs and every level: one forward pass of the model's reference in which each normalization is drawn before it is applied.
 */
import type { FloatTensor, GraphNode, ModelGraph } from "../../../src/graph/types.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { compileConcat } from "../../../src/reference/model-fast-maps.js";
import { manifestOf, readBundle, safetensorsFile, type Tensors } from "../bundle.js";
import { Parameters } from "../methods/parameters.js";
import type { Random } from "../random-graph.js";
import type { Draft } from "./draft.js";

/** Images that statistics are taken of. */
const IMAGES = 2;
const SEED = 1;

/** Bytes of an image: slow waves of brightness, each channel with its own, and noise. */
export function image(
  random: Random,
  [channels, height, width]: readonly [number, number, number],
): number[] {
  const planes = Array.from({ length: channels }, () => {
    const [ky, kx, phase] = [random.normal() / 6, random.normal() / 6, 6 * random.next()];
    const contrast = 40 + 60 * random.next();
    return Array.from({ length: height * width }, (_, i) => {
      const wave = Math.sin(ky * Math.floor(i / width) + kx * (i % width) + phase);
      return Math.min(255, Math.max(0, Math.round(128 + contrast * wave + 20 * random.normal())));
    });
  });
  return planes.flat();
}

/** The tensors of every normalization of the draft. */
export function calibrate(draft: Draft): Tensors {
  const drawn = new Parameters(SEED);
  const graph = uncalibrated(draft);
  const { zero, numerator, denominator } = draft.bytes;
  const images = Array.from({ length: IMAGES }, () => image(drawn.random, draft.input)).flat();
  const first = Float32Array.from(images, (s) => ((s - zero) * numerator) / denominator);
  const values = new Map<string, Float32Array>([[graph.inputs[0]!, first]]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => values.get(name)!);
    const shape = [IMAGES, ...graph.values.get(node.inputs[0]!)!.shape.slice(1)];
    values.set(node.output, apply(graph, calibrated(node, draft, drawn, shape, inputs[0]!), inputs));
  }
  return drawn.tensors;
}

/** The net with normalizations that change nothing, darknet's as PyTorch's: they differ in roundings. */
function uncalibrated({ name, input, tensors, norms, ...draft }: Draft): ModelGraph {
  const layers = draft.layers.map((layer) =>
    layer.type === "batchnorm" ? { ...layer, formula: "torch" } : layer,
  );
  const neutral = { weight: 1, bias: 0, running_mean: 0, running_var: 1 };
  const constants = [...norms].flatMap(([norm, { channels }]) =>
    Object.entries(neutral).map(([field, value]) => [
      `${norm}.${field}`,
      { shape: [channels], data: new Array<number>(channels).fill(value) },
    ]),
  );
  const all: Tensors = { ...tensors, ...Object.fromEntries(constants) };
  return readBundle(manifestOf({ input, layers, tensors: all, more: { name } }), safetensorsFile(all));
}

/** A normalization with constants drawn for its input; other nodes as they are. */
function calibrated(
  node: GraphNode,
  { norms }: Draft,
  drawn: Parameters,
  shape: readonly number[],
  input: Float32Array,
): GraphNode {
  const { op, name } = node;
  if (op.kind !== "batch-normalization") return node;
  const x = { shape, data: Float64Array.from(input) };
  const { gamma, beta, mean, variance } = drawn.normalization(name, x, norms.get(name)!.options);
  const constant = (data: Float32Array): FloatTensor => ({ shape: [data.length], data });
  return {
    ...node,
    op: {
      ...op,
      scale: constant(gamma),
      bias: constant(beta),
      mean: constant(mean),
      variance: constant(variance),
    },
  };
}

/** One node on a batch of inputs. */
function apply(graph: ModelGraph, node: GraphNode, inputs: readonly Float32Array[]): Float32Array {
  const shapes = node.inputs.map((name) => graph.values.get(name)!.shape);
  if (node.op.kind === "sum") return inputs[0]!.map((v, i) => v + inputs[1]![i]!);
  if (node.op.kind === "concat") return compileConcat(node.op.axis, shapes)(inputs, IMAGES);
  return compileModel({ ...graph, inputs: node.inputs, nodes: [node], outputs: [node.output] })(inputs[0]!);
}
