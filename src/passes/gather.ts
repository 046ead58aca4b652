/** Moves of elements between pixels and channels: space-to-depth, and what darknet makes of it. */
import { isPerChannel } from "./chain.js";
import { type Lowering, once } from "./lowering.js";
import { mapSize, partView } from "./select.js";
import type { Settled } from "./settle.js";
import { emit, scaled } from "./sources.js";
import { count, type MapShape, type Range, rangeOf, type Source, type View } from "./values.js";

/** Where the first element of each output row and channel lies, and the distance to the next column's. */
interface Places {
  readonly shape: MapShape;
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly channels: Int32Array;
  readonly step: number;
}

/**
 * A settled value as a map of its own, channels from `axis`, where a row of it comes from several rows of the tensor;
 * undefined where columns do not follow one another.
 */
export function gathered(context: Lowering, value: Settled, axis: number, name: string): Settled | undefined {
  const places = placesOf(value.view, axis, value.shape);
  if (places === undefined) return undefined;
  // What differs between channels must be done before they are mixed.
  const isMixed = isPerChannel(value.steps);
  const steps = isMixed ? [] : value.steps;
  const from = isMixed ? scaled(context, value.source, value.steps, `${name} as float`) : value.source;
  const { shape, rows, columns, channels, step } = places;
  const key = `gather ${shape} ${step} ${[rows, columns, channels].join(" ")}`;
  const source = once(context, from, key, () => moved(context, from, places, name));
  return { source, steps, shape: source.shape, view: partView(value.view, axis, source.shape) };
}

function moved(context: Lowering, from: Source, places: Places, name: string): Source {
  const { shape: to, ...lists } = places;
  const { shape: _, tensor: input, ranges, uncertainty, ...known } = from;
  const sourcesOf = (channel: number): readonly number[] =>
    Array.from({ length: to[0] }, (_, y) => lists.channels[y * to[2] + channel]!);
  const rangeIn = (channel: number): Range => {
    const all = sourcesOf(channel).map((c) => rangeOf(from, c));
    return [Math.min(...all.map(([low]) => low)), Math.max(...all.map(([, high]) => high))];
  };
  return emit(
    context,
    name,
    to,
    {
      ...known,
      ...(ranges === undefined ? {} : { ranges: Array.from({ length: to[2] }, (_, c) => rangeIn(c)) }),
      uncertainty: (channel) => Math.max(...sourcesOf(channel).map(uncertainty)),
    },
    (output) => ({ kind: "gather", input, output, ...lists }),
  );
}

function placesOf({ shape, map }: View, axis: number, [, width, depth]: MapShape): Places | undefined {
  const [rows, columns] = mapSize(shape, axis);
  const channels = shape[axis]!;
  const inner = count(shape.slice(axis + 1));
  const placeOf = (pixel: number, channel: number): number =>
    map[(Math.floor(pixel / inner) * channels + channel) * inner + (pixel % inner)]!;
  const step = columns === 1 ? 1 : (placeOf(1, 0) - placeOf(0, 0)) / depth;
  if (!Number.isInteger(step) || step < 1) return undefined;
  const firsts = new Int32Array(rows * channels);
  for (let y = 0; y < rows; y++) {
    for (let c = 0; c < channels; c++) {
      const first = placeOf(y * columns, c);
      firsts[y * channels + c] = first;
      if ((Math.floor(first / depth) % width) + (columns - 1) * step >= width) return undefined;
      for (let x = 1; x < columns; x++) {
        if (placeOf(y * columns + x, c) !== first + x * step * depth) return undefined;
      }
    }
  }
  return {
    shape: [rows, columns, channels],
    rows: firsts.map((i) => Math.floor(i / depth / width)),
    columns: firsts.map((i) => Math.floor(i / depth) % width),
    channels: firsts.map((i) => i % depth),
    step,
  };
}
