/** The schedule as templates show it: layers that run once, and groups of layers that run row by row. */

import type { Plan, PlannedRows, PlannedWait, RolledGroup } from "../plan/index.js";
import type { ArenaView } from "./arenas.js";

interface Layer {
  readonly canFail: boolean;
  readonly inputs: readonly { readonly place: string }[];
  readonly output: { readonly place: string };
  readonly scratch: string;
  readonly index: number;
}

/** The parts of a plan in order. `layers` are the views of all its steps, `arenas` those of its working memory. */
export function partsOf<L extends Layer>(
  plan: Plan,
  name: string,
  layers: readonly L[],
  arenas: readonly ArenaView[],
) {
  const parts: ({ layer: L; group: false } | { layer: false; group: GroupView<L> })[] = [];
  for (let step = 0; step < layers.length; step++) {
    const group = plan.groups.find((g) => g.from === step);
    if (group === undefined) parts.push({ layer: layers[step]!, group: false });
    else {
      parts.push({
        layer: false,
        group: groupView(plan, group, name, layers.slice(step, group.to + 1), arenas),
      });
      step = group.to;
    }
  }
  return parts;
}

export type GroupView<L extends Layer> = ReturnType<typeof groupView<L>>;

/** The function that lets a group of steps go on. */
export function groupSymbol(name: string, from: number): string {
  return `${name}_rows${from}`;
}

function groupView<L extends Layer>(
  plan: Plan,
  group: RolledGroup,
  name: string,
  layers: readonly L[],
  arenas: readonly ArenaView[],
) {
  const { from, to, clock, ticks } = group;
  const places = layers.flatMap(({ inputs, output, scratch }) => [
    ...[...inputs, output].map(({ place }) => place),
    scratch,
  ]);
  return {
    symbol: groupSymbol(name, from),
    /** Whether its clock counts the rows that the caller gives. */
    isPushed: plan.push !== undefined && from === 0,
    first: from,
    last: to,
    ticks,
    /** Rows of the clock and of every layer. */
    counters: layers.length + 1,
    clockRows: clock.rows,
    band: clock.band,
    canFail: layers.some((l) => l.canFail),
    arenas: arenas.map(({ variable }) => ({
      variable,
      isUsed: places.some((place) => place.startsWith(`${variable} `)),
    })),
    usesInput: places.includes("input"),
    usesOutput: places.includes("output"),
    layers: layers.map((layer, i) => ({
      ...layer,
      counter: i + 1,
      /** Of a stream: rows that traces keep. */
      windowRows:
        plan.stream === undefined ? 0 : plan.program.tensors[plan.steps[from + i]!.choice.output]!.shape[0],
      ...conditions(plan.steps[from + i]!.rolled!, from),
    })),
  };
}

/** When the row `next` of a layer can be computed, as C. */
function conditions({ rows, limit, waits }: PlannedRows, from: number): { rows: number; condition: string } {
  return {
    rows,
    condition: [`next - done < ${limit}U`, ...waits.map((w) => waitText(w, from))].join(" && "),
  };
}

function waitText({ on, need, rows }: PlannedWait, from: number): string {
  const have = `rows[${on === "clock" ? 0 : on - from + 1}]`;
  if (need === "all") return `${have} == ${rows}U`;
  const [span, pad] = need.pad < 0 ? [need.span - need.pad, 0] : [need.span, need.pad];
  return `bitloom_row_is_ready(next, ${have}, ${rows}U, ${span}U, ${need.stride}U, ${pad}U)`;
}
