/** The curve of RAM against instructions: plans from the fastest to the one with the least RAM. */
import { BitloomError } from "../diagnostics/diagnostic.js";
import type { DeviceProgram } from "../program/index.js";
import { bufferAlign } from "./align.js";
import { chosenFor, defaultCpu, type PlanOptions, rollingCandidates } from "./goals.js";
import { placeChosen } from "./in-place.js";
import { planProgram } from "./plan.js";
import { fastestWithin, leastRam, type Sized, sized } from "./ram.js";
import { chooseStream } from "./stream.js";
import type { Work } from "./work.js";

/** A plan on the curve of RAM against instructions. */
export interface CurvePoint {
  readonly arenaBytes: number;
  /** The most bytes that are live at a time, and whether no places of the same buffers need fewer than `arenaBytes`. */
  readonly lowerBound: number;
  readonly proven: boolean;
  /** Estimated, of a whole run. */
  readonly instructions: number;
  /** Steps that roll. */
  readonly rolledSteps: number;
}

export interface PlanCurve {
  /** Each the fastest that is found within less RAM than the one before. */
  readonly points: readonly CurvePoint[];
  /** Whether the search came to its end; otherwise there may be plans between these, and smaller ones. */
  readonly isWhole: boolean;
}

/** Work for a curve: ten or twenty seconds. */
const CURVE_WORK = 8_000_000;

/** Each point of a curve has this part of the RAM of the one before, at most; of a coarse one the other. */
const CURVE_STEP = 0.85;
const COARSE_STEP = 0.5;

/** What a curve is made from. */
interface Plans {
  readonly fastest: Sized;
  /** The fastest plan within so many bytes. */
  readonly within: (limit: number) => Sized | undefined;
  /** The smallest plan, no larger than one that is known. */
  readonly least: (known: Sized) => Sized;
}

/** The curve that so much work finds: the same on every machine. */
export function planCurve(
  program: DeviceProgram,
  options: PlanOptions = {},
  most: number = CURVE_WORK,
): PlanCurve {
  const work = { left: most };
  const plans = options.endless ? streamPlans(program, options, work) : finitePlans(program, options, work);
  return { points: curveOf(plans).map(pointOf), isWhole: work.left > 0 };
}

function finitePlans(program: DeviceProgram, options: PlanOptions, work: Work): Plans {
  const candidates = rollingCandidates(program, { ...options, work });
  return {
    fastest: sized(candidates, chosenFor(program, { ...options, goal: "speed" })),
    within: (limit) => fastestWithin(candidates, limit),
    least: (known) => leastRam(candidates, known),
  };
}

/** All steps of a stream roll: plans differ by their kernels. */
function streamPlans(program: DeviceProgram, options: PlanOptions, work: Work): Plans {
  const choose = (more: PlanOptions): Sized => {
    const { chosen, stream } = chooseStream(program, { ...options, goal: "speed", ...more });
    const align = bufferAlign(options.cpu ?? defaultCpu);
    const { arenaBytes, lowerBound, proven } = placeChosen(stream.program, chosen, align);
    return { chosen, arenaBytes, lowerBound, proven };
  };
  return {
    fastest: choose({}),
    within: (ramLimit) => found(() => choose({ ramLimit, work })),
    least: (known) => found(() => choose({ goal: "ram", work })) ?? known,
  };
}

/** Undefined where no plan keeps a limit. */
function found<T>(choose: () => T): T | undefined {
  try {
    return choose();
  } catch (error) {
    if (error instanceof BitloomError) return undefined;
    throw error;
  }
}

/** A coarse curve first, so that a search that ends early has seen as much of the range as it could; then what is between. */
function curveOf(plans: Plans): Sized[] {
  const coarse = [plans.fastest, ...downTo(plans, plans.fastest, 0, COARSE_STEP)];
  const smallest = coarse.at(-1)!;
  const least = plans.least(smallest);
  if (least.arenaBytes < smallest.arenaBytes) coarse.push(least);
  const all = coarse.flatMap((plan, i) => {
    const next = coarse[i + 1]?.arenaBytes ?? plan.arenaBytes;
    return [plan, ...downTo(plans, plan, next, CURVE_STEP)];
  });
  return all.filter((plan, i) => !all.some((other, j) => isBetter(other, j, plan, i)));
}

/** Plans of more than `least` bytes, each within a part of the RAM of the one before. */
function downTo({ within }: Plans, from: Sized, least: number, part: number): Sized[] {
  const found: Sized[] = [];
  for (let last = from; ; last = found.at(-1)!) {
    const limit = Math.floor(last.arenaBytes * part);
    const next = limit > least ? within(limit) : undefined;
    if (next === undefined || next.arenaBytes <= least) return found;
    found.push(next);
  }
}

/** Whether a plan needs no more RAM and executes no more than another; of equal ones the first is. */
function isBetter(a: Sized, i: number, b: Sized, j: number): boolean {
  const [x, y] = [instructionsOf(a), instructionsOf(b)];
  if (a.arenaBytes > b.arenaBytes || x > y) return false;
  return a.arenaBytes < b.arenaBytes || x < y || i < j;
}

function pointOf(plan: Sized): CurvePoint {
  const { arenaBytes, lowerBound, proven, chosen } = plan;
  const rolledSteps = chosen.groups.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  return { arenaBytes, lowerBound, proven, instructions: instructionsOf(plan), rolledSteps };
}

function instructionsOf({ chosen }: Sized): number {
  return Math.round(chosen.choices.reduce((sum, c) => sum + c.cost, 0));
}

/**
 * The curve of a program of which some instructions are done again: plans that make everything once, and those of still less RAM
 * that do not.
 *
 * @param once The program without what is done again.
 */
export function curveWithRepeats(
  program: DeviceProgram,
  once: DeviceProgram,
  options: PlanOptions = {},
): PlanCurve {
  const ordered = planProgram(once, { ...options, isWhole: true, isOnce: true, pushes: false }).program;
  const [curve, more] = [ordered, program].map((p) => planCurve(p, options, CURVE_WORK / 2)) as [
    PlanCurve,
    PlanCurve,
  ];
  const least = curve.points.at(-1)!.arenaBytes;
  return {
    points: [...curve.points, ...more.points.filter(({ arenaBytes }) => arenaBytes < least)],
    isWhole: curve.isWhole && more.isWhole,
  };
}
