import { codeBytes } from "../kernels/code-bytes.js";
import type { Layout } from "../kernels/layout.js";
import { kernels as allKernels } from "../kernels/registry.js";
import type { Kernel, KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import { type Cpu, findCpu } from "../targets/index.js";
import { type ChosenGroup, type ChosenSteps, candidatesFor, chooseKernels, constantBytes, type Goal } from "./choose.js";
import { isCallers, lifetimes } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { scheduleGroup } from "./rolling.js";
import { TraceArea, traceGroup, traceStep } from "./trace.js";
import type { MemoryPlan, Place, Plan, PlannedCall, PlannedStep, RolledGroup } from "./types.js";

export interface PlanOptions {
  /** Core whose costs decide; the generated C runs on every core. Cortex-M4 by default. */
  readonly cpu?: Cpu;
  readonly goal?: Goal;
  /** Kernels to choose from: all of the registry by default. */
  readonly kernels?: readonly Kernel[];
  /** Measured instructions by `choiceKey`: they take the place of the kernels' estimates. */
  readonly measured?: ReadonlyMap<string, number>;
  /** The groups of steps that roll, in place of those that are found. */
  readonly groups?: (choices: readonly KernelChoice[]) => readonly ChosenGroup[];
}

/** Chooses kernels and layouts and places every tensor. Deterministic: equal programs give equal plans. */
export function planProgram(program: DeviceProgram, options: PlanOptions = {}): Plan {
  const { cpu = findCpu("cortex-m4"), goal = "speed", kernels = allKernels, measured } = options;
  const chosen = chooseKernels(program, candidatesFor(program, kernels, cpu, measured), goal, (call) =>
    codeBytes(call, cpu),
  );
  const groups = options.groups?.(chosen.choices) ?? chosen.groups;
  return planChosen(program, { ...chosen, groups }, cpu);
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
