/** Instructions that turn one tensor into another; each is added once and shared by all who ask for it. */
import type { Domain, Instruction, ScaleStep, Window } from "../program/types.js";
import { affineValue, applyChain, type ChainStep } from "./chain.js";
import { addTensor, type Lowering, once } from "./lowering.js";
import {
  type ElementStep,
  isChainStep,
  isFloat,
  type MapShape,
  type Range,
  rangeOf,
  type Source,
} from "./values.js";

export const I32: Domain = { kind: "scalar", type: "i32" };
export const F32: Domain = { kind: "scalar", type: "f32" };

const certain = (): number => 0;

/** Adds an instruction that computes a new tensor. */
export function emit(
  context: Lowering,
  name: string,
  shape: MapShape,
  known: Pick<Source, "domain"> & Partial<Source>,
  instruction: (output: number) => Instruction,
): Source {
  const tensor = addTensor(context, name, shape, known.domain);
  context.instructions.push(instruction(tensor));
  return { offset: 0, stride: 1, uncertainty: certain, ...known, tensor, shape };
}

/** The greatest or least element of each window. */
export function pooled(
  context: Lowering,
  source: Source,
  operator: "maximum" | "minimum",
  pool: { readonly window: Window; readonly shape: MapShape; readonly node: string },
): Source {
  return once(context, source, `pool ${operator} ${JSON.stringify(pool.window)}`, () => {
    const { shape, tensor: input, ...known } = source;
    return emit(context, pool.node, pool.shape, known, (output) => ({
      kind: "pool",
      operator,
      input,
      output,
      window: pool.window,
    }));
  });
}

/** The sum of each window's integers (or floats, one after another). `taps` is the most that a window has. */
export function summed(
  context: Lowering,
  source: Source,
  pool: { readonly window: Window; readonly shape: MapShape; readonly node: string },
  taps: readonly [least: number, greatest: number],
): Source {
  return once(context, source, `sum ${JSON.stringify(pool.window)}`, () =>
    emit(
      context,
      pool.node,
      pool.shape,
      isFloat(source) ? { domain: F32 } : sumOf(source, taps),
      (output) => ({
        kind: "pool",
        operator: "sum",
        input: source.tensor,
        output,
        window: pool.window,
      }),
    ),
  );
}

function sumOf(
  source: Source,
  [least, greatest]: readonly [number, number],
): Pick<Source, "domain"> & Partial<Source> {
  const ranges = source.ranges!.map(
    ([low, high]): Range => [Math.min(low * least, low * greatest), Math.max(high * least, high * greatest)],
  );
  return {
    domain: I32,
    ranges,
    offset: source.offset * greatest,
    stride: least === greatest ? source.stride : 1,
    uncertainty: (channel) => source.uncertainty(channel) * greatest,
  };
}

const ONE_TAP: Window = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };

/** Codes and small integers as int32: a sum over windows of one element. */
export function widened(context: Lowering, source: Source): Source {
  if (source.domain.kind === "scalar" && source.domain.type === "i32") return source;
  const { shape } = source;
  return summed(
    context,
    source,
    { window: ONE_TAP, shape, node: context.tensors[source.tensor]!.name },
    [1, 1],
  );
}

/** As float32, after the steps; never under the name of the tensor that they are applied to. */
export function scaled(
  context: Lowering,
  source: Source,
  steps: readonly ElementStep[],
  name: string,
): Source {
  if (isFloat(source) && steps.length === 0) return source;
  const [first, ...rest] = steps;
  if (first?.kind === "decode") return decoded(context, source, first, rest, name);
  return once(context, steps.at(-1) ?? source, `float of ${source.tensor}`, () =>
    emit(context, ownName(context, source, name), source.shape, { domain: F32 }, (output) => ({
      kind: "scale",
      input: source.tensor,
      output,
      steps: floatSteps(context, source, steps),
    })),
  );
}

function ownName({ tensors }: Lowering, { tensor }: Source, name: string): string {
  return tensors[tensor]!.name === name ? `${name} as float` : name;
}

/** Operations on all channels alike are done on the table. */
function decoded(
  context: Lowering,
  source: Source,
  decode: Extract<ChainStep, { kind: "decode" }>,
  after: readonly ElementStep[],
  name: string,
): Source {
  const own = after.findIndex((s) => s.kind !== "scale" || s.step.operand.length > 1);
  const shared = (own < 0 ? after : after.slice(0, own)).filter(isChainStep);
  const values = decode.values.map((v) => applyChain(shared, v, 0, Math.fround));
  const floats = once(context, shared.at(-1) ?? decode, `decoded ${source.tensor}`, () =>
    emit(context, name, source.shape, { domain: F32 }, (output) => ({
      kind: "decode",
      input: source.tensor,
      output,
      values,
    })),
  );
  return scaled(context, floats, after.slice(shared.length), name);
}

/** Steps as the `scale` instruction takes them, from what is stored. */
export function floatSteps(
  context: Lowering,
  source: Source,
  steps: readonly ElementStep[],
): readonly ScaleStep[] {
  const shift: ScaleStep[] =
    source.offset === 0 ? [] : [{ operator: "add", operand: Float32Array.of(source.offset) }];
  return [
    ...shift,
    ...steps.flatMap((step): readonly ScaleStep[] => {
      if (step.kind === "scale" || step.kind === "positional") return [step.step];
      if (step.kind === "affine") return affineSteps(context, source, step);
      throw new Error(`a ${step.kind} is no float step`);
    }),
  ];
}

/** What stored inputs stand for, in single-rounded operations, if they give the same floats. */
function affineSteps(
  context: Lowering,
  source: Source,
  step: Extract<ChainStep, { kind: "affine" }>,
): readonly ScaleStep[] {
  const { zero, numerator, denominator } = step.affine;
  const make = (operator: ScaleStep["operator"], x: number, neutral: number): ScaleStep[] =>
    x === neutral ? [] : [{ operator, operand: Float32Array.of(x) }];
  const steps = [
    ...make("subtract", zero, 0),
    ...make("multiply", numerator, 1),
    ...make("divide", denominator, 1),
  ];
  const chain = steps.map((s): ChainStep => ({ kind: "scale", step: s, node: step.node }));
  const [low, high] = rangeOf(source, 0);
  for (let x = low; x <= high; x++) {
    if (applyChain(chain, x, 0, Math.fround) === affineValue(step.affine, x)) continue;
    context.diagnostics.error(
      "lowering/input-scale",
      "the input's scale has too many digits for a layer that reads floats",
      { where: step.node, remedy: "give the scale as a fraction of small integers, e.g. 1/255" },
    );
    break;
  }
  return steps;
}

/** Elements around a map, or before and after its channels: one stored element everywhere. */
interface Border {
  readonly pads: Window["pads"];
  readonly channels: readonly [number, number];
  readonly fill: number;
}

export function padded(context: Lowering, source: Source, border: Border, name: string): Source {
  return once(context, source, `pad ${JSON.stringify(border)}`, () =>
    makePadded(context, source, border, name),
  );
}

function makePadded(
  context: Lowering,
  source: Source,
  { pads, channels, fill }: Border,
  name: string,
): Source {
  const [height, width, depth] = source.shape;
  const shape: MapShape = [
    height + pads[0] + pads[2],
    width + pads[1] + pads[3],
    depth + channels[0] + channels[1],
  ];
  const { tensor: input, shape: _, ranges, uncertainty, ...known } = source;
  const inner = (channel: number): number | undefined =>
    channel < channels[0] || channel >= channels[0] + depth ? undefined : channel - channels[0];
  const value = source.domain.kind === "codes" ? source.domain.step * fill + source.domain.offset : fill;
  const isSpatial = pads.some((n) => n > 0);
  return emit(
    context,
    name,
    shape,
    {
      ...known,
      stride: 1,
      ...(ranges === undefined
        ? {}
        : {
            ranges: Array.from({ length: shape[2] }, (_, channel): Range => {
              const from = inner(channel);
              if (from === undefined) return [value, value];
              const [low, high] = rangeOf(source, from);
              return isSpatial ? [Math.min(low, value), Math.max(high, value)] : [low, high];
            }),
          }),
      uncertainty: (channel) => {
        const from = inner(channel);
        return from === undefined ? 0 : uncertainty(from);
      },
    },
    (output) => ({ kind: "pad", input, output, pads, channels, fill }),
  );
}
