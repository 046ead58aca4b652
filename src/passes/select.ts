/** Puts a tensor's elements into the order that an instruction needs. */
import type { ChainStep } from "./chain.js";
import { type Lowering, once } from "./lowering.js";
import type { Settled } from "./settle.js";
import { emit } from "./sources.js";
import { count, type MapShape, type Source, type View } from "./values.js";
import { cropOf, isIdentity, isPermutation, type Separated, separate } from "./views.js";

/** A value whose pixels are a regular part of the tensor's, and which channels it takes. */
export interface Part extends Separated {
  readonly height: number;
  readonly width: number;
}

/** Height and width of a value with channels on `axis`: the last axes before or after it. */
export function mapSize(shape: readonly number[], axis: number): readonly [height: number, width: number] {
  const others = shape.filter((_, i) => i !== axis);
  const width = others.at(-1) ?? 1;
  return [count(others) / width, width];
}

/** How a value with channels on `axis` lies in its tensor; undefined if no `select` can make it a map. */
export function partOf(view: View, axis: number, tensor: MapShape): Part | undefined {
  const separated = separate(view, axis, tensor[2]);
  if (separated === undefined) return undefined;
  const [height, width] = isIdentity(separated.pixels, tensor[0] * tensor[1])
    ? tensor
    : mapSize(view.shape, axis);
  return croppedPart(separated, height, width, tensor);
}

/** The same for readers of maps and signals, to whom height and width matter. */
export function mapPartOf(view: View, axis: number, tensor: MapShape): Part | undefined {
  const separated = separate(view, axis, tensor[2]);
  return separated && croppedPart(separated, ...mapSize(view.shape, axis), tensor);
}

function croppedPart(
  separated: Separated,
  height: number,
  width: number,
  tensor: MapShape,
): Part | undefined {
  return cropOf(separated.pixels, height, width, tensor[1]) && { ...separated, height, width };
}

/** Whether the part has all pixels and all channels, in any order of channels. */
export function isWhole({ pixels, channels }: Separated, [height, width, depth]: MapShape): boolean {
  return isIdentity(pixels, height * width) && isPermutation(channels, depth);
}

/** The part as a tensor of its own: the tensor itself where nothing moves. */
export function selected(context: Lowering, source: Source, part: Part, name: string): Source {
  const [height, width, depth] = source.shape;
  if (isIdentity(part.pixels, height * width) && isIdentity(part.channels, depth)) return source;
  const crop = cropOf(part.pixels, part.height, part.width, width)!;
  const { channels } = part;
  const key = `select ${part.height} ${part.width} ${JSON.stringify(crop)} ${channels.join(" ")}`;
  return once(context, source, key, () => {
    const { shape, tensor: input, ranges, uncertainty, ...known } = source;
    return emit(
      context,
      name,
      [part.height, part.width, channels.length],
      {
        ...known,
        ...(ranges === undefined
          ? {}
          : { ranges: ranges.length === 1 ? ranges : Array.from(channels, (c) => ranges[c]!) }),
        uncertainty: (channel) => uncertainty(channels[channel]!),
      },
      (output) => ({ kind: "select", input, output, ...crop, channels }),
    );
  });
}

/** A settled value as a map of its own, channels from `axis`; undefined where elements lie too irregularly. */
export function arranged(context: Lowering, value: Settled, axis: number, name: string): Settled | undefined {
  const part = partOf(value.view, axis, value.shape);
  return part && withPart(context, value, axis, part, name);
}

/** A settled value as a map of its own for readers of maps. */
export function arrangedMap(
  context: Lowering,
  value: Settled,
  axis: number,
  name: string,
): Settled | undefined {
  const part = mapPartOf(value.view, axis, value.shape);
  return part && withPart(context, value, axis, part, name);
}

function withPart(context: Lowering, value: Settled, axis: number, part: Part, name: string): Settled {
  const source = selected(context, value.source, part, name);
  if (source === value.source) return value;
  const steps = once(context, value.steps, `for channels ${part.channels.join(" ")}`, () =>
    value.steps.map((s) => forChannels(s, part.channels)),
  );
  return { source, steps, shape: source.shape, view: partView(value.view, axis, source.shape) };
}

export function partView(view: View, axis: number, shape: MapShape): View {
  const channels = shape[2];
  const inner = count(view.shape.slice(axis + 1));
  const map = view.map.map((_, i) => {
    const channel = Math.floor(i / inner) % channels;
    return (Math.floor(i / (inner * channels)) * inner + (i % inner)) * channels + channel;
  });
  return { shape: view.shape, map };
}

export function forChannels(step: ChainStep, channels: Int32Array): ChainStep {
  if (step.kind === "rescale" && step.shift.length > 1) {
    const pick = (data: Int32Array): Int32Array => channels.map((c) => data[c]!);
    return { ...step, multiplier: pick(step.multiplier), shift: pick(step.shift) };
  }
  if (step.kind === "table" && step.index.length > 1)
    return { ...step, index: channels.map((c) => step.index[c]!) };
  if (step.kind !== "scale" || step.step.operand.length <= 1) return step;
  const operand = Float32Array.from(channels, (c) => step.step.operand[c]!);
  return { ...step, step: { ...step.step, operand } };
}

/**
 * The values of a view as a regular part of the tensor, in whatever order the view has them, and each element's
 * place in that part; undefined if they are no such part.
 */
export function boxOf(
  view: View,
  tensor: MapShape,
): { readonly part: Part; readonly map: Int32Array } | undefined {
  const [, width, depth] = tensor;
  const pixels = sorted(view.map.map((i) => Math.floor(i / depth)));
  const channels = sorted(view.map.map((i) => i % depth));
  if (pixels.length * channels.length !== view.map.length) return undefined;
  const rows = sorted(pixels.map((p) => Math.floor(p / width))).length;
  const part: Part = { pixels, channels, height: rows, width: pixels.length / rows };
  if (!Number.isInteger(part.width) || cropOf(pixels, rows, part.width, width) === undefined)
    return undefined;
  const pixelAt = new Map([...pixels].map((p, i) => [p, i]));
  const channelAt = new Map([...channels].map((c, i) => [c, i]));
  const map = view.map.map(
    (i) => pixelAt.get(Math.floor(i / depth))! * channels.length + channelAt.get(i % depth)!,
  );
  return isPermutation(map, map.length) ? { part, map } : undefined;
}

function sorted(indices: Int32Array): Int32Array {
  return Int32Array.from(new Set(indices)).sort();
}

/** Maps of more pixels than this are not taken apart. */
const MOST_PIXELS = 64;

/**
 * A map as a vector in the tensor's own order, one piece per pixel: for operations that differ between the
 * positions of a channel. Undefined for maps of too many pixels.
 */
export function flattened(context: Lowering, value: Settled, name: string): Settled | undefined {
  const [height, width, depth] = value.shape;
  const pixels = height * width;
  if (pixels === 1) return value;
  if (pixels > MOST_PIXELS) return undefined;
  const source = once(context, value.source, "flattened", () => {
    const channels = Int32Array.from({ length: depth }, (_, c) => c);
    const parts = Array.from({ length: pixels }, (_, p) =>
      selected(
        context,
        value.source,
        { pixels: Int32Array.of(p), channels, height: 1, width: 1 },
        `${name} pixel ${p}`,
      ),
    );
    const { tensor: _, shape: __, ranges, uncertainty, ...known } = value.source;
    const repeated = ranges === undefined || ranges.length === 1 ? ranges : parts.flatMap(() => ranges);
    const inputs = parts.map((p) => p.tensor);
    return emit(
      context,
      `${name} flattened`,
      [1, 1, pixels * depth],
      {
        ...known,
        ...(repeated === undefined ? {} : { ranges: repeated }),
        uncertainty: (channel) => uncertainty(channel % depth),
      },
      (output) => ({ kind: "concat", inputs, output }),
    );
  });
  const everywhere = Int32Array.from({ length: pixels * depth }, (_, i) => i % depth);
  return { ...value, source, steps: value.steps.map((s) => forChannels(s, everywhere)), shape: source.shape };
}
