/**
 * Nets with the shapes of MobileNet and DenseNet on images of 96×96, all layers binary. Weights are drawn at random; plans
 * depend on shapes alone.
 */
import type { ModelGraph } from "../../src/graph/types.js";
import { floats, graphOf, type NodeSpec, node, scalar, type TensorInit } from "./onnx.js";
import { Random } from "./random-graph.js";

const SIDE = 96;
const CLASSES = 10;

/** Layers one after another, each of which reads what is named. */
class Layers {
  readonly nodes: NodeSpec[] = [];
  readonly constants: Record<string, TensorInit> = { one: scalar(1) };
  readonly #random = new Random(4_711);

  #numbers(count: number, draw: () => number): number[] {
    return Array.from({ length: count }, draw);
  }

  #add(op: string, inputs: string, attributes: NodeSpec["with"], out: string): string {
    this.nodes.push(node(op, inputs, attributes, out));
    return out;
  }

  /** A convolution with weights ±1. */
  conv(
    from: string,
    [outputs, inputs, kernel]: readonly [number, number, number],
    { stride = 1, group = 1 }: { readonly stride?: number; readonly group?: number } = {},
  ): string {
    const name = `c${this.nodes.length}`;
    const shape = [outputs, inputs / group, kernel, kernel];
    const count = shape.reduce((a, b) => a * b, 1);
    this.constants[`${name}_w`] = floats(
      shape,
      this.#numbers(count, () => this.#random.pick([-1, 1])),
    );
    const pad = (kernel - 1) / 2;
    const pads = [pad, pad, pad, pad];
    return this.#add("Conv", `${from} ${name}_w`, { pads, strides: [stride, stride], group }, name);
  }

  /** Batch normalization and sign. */
  sign(from: string, channels: number): string {
    const name = `s${this.nodes.length}`;
    const draw = (least: number, most: number) =>
      floats(
        [channels],
        this.#numbers(channels, () => this.#random.integer(least, most)),
      );
    Object.assign(this.constants, {
      [`${name}_gamma`]: draw(1, 1),
      [`${name}_beta`]: draw(-2, 2),
      [`${name}_mean`]: draw(-4, 4),
      [`${name}_variance`]: draw(4, 9),
    });
    const inputs = ["gamma", "beta", "mean", "variance"].map((part) => `${name}_${part}`);
    this.#add("BatchNormalization", [from, ...inputs].join(" "), {}, `${name}_bn`);
    return this.#add("BipolarQuant", `${name}_bn one`, {}, name);
  }

  pool(from: string, size: number): string {
    const window = { kernel_shape: [size, size], strides: [size, size] };
    return this.#add("MaxPool", from, window, `p${this.nodes.length}`);
  }

  concat(all: readonly string[]): string {
    return this.#add("Concat", all.join(" "), { axis: 1 }, `j${this.nodes.length}`);
  }

  /** A dense layer behind a map of `side`×`side`. */
  classes(from: string, inputs: number): ModelGraph {
    this.constants.classes = floats(
      [CLASSES, inputs],
      this.#numbers(CLASSES * inputs, () => this.#random.pick([-1, 1])),
    );
    this.#add("Flatten", from, {}, "flat");
    this.#add("Gemm", "flat classes", { transB: 1 }, "y");
    const inputsOfNet = { x: [1, 3, SIDE, SIDE] };
    return graphOf({ nodes: this.nodes, inputs: inputsOfNet, constants: this.constants });
  }
}

/** Channels and strides of MobileNet v1's thirteen blocks, a quarter of its widths. */
const BLOCKS: readonly (readonly [channels: number, stride: number])[] = [
  [16, 1],
  [32, 2],
  [32, 1],
  [64, 2],
  [64, 1],
  [128, 2],
  ...Array.from({ length: 5 }, () => [128, 1] as const),
  [256, 2],
  [256, 1],
];

/** A stem, and blocks of a 3×3 layer of each channel alone and a 1×1 layer of all of them. */
export function mobileNet(): ModelGraph {
  const net = new Layers();
  let channels = 8;
  let side = SIDE / 2;
  let at = net.sign(net.conv("x", [channels, 3, 3], { stride: 2 }), channels);
  for (const [outputs, stride] of BLOCKS) {
    at = net.sign(net.conv(at, [channels, channels, 3], { stride, group: channels }), channels);
    at = net.sign(net.conv(at, [outputs, channels, 1]), outputs);
    channels = outputs;
    side /= stride;
  }
  return net.classes(net.pool(at, side), channels);
}

const GROWTH = 32;
const LAYERS = [3, 4, 4, 3] as const;

/** Four blocks of layers that each read all before them, with a 1×1 layer of half the channels and a pool between blocks. */
export function denseNet(): ModelGraph {
  const net = new Layers();
  let channels = 64;
  let side = SIDE / 4;
  let at = net.pool(net.conv("x", [channels, 3, 3], { stride: 2 }), 2);
  for (const [block, layers] of LAYERS.entries()) {
    for (let i = 0; i < layers; i++) {
      const grown = net.conv(net.sign(at, channels), [GROWTH, channels, 3]);
      at = net.concat([at, grown]);
      channels += GROWTH;
    }
    if (block === LAYERS.length - 1) break;
    const squeezed = 32 * Math.floor(channels / 64);
    at = net.pool(net.conv(net.sign(at, channels), [squeezed, channels, 1]), 2);
    channels = squeezed;
    side /= 2;
  }
  return net.classes(net.pool(net.sign(at, channels), side), channels);
}
