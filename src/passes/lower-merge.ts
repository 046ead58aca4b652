/** Sums and concatenations: on integers where both sides mean the same by them, else on floats. */
import { shapeText } from "../diagnostics/text.js";
import type { GraphNode } from "../graph/types.js";
import type { ChainStep } from "./chain.js";
import { onlyMultiplies } from "./codes.js";
import { gathered } from "./gather.js";
import { type Lowering, once } from "./lowering.js";
import { alignedSteps, sameSteps } from "./merge-steps.js";
import { reportLayout } from "./problems.js";
import { arranged, flattened } from "./select.js";
import { type Settled, settle } from "./settle.js";
import { emit, F32, I32, scaled, widened } from "./sources.js";
import { isFloat, type Range, rangeOf, type Source, type Value } from "./values.js";
import { mapView } from "./views.js";

export function lowerSum(context: Lowering, node: GraphNode, values: readonly Value[]): Value | undefined {
  const settled = settleAll(context, values);
  const pair = settled && inOneOrder(context, node, settled);
  if (pair === undefined) return settled && reportLayout(context, node, values[0]!.view.shape);
  const [a, b] = pair as [Settled, Settled];
  const onIntegers =
    !isFloat(a.source) && !isFloat(b.source) && onlyMultiplies(a.steps) && sameSteps(a.steps, b.steps);
  const sources = onIntegers
    ? [widened(context, a.source), widened(context, b.source)]
    : [floatOf(context, a, node), floatOf(context, b, node)];
  const inputs = [sources[0]!.tensor, sources[1]!.tensor] as const;
  const source = emit(
    context,
    node.name,
    sources[0]!.shape,
    onIntegers ? sumOf(sources[0]!, sources[1]!, a.steps) : { domain: F32 },
    (output) => ({ kind: "add", inputs, output }),
  );
  return { source, steps: onIntegers ? a.steps : [], shape: source.shape, view: a.view };
}

function sumOf(a: Source, b: Source, steps: readonly ChainStep[]): Pick<Source, "domain"> & Partial<Source> {
  const isExact = steps.every((s) => s.kind === "scale" && s.step.operand.every((x) => isPowerOfTwo(x)));
  const range = (channel: number): Range => {
    const [low0, high0] = rangeOf(a, channel);
    const [low1, high1] = rangeOf(b, channel);
    return [low0 + low1, high0 + high1];
  };
  const channels = a.ranges!.length === 1 && b.ranges!.length === 1 ? 1 : a.shape[2];
  return {
    domain: I32,
    ranges: Array.from({ length: channels }, (_, c) => range(c)),
    offset: a.offset + b.offset,
    stride: a.stride === b.stride ? a.stride : 1,
    // The framework rounds both products and their sum.
    uncertainty: (c) => {
      const [low, high] = range(c);
      const rounding = isExact ? 0 : 2 ** -22 * Math.max(Math.abs(low), Math.abs(high));
      return a.uncertainty(c) + b.uncertainty(c) + rounding;
    },
  };
}

function isPowerOfTwo(x: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(x)));
}

export function lowerConcat(
  context: Lowering,
  node: GraphNode,
  axis: number,
  values: readonly Value[],
): Value | undefined {
  if (values.length === 1) return values[0];
  const settled = settleAll(context, values);
  const parts = settled?.map((s) => alongAxis(context, node, s, axis));
  if (parts === undefined) return undefined;
  const [first] = parts;
  const fits = parts.every(
    (p) => p !== undefined && p.shape[0] === first!.shape[0] && p.shape[1] === first!.shape[1],
  );
  if (!fits) return reportAxis(context, node, axis, values[0]!);
  const { sources, steps } = inOneForm(context, node, parts as Settled[]);
  const channels = sources.reduce((sum, s) => sum + s.shape[2], 0);
  const [{ domain, offset }] = sources as [Source];
  const [height, width] = first!.shape;
  const inputs = sources.map((s) => s.tensor);
  const source = emit(
    context,
    node.name,
    [height, width, channels],
    { domain, offset, ...sideBySide(sources) },
    (output) => ({ kind: "concat", inputs, output }),
  );
  const { shape } = context.graph.values.get(node.output)!;
  return { source, steps, shape: source.shape, view: mapView(shape, axis) };
}

function reportAxis(context: Lowering, node: GraphNode, axis: number, { view }: Value): undefined {
  context.diagnostics.error(
    "lowering/concat-axis",
    `puts ${shapeText(view.shape)} values one after another along axis ${axis}, which is not the channels of all of them`,
    { where: node.name, remedy: "concatenate channels; pad and add where positions must follow one another" },
  );
  return undefined;
}

/** The value with channels on the axis; a flattened map as a vector. */
function alongAxis(context: Lowering, node: GraphNode, value: Settled, axis: number): Settled | undefined {
  const name = `${node.name} selection`;
  const map = arranged(context, value, axis, name);
  if (map !== undefined) return map;
  if (axis !== value.view.shape.length - 1) return gathered(context, value, axis, name);
  const vector = flattened(context, value, node.name);
  return vector && arranged(context, vector, axis, name);
}

/** The inputs in one domain, and steps that serve all of them. */
function inOneForm(
  context: Lowering,
  node: GraphNode,
  parts: readonly Settled[],
): { sources: readonly Source[]; steps: readonly ChainStep[] } {
  const steps = alignedSteps(parts.map((p) => ({ steps: p.steps, channels: p.shape[2] })));
  if (steps !== undefined) {
    const sources = sameBytes(
      context,
      parts.map((p) => p.source),
    );
    if (sources.every((s) => sameForm(s, sources[0]!))) return { sources, steps };
    const canWiden = sources.every((s) => !isFloat(s) && s.offset === sources[0]!.offset);
    const wide = canWiden ? sources.map((s) => widened(context, s)) : sources;
    if (wide.every((s) => sameForm(s, wide[0]!))) return { sources: wide, steps };
  }
  return { sources: parts.map((p) => floatOf(context, p, node)), steps: [] };
}

/** Bytes that stand for integers of one range, counted from its least: those counted from another go through a table. */
function sameBytes(context: Lowering, sources: readonly Source[]): readonly Source[] {
  const least = Math.min(...sources.map((s) => s.offset));
  const greatest = Math.max(...sources.map((s) => s.offset + greatestOf(s)));
  if (!sources.every(isByte) || greatest - least > 255) return sources;
  return sources.map((source) => (source.offset === least ? source : countedFrom(context, source, least)));
}

function countedFrom(context: Lowering, source: Source, least: number): Source {
  return once(context, source, `counted from ${least}`, () => {
    const { shape, tensor: input, ranges, ...known } = source;
    const shift = source.offset - least;
    const name = `${context.tensors[input]!.name} counted from ${least}`;
    return emit(
      context,
      name,
      shape,
      { ...known, offset: least, ranges: ranges!.map(([low, high]): Range => [low + shift, high + shift]) },
      (output) => ({
        kind: "lookup",
        input,
        output,
        table: Uint8Array.from({ length: 256 }, (_, x) => Math.min(x + shift, 255)),
      }),
    );
  });
}

function greatestOf({ ranges }: Source): number {
  return Math.max(...(ranges ?? []).map(([, high]) => high));
}

function isByte({ domain }: Source): boolean {
  return domain.kind === "scalar" && domain.type === "u8";
}

function sameForm(a: Source, b: Source): boolean {
  return JSON.stringify(a.domain) === JSON.stringify(b.domain) && a.offset === b.offset;
}

/** What is known of channels that stand one after another. */
function sideBySide(sources: readonly Source[]): Pick<Source, "uncertainty" | "stride"> & Partial<Source> {
  const places = sources.flatMap((source) =>
    Array.from({ length: source.shape[2] }, (_, channel) => ({ source, channel })),
  );
  const strides = new Set(sources.map((s) => s.stride));
  return {
    ...(sources.every((s) => s.ranges !== undefined)
      ? { ranges: places.map(({ source, channel }) => rangeOf(source, channel)) }
      : {}),
    stride: strides.size === 1 ? sources[0]!.stride : 1,
    uncertainty: (c) => places[c]!.source.uncertainty(places[c]!.channel),
  };
}

export function settleAll(context: Lowering, values: readonly Value[]): readonly Settled[] | undefined {
  const settled = values.map((v) => settle(context, v));
  return settled.every((s) => s !== undefined) ? (settled as Settled[]) : undefined;
}

export function floatOf(context: Lowering, { source, steps }: Settled, node: GraphNode): Source {
  return scaled(context, source, steps, steps.at(-1)?.node ?? `${node.name} input`);
}

/** Values whose equal elements stand in equal places: as they are, or each made a map of its own. */
export function inOneOrder(
  context: Lowering,
  node: GraphNode,
  values: readonly Settled[],
): readonly Settled[] | undefined {
  if (isAligned(values)) return values;
  for (const axis of [1, values[0]!.view.shape.length - 1]) {
    const maps = values.map((v) => arranged(context, v, axis, `${node.name} selection`));
    if (maps.every((m) => m !== undefined) && isAligned(maps as Settled[])) return maps as Settled[];
  }
  return undefined;
}

function isAligned([a, ...others]: readonly Settled[]): boolean {
  return others.every(
    (b) =>
      a!.shape.every((n, i) => n === b.shape[i]) &&
      a!.view.map.length === b.view.map.length &&
      a!.view.map.every((x, i) => x === b.view.map[i]),
  );
}
