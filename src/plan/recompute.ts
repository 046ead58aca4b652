/**
 * Results that are made twice: what is kept over the fullest time only for a late reader can be given up and made again
 * right before it, from what is there then in any case. That is above all the caller's input, which takes no RAM.
 */
import { type DeviceProgram, type Instruction, type TensorId, withInputs } from "../program/index.js";
import type { Goal } from "./choose.js";
import { type Repeat, repeatsOf } from "./repeats.js";
import type { Plan } from "./types.js";

/**
 * Executed instructions and bytes of constants, at most so many times those of a plan that makes everything once. What is
 * made twice has its constants twice, so it is nothing for size.
 */
const MOST: Readonly<Record<Goal, number>> = { speed: 1.01, size: 1, ram: 1.5 };

/** What each repeat saves at least, as a part of the arena. */
const LEAST_SAVED = 1 / 64;

/** Programs that are planned to see what they save: fewer of many instructions, so that planning takes seconds. */
const mostTries = ({ instructions }: DeviceProgram): number =>
  Math.max(3, Math.min(8, Math.floor(400 / instructions.length)));

const AGAIN = " (again)";

/** Plans a program in at most so many bytes of arena; undefined where no such plan is found. */
export type PlanWithin = (program: DeviceProgram, bytes: number) => Plan | undefined;

/** What is tried before what the given plan shows, and an arena that needs not get smaller. */
interface Wanted {
  readonly first?: readonly DeviceProgram[];
  readonly enough?: number;
}

/** A plan with a smaller arena that makes results again, as far as that is worth it; the given one where none is found. */
export function withRecomputing(
  given: Plan,
  goal: Goal,
  planWithin: PlanWithin,
  { first = [], enough = 0 }: Wanted = {},
): Plan {
  const room = (plan: Plan): number => MOST[goal] * costOf(given) - costOf(plan);
  const programsAfter = (plan: Plan): DeviceProgram[] =>
    repeatsOf(plan, room(plan)).map((repeat) => withRepeat(plan, repeat));
  let best = given;
  let programs = [...first, ...programsAfter(given)];
  for (let tries = mostTries(given.program); tries > 0 && best.memory.arenaBytes > enough; tries--) {
    const program = programs.shift();
    if (program === undefined) break;
    const plan = planWithin(program, Math.floor(best.memory.arenaBytes * (1 - LEAST_SAVED)));
    if (plan === undefined || room(plan) < 0 || plan.weightBytes > MOST[goal] * given.weightBytes) continue;
    best = plan;
    programs = programsAfter(plan);
  }
  return best;
}

function costOf({ steps }: Plan): number {
  return steps.reduce((sum, { choice }) => sum + choice.cost, 0);
}

/** The plan's program with the instructions of some steps once more, and new tensors for what they make then. */
export function withRepeat({ program, steps }: Plan, repeat: Repeat): DeviceProgram {
  const tensors = [...program.tensors];
  const again = new Map<TensorId, TensorId>();
  const read = (instruction: Instruction): Instruction =>
    withInputs(instruction, (id) => again.get(id) ?? id);
  const repeated = repeat.steps
    .flatMap((step) => steps[step]!.choice.covers)
    .map((index): Instruction => {
      const instruction = read(program.instructions[index]!);
      const { name, ...tensor } = program.tensors[instruction.output]!;
      const output = tensors.push({ ...tensor, name: name.endsWith(AGAIN) ? name : name + AGAIN }) - 1;
      again.set(instruction.output, output);
      return { ...instruction, output };
    });
  const at = steps[repeat.before]!.choice.covers[0]!;
  const later = program.instructions.slice(at).map(read);
  return { ...program, tensors, instructions: [...program.instructions.slice(0, at), ...repeated, ...later] };
}
