/** Sums and means over channels, or over everything: on integers where they stand for the value, else on floats in order. */
import type { GraphNode, GraphOp } from "../graph/types.js";
import type { ChainStep } from "./chain.js";
import { canSumIntegers } from "./lower-pool.js";
import type { Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { arranged } from "./select.js";
import { type Settled, settle } from "./settle.js";
import { emit, F32, I32, scaled, widened } from "./sources.js";
import { count, type Range, type Source, type Value, type View } from "./values.js";
import { isPermutation, mapView } from "./views.js";

type Reduce = Extract<GraphOp, { kind: "reduce" }>;

/** Sums beyond it are floats. */
const LARGEST_SUM = 2 ** 30;

export function lowerReduce(
  context: Lowering,
  node: GraphNode,
  { operator, axes }: Reduce,
  value: Value,
): Value | undefined {
  const { shape } = context.graph.values.get(node.output)!;
  const long = value.view.shape.flatMap((n, axis) => (n > 1 ? [axis] : []));
  const reduced = long.filter((axis) => axes.includes(axis));
  if (reduced.length === 0) return { ...value, view: { ...value.view, shape } };
  const settled = settle(context, value);
  if (settled === undefined) return undefined;
  if (reduced.length === long.length) {
    const whole = wholeTensor(context, node, settled);
    if (whole === undefined) return reportLayout(context, node, value.view.shape);
    return summed(context, node, operator, whole, "all", { shape, map: Int32Array.of(0) });
  }
  const [axis] = reduced as [number];
  const map = reduced.length === 1 ? arranged(context, settled, axis, `${node.name} selection`) : undefined;
  if (map !== undefined) return summed(context, node, operator, map, "channels", mapView(shape, axis));
  context.diagnostics.error(
    "lowering/reduce",
    `takes the ${operator} over ${reduced.length === 1 ? "axis" : "axes"} ${reduced.join(", ")}, which are not the channels of a map`,
    {
      where: node.name,
      remedy: "reduce over the channels, over height and width (an average pool), or over all",
    },
  );
  return undefined;
}

/** A tensor that holds the value's elements and no others. */
function wholeTensor(context: Lowering, node: GraphNode, settled: Settled): Settled | undefined {
  if (isPermutation(settled.view.map, count(settled.shape))) return settled;
  for (const axis of [1, settled.view.shape.length - 1]) {
    const map = arranged(context, settled, axis, `${node.name} selection`);
    if (map !== undefined) return map;
  }
  return undefined;
}

function summed(
  context: Lowering,
  node: GraphNode,
  operator: Reduce["operator"],
  { source: from, steps: waiting, shape }: Settled & Pick<Value, "steps">,
  over: "channels" | "all",
  view: View,
): Value {
  const terms = over === "all" ? count(shape) : shape[2];
  const onIntegers = integerSum(from, waiting, terms);
  const source =
    onIntegers === undefined
      ? scaled(context, from, waiting, waiting.at(-1)?.node ?? `${node.name} input`)
      : widened(context, from);
  const division: ChainStep = {
    kind: "scale",
    step: { operator: "divide", operand: Float32Array.of(terms) },
    node: node.name,
  };
  const result = emit(
    context,
    operator === "mean" ? `${node.name} sum` : node.name,
    over === "all" ? [1, 1, 1] : [shape[0], shape[1], 1],
    onIntegers ?? { domain: F32 },
    (output) => ({ kind: "reduce", over, input: source.tensor, output }),
  );
  const steps = onIntegers === undefined ? [] : waiting;
  return {
    source: result,
    steps: operator === "mean" ? [...steps, division] : steps,
    shape: result.shape,
    view,
  };
}

/** What is known of the exact sum, if the steps are the same factors for all that is added. */
function integerSum(
  source: Source,
  steps: readonly ChainStep[],
  terms: number,
): (Pick<Source, "domain"> & Partial<Source>) | undefined {
  const isUniform = steps.every((s) => s.kind !== "scale" || s.step.operand.length <= 1);
  if (!isUniform || !canSumIntegers({ source, steps }, [terms, terms])) return undefined;
  const low = Math.min(...source.ranges!.map((r) => r[0])) * terms;
  const high = Math.max(...source.ranges!.map((r) => r[1])) * terms;
  if (low <= -LARGEST_SUM || high >= LARGEST_SUM) return undefined;
  const ranges: readonly Range[] = [[low, high]];
  const uncertain = Math.max(...source.ranges!.map((_, channel) => source.uncertainty(channel)));
  return { domain: I32, ranges, offset: source.offset * terms, uncertainty: () => uncertain * terms };
}
