/** From what a plan is to be good for to the choice of its kernels and groups. */
import { fail } from "../diagnostics/diagnostic.js";
import { codeBytes } from "../kernels/code-bytes.js";
import { kernels as allKernels } from "../kernels/registry.js";
import type { Kernel, KernelCall, KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, StreamShape } from "../program/index.js";
import { type Cpu, findCpu } from "../targets/index.js";
import { placeChosenInBanks } from "./banks.js";
import {
  type ChosenGroup,
  type ChosenSteps,
  candidatesFor,
  chooseKernels,
  frugalChoices,
  type Goal,
} from "./choose.js";
import type { RollingCandidates } from "./choose-within.js";
import { fastestWithin, leastRam, type Sized, sized } from "./ram.js";
import { ARENA_ALIGN } from "./types.js";
import { unlimited, type Work } from "./work.js";

export const defaultCpu = findCpu("cortex-m4");

export interface PlanOptions {
  /** Core whose costs decide; the generated C runs on every core. Cortex-M4 by default. */
  readonly cpu?: Cpu;
  readonly goal?: Goal;
  /** Bytes of the arena at most: of the plans that keep it the fastest that is found. */
  readonly ramLimit?: number;
  /** Bytes of several memories at most, in place of one arena: the first is filled first. */
  readonly banks?: readonly number[];
  /** Whether the input is given row by row, and never whole. */
  readonly pushes?: boolean;
  /** Whether its rows never end, and every output follows from the last ones. */
  readonly endless?: boolean;
  /** Kernels to choose from: all of the registry by default. */
  readonly kernels?: readonly Kernel[];
  /** Measured instructions by `choiceKey`: they take the place of the kernels' estimates. */
  readonly measured?: ReadonlyMap<string, number>;
  /** Whether all steps run once, on whole tensors. */
  readonly isWhole?: boolean;
  /** What searches within a limit of RAM may do: without an end by default. */
  readonly work?: Work;
  /** Whether no result is made twice. */
  readonly isOnce?: boolean;
  /** The groups of steps that roll, in place of those that are found. */
  readonly groups?: (choices: readonly KernelChoice[]) => readonly ChosenGroup[];
}

/** The kernels of a plan, and the groups of its steps that roll. */
export function chosenFor(program: DeviceProgram, options: PlanOptions, stream?: StreamShape): ChosenSteps {
  const candidates = rollingCandidates(program, options, stream);
  const { banks, isWhole } = options;
  return banks === undefined || isWhole
    ? chosenFrom(candidates, options)
    : chosenForBanks(candidates, options, banks);
}

/** The same in at most so many bytes of arena, whatever the options' limit; undefined where no such plan is found. */
export function chosenWithin(
  program: DeviceProgram,
  options: PlanOptions,
  bytes: number,
): ChosenSteps | undefined {
  const candidates = rollingCandidates(program, options);
  const found = fastestWithin(candidates, bytes);
  if (found === undefined) return undefined;
  return (options.goal === "ram" ? leastRam(candidates, found) : found).chosen;
}

/** Each limit has this part of the RAM of the plan before, which did not fit its banks. */
const BANKS_STEP = 0.9;

/** The fastest plan found whose buffers fit the banks, or one for which `requireBanks` says what does not fit. */
function chosenForBanks(
  candidates: RollingCandidates,
  options: PlanOptions,
  banks: readonly number[],
): ChosenSteps {
  const fits = ({ chosen }: Sized): boolean =>
    placeChosenInBanks(candidates.program, chosen, banks) !== undefined;
  const all = banks.reduce((a, b) => a + b, 0);
  const first = sized(candidates, chosenFrom(candidates, options));
  if (fits(first)) return first.chosen;
  let limit = Math.min(options.ramLimit ?? all, all, first.arenaBytes - ARENA_ALIGN);
  let last = first;
  for (;;) {
    const next = fastestWithin(candidates, limit);
    if (next === undefined) return last.chosen;
    if (fits(next)) return next.chosen;
    last = next;
    limit = Math.floor(next.arenaBytes * BANKS_STEP);
  }
}

function chosenFrom(candidates: RollingCandidates, options: PlanOptions): ChosenSteps {
  const { cpu = defaultCpu, goal = "speed", ramLimit } = options;
  if (candidates.pushes) return requirePushing(candidates, goal, ramLimit).chosen;
  const whole = chosenWhole(candidates, cpu, goal);
  if (options.isWhole) return whole;
  if (goal === "ram") return leastRam(candidates, sized(candidates, whole)).chosen;
  if (ramLimit === undefined || sized(candidates, whole).arenaBytes <= ramLimit) return whole;
  return requireWithin(candidates, ramLimit).chosen;
}

/** Part of its instructions that a plan for speed may execute more where its arena is then smaller. */
export const FRUGAL_SHARE = 1 / 1000;

function chosenWhole(candidates: RollingCandidates, cpu: Cpu, goal: Goal): ChosenSteps {
  const { program } = candidates;
  const codeOf = (call: KernelCall): number => codeBytes(call, cpu);
  if (goal !== "speed") return chooseKernels(program, candidates.of(undefined), goal, codeOf);
  const ways = frugalChoices(program, candidates.of(undefined), codeOf, FRUGAL_SHARE).map((chosen) =>
    sized(candidates, chosen),
  );
  return ways.reduce((a, b) => (b.arenaBytes < a.arenaBytes ? b : a)).chosen;
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

export function rollingCandidates(
  program: DeviceProgram,
  options: PlanOptions,
  stream?: StreamShape,
): RollingCandidates {
  const { cpu = defaultCpu, kernels = allKernels, measured, work = unlimited() } = options;
  const pushes = stream !== undefined || options.pushes === true;
  return {
    program,
    cpu,
    pushes,
    work,
    ...(stream === undefined ? {} : { stream }),
    of: memoized((rows) => candidatesFor(program, kernels, cpu, measured, rows)),
  };
}
