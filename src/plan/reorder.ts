/**
 * The order of a program's instructions: where branches join, the order of the branches decides how many bytes are live.
 * Instructions that a kernel executes together stay together, so that the same kernels can be chosen in the new order.
 */
import { layoutBytes } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import { FRUGAL_SHARE } from "./goals.js";
import { leastPeakOrder } from "./order/search.js";
import { peakOf, type Unit, workOf } from "./order/units.js";
import type { Plan } from "./types.js";

/** Times that the order is looked for again with the kernels that were chosen in the last one. */
const MAX_ROUNDS = 3;

/**
 * The plan of a program in the order that needs the fewest bytes, if it executes no more instructions, but for the share that
 * RAM is worth, and has no more constants; for RAM, whatever it executes.
 *
 * @param planAgain Plans a program with the same instructions in another order.
 */
export function inBestOrder(
  given: Plan,
  isForRam: boolean,
  planAgain: (program: DeviceProgram) => Plan,
): Plan {
  let best = given;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const program = reordered(
      best.program,
      best.steps.map((s) => s.choice),
    );
    if (program === undefined) return best;
    const plan = planAgain(program);
    if (plan.memory.arenaBytes >= best.memory.arenaBytes || !(isForRam || isAsFast(plan, given))) return best;
    best = plan;
  }
  return best;
}

function isAsFast(plan: Plan, given: Plan): boolean {
  const cost = (p: Plan): number => p.steps.reduce((sum, s) => sum + s.choice.cost, 0);
  return cost(plan) <= cost(given) * (1 + FRUGAL_SHARE) && plan.weightBytes <= given.weightBytes;
}

/** The program in an order with a lower peak when it is executed by such choices; undefined where there is none. */
export function reordered(
  program: DeviceProgram,
  choices: readonly KernelChoice[],
): DeviceProgram | undefined {
  const units = unitsOf(program, choices);
  const { order, peak } = leastPeakOrder(units);
  const given = peakOf(
    workOf(units),
    units.map((_, i) => i),
  );
  if (peak >= given) return undefined;
  const groups = choices.map((c) => c.covers).filter((covers) => covers.length > 0);
  const instructions = order.flatMap((unit) => groups[unit]!.map((i) => program.instructions[i]!));
  return { ...program, instructions };
}

/** One unit for each choice that executes instructions; a change of layout is part of the work of the choice after it. */
export function unitsOf(program: DeviceProgram, choices: readonly KernelChoice[]): Unit[] {
  const units: Unit[] = [];
  const madeBy = new Map<TensorId, number>();
  let conversions = 0;
  for (const choice of choices) {
    const { covers, inputs, output, outputLayout, scratchBytes } = choice;
    const isCallers = outputLayout === "channels" && output === program.output.tensor;
    const bytes = isCallers ? 0 : layoutBytes(program.tensors[output]!, outputLayout);
    if (covers.length === 0) {
      conversions += bytes + scratchBytes;
      continue;
    }
    const read = new Set(inputs.flatMap((id) => madeBy.get(id) ?? []));
    madeBy.set(output, units.length);
    units.push({ bytes, working: scratchBytes + conversions, inputs: [...read] });
    conversions = 0;
  }
  return units;
}
