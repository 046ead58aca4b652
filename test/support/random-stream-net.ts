/** Random one-dimensional nets without padding behind the last moment: such whose input may never end. */
import type { ModelGraph, Window } from "../../src/graph/types.js";
import { Random } from "./random-graph.js";
import { SmallGraph, windowOf } from "./small-graph.js";

export interface StreamNetOptions {
  /** Whether layers have padding before the first moment, as long as their kernels reach back. */
  readonly isCausal?: boolean;
}

/** Convolutions of any stride and dilation, residual sums with a crop, pools; then a pool or a flattened map. */
export function randomStreamNet(seed: number, { isCausal = false }: StreamNetOptions = {}): ModelGraph {
  const random = new Random(seed);
  const length = random.integer(30, 44);
  const g = new SmallGraph([1, random.pick([1, 2, 5, 33]), length]);
  const width = (): number => g.shapeOf(g.last)[2]!;
  const window = (size: number, stride: number, dilation: number): Partial<Window> => ({
    kernel: [1, size],
    stride: [1, stride],
    dilation: [1, dilation],
    pads: [0, isCausal ? (size - 1) * dilation : 0, 0, 0],
  });
  const quantize = (): string => (random.next() < 0.7 ? g.sign() : g.uniform(random.integer(2, 3), 2));
  quantize();
  const layers = random.integer(2, 4);
  for (let layer = 0; layer < layers && width() > 6; layer++) {
    const channels = random.pick([3, 8, 16, 33]);
    const kind = random.next();
    if (kind < 0.25) {
      const from = g.last;
      const [, count, moments] = g.shapeOf(from) as [number, number, number];
      const dilation = random.integer(1, 2);
      const sums = g.conv(count, { window: window(3, 1, dilation), from });
      const cut = isCausal ? 0 : random.integer(0, 2 * dilation);
      const shortcut = isCausal ? from : crop(g, from, cut, moments - 2 * dilation);
      g.add({ kind: "sum" }, undefined, [sums, shortcut]);
    } else if (kind < 0.5) {
      g.conv(channels, { window: window(random.integer(1, 4), random.pick([1, 2, 3]), 1) });
    } else g.conv(channels, { window: window(random.integer(2, 3), 1, random.integer(1, 3)) });
    if (random.next() < 0.3 && width() > 4) pool(g, random.integer(2, 3), random.integer(1, 2));
    quantize();
  }
  const end = random.next();
  if (end < 0.4) {
    pool(g, width(), 1, true);
    g.flatten();
  } else if (end < 0.6) {
    const [, channels, moments] = g.shapeOf(g.last) as [number, number, number];
    const at = moments - 1 - (isCausal ? 0 : random.integer(0, 2));
    g.add({ kind: "slice", starts: [0, 0, at], steps: [1, 1, 1] }, [1, channels, 1]);
    g.flatten();
    g.dense(4);
  } else {
    g.flatten();
    g.dense(random.integer(2, 9));
    if (end < 0.8) {
      g.sign();
      g.dense(3);
    }
  }
  return g.graph;
}

function crop(g: SmallGraph, from: string, start: number, moments: number): string {
  const shape = [1, g.shapeOf(from)[1]!, moments];
  return g.add({ kind: "slice", starts: [0, 0, start], steps: [1, 1, 1] }, shape, [from]);
}

function pool(g: SmallGraph, size: number, stride: number, isMean = false): string {
  const [, channels, moments] = g.shapeOf(g.last) as [number, number, number];
  const window = windowOf({ kernel: [1, size], stride: [1, stride] });
  const shape = [1, channels, Math.floor((moments - size) / stride) + 1];
  return isMean
    ? g.add({ kind: "average-pool", window, countPads: true }, shape)
    : g.add({ kind: "max-pool", window }, shape);
}
