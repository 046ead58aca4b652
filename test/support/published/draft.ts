/**
 * Nets of the size that papers have, written layer by layer as bundles. Weights are drawn as layers are added; normalizations get
 * their constants when the net is calibrated.
 */
import type { InputAffine } from "../../../src/program/index.js";
import type { TensorSpec } from "../bundle.js";
import { batchnorm, conv, FLOAT, linear, sign } from "../methods/layers.js";
import { CENTERED } from "../methods/net.js";
import type { NormalizationOptions } from "../methods/parameters.js";
import { Random } from "../random-graph.js";

type Fields = Readonly<Record<string, unknown>>;

export class Draft {
  readonly layers: Fields[] = [];
  readonly tensors: Record<string, TensorSpec> = {};
  /** Channels of normalizations, and how their constants are to be drawn, by their layers' names. */
  readonly norms = new Map<string, { readonly channels: number; readonly options: NormalizationOptions }>();
  readonly random: Random;
  /** The layer that the next one reads. */
  at = "input";

  constructor(
    readonly name: string,
    /** Channels, height and width of images. */
    readonly input: readonly [number, number, number],
    readonly bytes: InputAffine = CENTERED,
  ) {
    this.random = new Random([...name].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7) % 100_003);
  }

  /** Adds a layer that reads the last one unless it says what it reads. */
  add(fields: Fields): string {
    const name = typeof fields.name === "string" ? fields.name : `${fields.type}${this.layers.length}`;
    this.layers.push({ inputs: [this.at], ...fields, name });
    this.at = name;
    return name;
  }

  /** Latent weights for a quantizer; for none, float32 ones of a size that keeps sums near 1. */
  #weights(name: string, shape: readonly number[], quantizer: Fields): void {
    const perOutput = shape.slice(1).reduce((a, b) => a * b, 1);
    const size = quantizer === FLOAT ? Math.sqrt(2 / perOutput) : 1;
    this.tensor(`${name}.weight`, shape, () => size * (this.random.normal() || 1));
  }

  tensor(name: string, shape: readonly number[], draw: (index: number) => number): void {
    const count = shape.reduce((a, b) => a * b, 1);
    this.tensors[name] = { shape, data: Array.from({ length: count }, (_, i) => Math.fround(draw(i))) };
  }

  /** A convolution with weights [outputs, channels / groups, height, width], padded with 0 unless told. */
  conv(name: string, shape: readonly [number, number, number, number], quantizer: Fields, more: Fields = {}) {
    this.#weights(name, shape, quantizer);
    return this.add(conv(name, quantizer, { ...("padding" in more ? { padding_value: 0 } : {}), ...more }));
  }

  linear(name: string, [outputs, inputs]: readonly [number, number], quantizer: Fields): string {
    this.#weights(name, [outputs, inputs], quantizer);
    return this.add(linear(name, quantizer));
  }

  norm(name: string, channels: number, options: NormalizationOptions = {}, more: Fields = {}): string {
    this.norms.set(name, { channels, options });
    return this.add(batchnorm(name, more));
  }

  /** Batch normalization whose output other layers add to or multiply: no channel is out of reach. */
  streamNorm(name: string, channels: number): string {
    return this.norm(name, channels, { ofScores: true });
  }

  relu(name: string): string {
    return this.add({ type: "relu", name });
  }

  sign(name: string, ofZero: 1 | 0 = 1): string {
    return this.add(sign(name, ofZero));
  }

  sum(name: string, inputs: readonly string[]): string {
    return this.add({ type: "add", name, inputs });
  }

  concat(name: string, inputs: readonly string[]): string {
    return this.add({ type: "concat", name, dim: 1, inputs });
  }

  /** The mean of each channel, then a layer of float32. */
  classifier(channels: number, classes: number): string {
    this.add({ type: "global_avgpool", name: "mean", keepdim: false });
    return this.linear("fc", [classes, channels], FLOAT);
  }
}
