/** From what a plan is to be good for to the choice of its kernels and groups. */
import { fail } from "../diagnostics/diagnostic.js";
import { codeBytes } from "../kernels/code-bytes.js";
import { kernels as allKernels } from "../kernels/registry.js";
import type { Kernel, KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, StreamShape } from "../program/index.js";
import { type Cpu, findCpu } from "../targets/index.js";
import { type ChosenGroup, type ChosenSteps, candidatesFor, chooseKernels, type Goal } from "./choose.js";
import type { RollingCandidates } from "./choose-within.js";
import { fastestWithin, leastRam, ramCurve, type Sized, sized } from "./ram.js";

export const defaultCpu = findCpu("cortex-m4");

export interface PlanOptions {
  /** Core whose costs decide; the generated C runs on every core. Cortex-M4 by default. */
  readonly cpu?: Cpu;
  readonly goal?: Goal;
  /** Bytes of the arena at most: of the plans that keep it the fastest that is found. */
  readonly ramLimit?: number;
  /** Whether the input is given row by row, and never whole. */
  readonly pushes?: boolean;
  /** Whether its rows never end, and every output follows from the last ones. */
  readonly streams?: boolean;
  /** Kernels to choose from: all of the registry by default. */
  readonly kernels?: readonly Kernel[];
  /** Measured instructions by `choiceKey`: they take the place of the kernels' estimates. */
  readonly measured?: ReadonlyMap<string, number>;
  /** The groups of steps that roll, in place of those that are found. */
  readonly groups?: (choices: readonly KernelChoice[]) => readonly ChosenGroup[];
}

/** The kernels of a plan, and the groups of its steps that roll. */
export function chosenFor(program: DeviceProgram, options: PlanOptions, stream?: StreamShape): ChosenSteps {
  const { cpu = defaultCpu, goal = "speed", ramLimit } = options;
  const candidates = rollingCandidates(program, options, stream);
  if (candidates.pushes) return requirePushing(candidates, goal, ramLimit).chosen;
  const whole = chooseKernels(program, candidates.of(undefined), goal, (call) => codeBytes(call, cpu));
  if (goal === "ram") return leastRam(candidates, sized(candidates, whole)).chosen;
  if (ramLimit === undefined || sized(candidates, whole).arenaBytes <= ramLimit) return whole;
  return requireWithin(candidates, ramLimit).chosen;
}

function requireWithin(candidates: RollingCandidates, ramLimit: number): Sized {
  const found = fastestWithin(candidates, ramLimit);
  if (found !== undefined) return found;
  throw fail("plan/ram-limit", `no plan was found that needs at most ${ramLimit} bytes of arena`, {
    remedy: "`--optimize ram` shows the least",
  });
}

function requirePushing(candidates: RollingCandidates, goal: Goal, ramLimit?: number): Sized {
  const fastest = fastestWithin(candidates, ramLimit ?? Number.MAX_SAFE_INTEGER);
  if (fastest !== undefined) return goal === "ram" ? leastRam(candidates, fastest) : fastest;
  if (ramLimit !== undefined && fastestWithin(candidates, Number.MAX_SAFE_INTEGER) !== undefined)
    return requireWithin(candidates, ramLimit);
  throw fail("plan/no-rows", "the input of this model cannot be given row by row", {
    remedy: "its first layers read all rows at once: compile it without --push rows",
  });
}

function memoized<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    return value;
  };
}

/** A plan on the curve of RAM against instructions. */
export interface CurvePoint {
  readonly arenaBytes: number;
  /** Estimated, of a whole run. */
  readonly instructions: number;
  /** Steps that roll. */
  readonly rolledSteps: number;
}

/** Plans from the fastest to the one of the least RAM that are found. */
export function planCurve(program: DeviceProgram, options: PlanOptions = {}): CurvePoint[] {
  const candidates = rollingCandidates(program, options);
  const fastest = sized(candidates, chosenFor(program, { ...options, goal: "speed" }));
  return ramCurve(candidates, fastest).map(({ arenaBytes, chosen: { choices, groups } }) => ({
    arenaBytes,
    instructions: Math.round(choices.reduce((sum, c) => sum + c.cost, 0)),
    rolledSteps: groups.reduce((sum, { from, to }) => sum + to - from + 1, 0),
  }));
}

function rollingCandidates(
  program: DeviceProgram,
  options: PlanOptions,
  stream?: StreamShape,
): RollingCandidates {
  const { cpu = defaultCpu, kernels = allKernels, measured } = options;
  const pushes = stream !== undefined || options.pushes === true;
  return {
    program,
    cpu,
    pushes,
    ...(stream === undefined ? {} : { stream }),
    of: memoized((rows) => candidatesFor(program, kernels, cpu, measured, rows)),
  };
}
