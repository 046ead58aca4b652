/** Random graphs of every operation on maps, with branches: what the importers may hand on, and more. */
import type {
  FloatTensor,
  GraphNode,
  GraphOp,
  GraphValue,
  ModelGraph,
  Shape,
  Window,
} from "../../src/graph/types.js";
import { everyWindowTouches, mapShape, mapSize, windowPositions } from "../../src/graph/window.js";
import { Random } from "./random-graph.js";

/** Weights and constants are small multiples of 1/4 when `exact`, so that every order of sums gives the same. */
export function randomMaps(seed: number, exact = false): ModelGraph {
  return new Builder(new Random(seed), exact).build();
}

class Builder {
  readonly #random: Random;
  readonly #exact: boolean;
  readonly #nodes: GraphNode[] = [];
  readonly #values: GraphValue[] = [];

  constructor(random: Random, exact: boolean) {
    this.#random = random;
    this.#exact = exact;
    const channels = random.integer(1, 7);
    const width = random.integer(1, 8);
    const shape = random.next() < 0.3 ? [1, channels, width] : [1, channels, random.integer(1, 8), width];
    this.#values.push({ name: "x", shape, dtype: "float32" });
  }

  build(): ModelGraph {
    const steps = this.#random.integer(1, 9);
    for (let i = 0; i < steps; i++) this.#step();
    const [input, last] = [this.#values[0]!, this.#values.at(-1)!];
    return {
      name: "random maps",
      origin: { format: "test", version: "", producer: "" },
      nodes: this.#nodes,
      values: new Map(this.#values.map((v) => [v.name, v])),
      inputs: [input.name],
      outputs: [last.name],
    };
  }

  /** Whether a node was added: a window may not fit. */
  #step(): boolean {
    const random = this.#random;
    const from = random.next() < 0.7 ? this.#values.at(-1)! : random.pick(this.#values);
    const { shape } = from;
    switch (random.integer(0, 13)) {
      case 0:
      case 1:
        return this.#conv(from);
      case 2:
        return this.#pool(from);
      case 3: {
        const equal = this.#values.filter((v) => v.shape.join() === shape.join());
        return this.#emit({ kind: "sum" }, [from, random.pick(equal)], shape);
      }
      case 4: {
        const axis = random.integer(0, shape.length - 1);
        const fits = (v: GraphValue): boolean =>
          v.shape.length === shape.length && v.shape.every((n, i) => i === axis || n === shape[i]);
        const parts = [
          from,
          ...Array.from({ length: random.integer(0, 2) }, () => random.pick(this.#values.filter(fits))),
        ];
        const sum = parts.reduce((n, v) => n + v.shape[axis]!, 0);
        return this.#emit(
          { kind: "concat", axis },
          parts,
          shape.map((n, i) => (i === axis ? sum : n)),
        );
      }
      case 5: {
        const starts = shape.map((n) => random.integer(0, n - 1));
        const steps = shape.map(() => random.integer(1, 3));
        const sizes = shape.map((n, i) => random.integer(1, Math.ceil((n - starts[i]!) / steps[i]!)));
        return this.#emit({ kind: "slice", starts, steps }, [from], sizes);
      }
      case 6: {
        const [before, after] = [shape, shape].map((s) =>
          s.map((_, i) => (i === 0 ? 0 : random.integer(0, 2))),
        ) as [number[], number[]];
        const padded = shape.map((n, i) => before[i]! + n + after[i]!);
        return this.#emit(
          { kind: "pad", before, after, value: random.pick([0, -1, 1, 0.3]) },
          [from],
          padded,
        );
      }
      case 7: {
        const order = shape.map((_, i) => i);
        if (random.next() < 0.7) order.push(order.splice(1, 1)[0]!);
        else order.push(order.shift()!);
        return this.#emit(
          { kind: "transpose", permutation: order },
          [from],
          order.map((p) => shape[p]!),
        );
      }
      case 8:
        return this.#emit(
          { kind: "prelu", slope: this.#constant([shape[1]!, ...shape.slice(2).map(() => 1)]) },
          [from],
          shape,
        );
      case 9:
        return this.#emit({ kind: "abs" }, [from], shape);
      case 10: {
        const operand = this.#constant(shape.map((n) => random.pick([1, n])));
        const operator = random.pick(["add", "subtract", "multiply"] as const);
        return this.#emit({ kind: "arithmetic", operator, operand, reversed: false }, [from], shape);
      }
      case 11:
        return this.#pairwise(from);
      case 12: {
        const all = shape.map((_, axis) => axis);
        const axes = random.next() < 0.4 ? all : [random.pick([1, shape.length - 1])];
        const reduced = shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
        return this.#emit({ kind: "reduce", operator: random.pick(["sum", "mean"]), axes }, [from], reduced);
      }
      default:
        return this.#emit(
          {
            kind: "clip",
            low: random.pick([-1, 0, Number.NEGATIVE_INFINITY]),
            high: random.pick([1, 6, 0.7]),
          },
          [from],
          shape,
        );
    }
  }

  /** With any value of which each side is the same or 1. Products of products would lose the bits of exact sums. */
  #pairwise(from: GraphValue): boolean {
    const random = this.#random;
    const { shape } = from;
    const fits = (v: GraphValue): boolean =>
      v.shape.length === shape.length && v.shape.every((n, i) => n === shape[i] || n === 1 || shape[i] === 1);
    const other = random.pick(this.#values.filter(fits));
    const hasProduct = this.#nodes.some((n) => n.op.kind === "pairwise" && n.op.operator === "multiply");
    const operator = random.pick(
      hasProduct ? (["add", "subtract"] as const) : (["subtract", "multiply"] as const),
    );
    return this.#emit(
      { kind: "pairwise", operator },
      random.next() < 0.5 ? [from, other] : [other, from],
      shape.map((n, i) => Math.max(n, other.shape[i]!)),
    );
  }

  #conv(from: GraphValue): boolean {
    const map = mapSize(from.shape);
    if (map === undefined) return false;
    const random = this.#random;
    const divisors = Array.from({ length: map.channels }, (_, i) => i + 1).filter(
      (g) => map.channels % g === 0,
    );
    const groups = random.next() < 0.5 ? 1 : random.pick(divisors);
    const outputs = groups * random.integer(1, 3);
    const window = this.#window(from.shape);
    const [height, width] = [windowPositions(window, map.height, 0), windowPositions(window, map.width, 1)];
    if (height < 1 || width < 1) return false;
    const weights = this.#constant([outputs, map.channels / groups, ...window.kernel]);
    const op: GraphOp = { kind: "conv", weights, window, groups, padValue: random.pick([0, 0, -1, 1]) };
    return this.#emit(op, [from], mapShape(from.shape.length, { channels: outputs, height, width }));
  }

  #pool(from: GraphValue): boolean {
    const map = mapSize(from.shape);
    if (map === undefined) return false;
    const window = this.#window(from.shape);
    const [height, width] = [windowPositions(window, map.height, 0), windowPositions(window, map.width, 1)];
    if (height < 1 || width < 1) return false;
    if (!everyWindowTouches(window, map.height, 0) || !everyWindowTouches(window, map.width, 1)) return false;
    const op: GraphOp =
      this.#random.next() < 0.5
        ? { kind: "max-pool", window }
        : { kind: "average-pool", window, countPads: this.#random.next() < 0.5 };
    return this.#emit(op, [from], mapShape(from.shape.length, { channels: map.channels, height, width }));
  }

  #window(shape: Shape): Window {
    const random = this.#random;
    const pair = (most: number, signal: number): [number, number] => [
      shape.length === 3 ? signal : random.integer(1, most),
      random.integer(1, most),
    ];
    const [top, bottom] = shape.length === 3 ? [0, 0] : [random.integer(0, 2), random.integer(0, 2)];
    return {
      kernel: pair(4, 1),
      stride: pair(3, 1),
      dilation: pair(2, 1),
      pads: [top!, random.integer(0, 2), bottom!, random.integer(0, 2)],
    };
  }

  #constant(shape: Shape): FloatTensor {
    const draw = (): number => (this.#exact ? this.#random.integer(-4, 4) / 4 : this.#random.normal());
    return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw) };
  }

  #emit(op: GraphOp, inputs: readonly GraphValue[], shape: Shape): boolean {
    const output = `v${this.#nodes.length}`;
    this.#nodes.push({
      name: `${op.kind}_${this.#nodes.length}`,
      op,
      inputs: inputs.map((v) => v.name),
      output,
    });
    this.#values.push({ name: output, shape, dtype: "float32" });
    return true;
  }
}
