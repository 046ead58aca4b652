/**
 * What cells of searched networks are made of, each told twice: the manifest's layers, and what they compute. BN → sign →
 * convolution of weights α_o · (±1) → activation, pools of 3 × 3 whose pads do not count, sums of the edges that lead to a node.
 */
import {
  both,
  channelsInOrder,
  concatenate,
  filled,
  maxPool,
  meanMagnitudes,
  products,
  sign as signOf,
  sumPool,
  type Taps,
  times,
  type Value,
} from "./arithmetic.js";
import { batchnorm, conv, type Fields, sign } from "./layers.js";
import type { See } from "./net.js";
import { normalized, type Parameters } from "./parameters.js";

const f = Math.fround;

/** Layers on the value of one name, and what they make of it. */
export interface Part {
  layers(from: string): readonly unknown[];
  /** The name of what they make, of the value `from`. */
  end(from: string): string;
  run(x: Value, drawn: Parameters, see: See): Value;
}

/** One after another. */
export function chain(...parts: readonly Part[]): Part {
  return {
    end: (from) => parts.reduce((at, part) => part.end(at), from),
    layers(from) {
      let at = from;
      return parts.flatMap((part) => {
        const layers = part.layers(at);
        at = part.end(at);
        return layers;
      });
    },
    run: (x, drawn, see) => parts.reduce((v, part) => part.run(v, drawn, see), x),
  };
}

/** The value itself. */
export const SKIP: Part = { layers: () => [], end: (from) => from, run: (x) => x };

/** Weights α_o · (±1) of latent ones. */
export const MEAN_SIGNS: Fields = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };

export interface BinaryConv {
  readonly name: string;
  /** [outputs, channels / groups, kh, kw]. */
  readonly shape: readonly [number, number, number, number];
  readonly taps: Taps;
  /** The weights before their signs are taken, as the file has them. */
  latent(drawn: Parameters, name: string, shape: readonly number[]): Value;
}

/** BN → sign → convolution → activation. */
export function binaryConv({ name, shape, taps, latent }: BinaryConv, activation: Part): Part {
  const { stride = 1, pads = 0, dilation = 1, groups = 1 } = taps;
  const geometry = { stride, padding: pads, padding_value: 0, dilation, groups };
  return chain(
    {
      layers: (from) => [
        batchnorm(`${name}.bn`, { inputs: [from] }),
        sign(`${name}.sign`, 1),
        conv(`${name}.conv`, MEAN_SIGNS, geometry),
      ],
      end: () => `${name}.conv`,
      run(x, drawn, see) {
        const weights = latent(drawn, `${name}.conv`, shape);
        const a = see(`${name}.sign`, signOf(normalized(drawn, `${name}.bn`, x), 1));
        const sums = see(`${name}.conv`, products(a, signOf(weights, 1), taps));
        return times(sums, meanMagnitudes(weights, "output"));
      },
    },
    activation,
  );
}

/** 3 × 3 with pads of 1 that do not count. */
export function averagePool(name: string, stride: number): Part {
  const taps = { stride, pads: 1 };
  const window = { kernel_size: 3, stride, padding: 1, count_include_pad: false };
  return {
    layers: (from) => [{ type: "avgpool2d", name, ...window, inputs: [from] }],
    end: () => name,
    run(x, _drawn, see) {
      const ones = filled(x.shape, () => 1);
      const sums = see(name, sumPool(x, 3, taps));
      return see(
        `${name} as float`,
        both(sums, sumPool(ones, 3, taps), (v, n) => f(v / n)),
      );
    },
  };
}

export function greatestPool(name: string, stride: number): Part {
  return {
    layers: (from) => [{ type: "maxpool2d", name, kernel_size: 3, stride, padding: 1, inputs: [from] }],
    end: () => name,
    run: (x, _drawn, see) => see(name, maxPool(x, 3, { stride, pads: 1 })),
  };
}

/** Nothing passes: the value, or every other row and column of it, times 0. */
export function zeroise(name: string, stride: number): Part {
  const slices = ["rows", "columns"].map((what, i) => ({
    type: "slice",
    name: `${name}.${what}`,
    dim: 2 + i,
    step: stride,
  }));
  return {
    layers: (from) => [
      { ...slices[0], inputs: [from] },
      slices[1],
      { type: "arithmetic", name, operator: "multiply", operand: 0 },
    ],
    end: () => name,
    run: (x) => {
      const [batch, channels, height, width] = x.shape as [number, number, number, number];
      return filled([batch, channels, Math.ceil(height / stride), Math.ceil(width / stride)], () => 0);
    },
  };
}

/** x ← x + part(x). */
export function residual(name: string, part: Part): Part {
  return {
    layers: (from) => [...part.layers(from), { type: "add", name, inputs: [part.end(from), from] }],
    end: () => name,
    run: (x, drawn, see) =>
      see(
        name,
        both(part.run(x, drawn, see), x, (v, w) => f(v + w)),
      ),
  };
}

/** Channels of `groups` groups, one of each group after another. */
export function shuffle(name: string, groups: number): Part {
  return {
    layers: () => [{ type: "channel_shuffle", name, groups }],
    end: () => name,
    run(x) {
      const channels = x.shape[1]!;
      const order = Array.from(
        { length: channels },
        (_, c) => (c % groups) * (channels / groups) + Math.floor(c / groups),
      );
      return channelsInOrder(x, order);
    },
  };
}

export interface Edge {
  /** The state that it reads. */
  readonly from: number;
  readonly part: Part;
  /** Nothing passes, and no sum has it. */
  readonly isDead?: true;
}

export interface Cell {
  readonly layers: readonly unknown[];
  /** The name of the nodes' concatenation. */
  readonly end: string;
  run(inputs: readonly [Value, Value], drawn: Parameters, see: See): Value;
}

/** Two states, nodes that add two edges each, and the concatenation of all nodes. */
export function cell(
  name: string,
  inputs: readonly [string, string],
  nodes: readonly (readonly [Edge, Edge])[],
): Cell {
  const names = [...inputs, ...nodes.map((_, i) => `${name}.node${i}`)];
  const layers = nodes.flatMap((edges, i) => [
    ...edges.flatMap(({ from, part }) => part.layers(names[from]!)),
    {
      type: "add",
      name: `${name}.node${i}`,
      inputs: edges.map(({ from, part }) => part.end(names[from]!)),
    },
  ]);
  const last = { type: "concat", name, dim: 1, inputs: names.slice(2) };
  return {
    layers: [...layers, last],
    end: name,
    run([first, second], drawn, see) {
      const states = [first, second];
      for (const [i, edges] of nodes.entries()) {
        const values = edges.map(({ from, part }) => part.run(states[from]!, drawn, see));
        const sum = both(values[0]!, values[1]!, (v, w) => f(v + w));
        const isSum = edges.every(({ isDead }) => isDead !== true);
        states.push(isSum ? see(`${name}.node${i}`, sum) : sum);
      }
      return see(name, concatenate(...states.slice(2)));
    },
  };
}
