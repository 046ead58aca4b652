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
import { TraceArea, traceGroup, traceStep } from "./trace.js";
import type { MemoryPlan, Place, Plan, PlannedCall, PlannedStep, RolledGroup } from "./types.js";

const defaultCpu = findCpu("cortex-m4");

export interface PlanOptions {
  /** Core whose costs decide; the generated C runs on every core. Cortex-M4 by default. */
  readonly cpu?: Cpu;
  readonly goal?: Goal;
  /** Bytes of the arena at most: of the plans that keep it the fastest that is found. */
  readonly ramLimit?: number;
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
  const { cpu = defaultCpu, goal = "speed", kernels = allKernels, measured, ramLimit } = options;
  const candidates: RollingCandidates = {
    program,
    cpu,
    of: memoized((rows) => candidatesFor(program, kernels, cpu, measured, rows)),
  };
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
  const traced = new Map(
    groups.flatMap(({ from, to }) =>
      traceGroup(program, calls.slice(from, to + 1), cpu, area).map((trace, i) => [from + i, trace] as const),
    ),
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
    memory,
    traceBytes: area.bytes,
    weightBytes: choices.reduce((sum, c) => sum + constantBytes(c), 0),
  };
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
  if (isCallers(program, tensor, layout)) {
    return { kind: tensor === program.input.tensor ? "input" : "output" };
  }
  const buffer = memory.buffers.find(
    ({ holds, from, to }) =>
      holds.kind === "tensor" &&
      holds.tensor === tensor &&
      holds.layout === layout &&
      from <= step &&
      step <= to,
  );
  const { offset, slots } = buffer!;
  return { kind: "arena", offset, ...(slots === undefined ? {} : { slots }) };
}

function scratchPlace(memory: MemoryPlan, step: number): Place {
  const buffer = memory.buffers.find(({ holds }) => holds.kind === "scratch" && holds.step === step);
  return { kind: "arena", offset: buffer!.offset };
}
