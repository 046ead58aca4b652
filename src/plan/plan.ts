import { fail } from "../diagnostics/diagnostic.js";
import { codeBytes } from "../kernels/code-bytes.js";
import type { Layout } from "../kernels/layout.js";
import { kernels as allKernels } from "../kernels/registry.js";
import type { Kernel, KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import { type Cpu, findCpu } from "../targets/index.js";
import {
  type ChosenGroup,
  type ChosenSteps,
  candidatesFor,
  chooseKernels,
  constantBytes,
  type Goal,
} from "./choose.js";
import type { RollingCandidates } from "./choose-within.js";
import { isCallers, lifetimes } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { fastestWithin, leastRam, type Sized, sized } from "./ram.js";
import { scheduleGroup } from "./rolling.js";
import { TraceArea, traceGroup, traceInput, traceStep } from "./trace.js";
import type { MemoryPlan, Place, Plan, PlannedCall, PlannedStep, PushedRows, RolledGroup } from "./types.js";

const defaultCpu = findCpu("cortex-m4");

export interface PlanOptions {
  /** Core whose costs decide; the generated C runs on every core. Cortex-M4 by default. */
  readonly cpu?: Cpu;
  readonly goal?: Goal;
  /** Bytes of the arena at most: of the plans that keep it the fastest that is found. */
  readonly ramLimit?: number;
  /** Whether the input is given row by row, and never whole. */
  readonly pushes?: boolean;
  /** Kernels to choose from: all of the registry by default. */
  readonly kernels?: readonly Kernel[];
  /** Measured instructions by `choiceKey`: they take the place of the kernels' estimates. */
  readonly measured?: ReadonlyMap<string, number>;
  /** The groups of steps that roll, in place of those that are found. */
  readonly groups?: (choices: readonly KernelChoice[]) => readonly ChosenGroup[];
}

/** Chooses kernels and layouts and places every tensor. Deterministic: equal programs give equal plans. */
export function planProgram(program: DeviceProgram, options: PlanOptions = {}): Plan {
  const { cpu = defaultCpu } = options;
  const chosen = chosenFor(program, options);
  const groups = options.groups?.(chosen.choices) ?? chosen.groups;
  return planChosen(program, { ...chosen, groups }, cpu);
}

function chosenFor(program: DeviceProgram, options: PlanOptions): ChosenSteps {
  const {
    cpu = defaultCpu,
    goal = "speed",
    kernels = allKernels,
    measured,
    ramLimit,
    pushes = false,
  } = options;
  const candidates: RollingCandidates = {
    program,
    cpu,
    pushes,
    of: memoized((rows) => candidatesFor(program, kernels, cpu, measured, rows)),
  };
  if (pushes) return requirePushing(candidates, goal, ramLimit).chosen;
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

/** The plan of kernels that are chosen already. */
export function planChosen(program: DeviceProgram, chosen: ChosenSteps, cpu: Cpu): Plan {
  const { choices, groups } = chosen;
  const memory = placeBuffers(lifetimes(program, chosen));
  const calls = choices.map((choice, step) => plannedCall(program, memory, choice, step));
  const schedules = groups.map((group) => ({ group, ...scheduleGroup(program, choices, group) }));
  const area = new TraceArea(memory.arenaBytes);
  const push = chosen.pushes ? pushedRows(program, memory, area) : undefined;
  const traced = new Map(
    groups.flatMap(({ from, to }) => {
      const group = calls.slice(from, to + 1);
      const given = from === 0 ? push : undefined;
      return traceGroup(program, group, cpu, area, given).map((trace, i) => [from + i, trace] as const);
    }),
  );
  const steps = calls.map((call, step): PlannedStep => {
    const rolled = schedules.find(({ rows }) => rows.has(step))?.rows.get(step);
    const trace = traced.get(step) ?? traceStep(program, call, cpu, area);
    return { ...call, trace, ...(rolled === undefined ? {} : { rolled }) };
  });
  return {
    program,
    steps,
    groups: schedules.map(({ group: { from, to, clock, band }, ticks }): RolledGroup => {
      return { from, to, clock: { tensor: clock, rows: program.tensors[clock]!.shape[0], band }, ticks };
    }),
    ...(push === undefined ? {} : { push }),
    memory,
    traceBytes: area.bytes,
    weightBytes: choices.reduce((sum, c) => sum + constantBytes(c), 0),
  };
}

/** Where rows of the input are put. In a trace build all of them are kept. */
function pushedRows(program: DeviceProgram, memory: MemoryPlan, area: TraceArea): PushedRows {
  const { tensor } = program.input;
  const place = placeOf(program, memory, tensor, "channels", 0);
  return { place, ...traceInput(program, place, area) };
}

function plannedCall(
  program: DeviceProgram,
  memory: MemoryPlan,
  choice: KernelChoice,
  step: number,
): PlannedCall {
  return {
    choice,
    symbol: `layer${step}_${choice.kernel}`,
    inputs: choice.inputs.map((id, i) => placeOf(program, memory, id, choice.inputLayouts[i]!, step)),
    output: placeOf(program, memory, choice.output, choice.outputLayout, step),
    ...(choice.scratchBytes === 0 ? {} : { scratch: scratchPlace(memory, step) }),
  };
}

function placeOf(
  program: DeviceProgram,
  memory: MemoryPlan,
  tensor: TensorId,
  layout: Layout,
  step: number,
): Place {
  const buffer = memory.buffers.find(
    ({ holds, from, to }) =>
      holds.kind === "tensor" &&
      holds.tensor === tensor &&
      holds.layout === layout &&
      from <= step &&
      step <= to,
  );
  if (buffer === undefined && isCallers(program, tensor, layout)) {
    return { kind: tensor === program.input.tensor ? "input" : "output" };
  }
  const { offset, slots } = buffer!;
  return { kind: "arena", offset, ...(slots === undefined ? {} : { slots }) };
}

function scratchPlace(memory: MemoryPlan, step: number): Place {
  const buffer = memory.buffers.find(({ holds }) => holds.kind === "scratch" && holds.step === step);
  return { kind: "arena", offset: buffer!.offset };
}
