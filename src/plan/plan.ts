import { BitloomError } from "../diagnostics/diagnostic.js";
import type { Layout } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import { canonicalSize, type DeviceProgram, type TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import { bufferAlign } from "./align.js";
import { requireBanks } from "./banks.js";
import { type ChosenSteps, constantBytes } from "./choose.js";
import { chosenFor, chosenWithin, defaultCpu, type PlanOptions } from "./goals.js";
import { placeChosen } from "./in-place.js";
import { isCallers } from "./lifetimes.js";
import { type PlanWithin, withRecomputing } from "./recompute.js";
import { inBestOrder } from "./reorder.js";
import { scheduleGroup } from "./rolling.js";
import { chooseStream } from "./stream.js";
import { TraceArea, traceGroup, traceInput, traceStep } from "./trace.js";
import {
  ARENA_ALIGN,
  type MemoryPlan,
  type Place,
  type Plan,
  type PlannedCall,
  type PlannedStep,
  type PlannedStream,
  type PushedRows,
  type RolledGroup,
} from "./types.js";

/**
 * Chooses kernels and layouts, the order of execution, what is made twice, and a place for every tensor. The plan's program
 * has the instructions in its order. Deterministic: equal programs give equal plans.
 */
export function planProgram(program: DeviceProgram, options: PlanOptions = {}): Plan {
  if (options.endless) return planStream(program, options);
  const { goal = "speed", isWhole, isOnce, ramLimit, banks, pushes } = options;
  const mayRoll =
    !isWhole && (goal === "ram" || ramLimit !== undefined || banks !== undefined || pushes === true);
  // Rings are small in any order: the order is that of whole tensors.
  const whole = mayRoll ? { ...options, isWhole: true, pushes: false } : options;
  const again = (other: DeviceProgram): Plan => planInOrder(other, whole);
  const inOrder = (other: DeviceProgram): Plan => inBestOrder(again(other), goal === "ram", again);
  const best = inOrder(program);
  const orderedWithin: PlanWithin = (other, bytes) => {
    const plan = inOrder(other);
    return plan.memory.arenaBytes <= bytes ? plan : undefined;
  };
  if (!mayRoll) return isOnce ? best : withRecomputing(best, goal, orderedWithin);
  const rolled = (): Plan => planInOrder(best.program, options);
  if (isOnce || banks !== undefined) return rolled();
  const least = (enough?: number): Plan => leastRolled(best, orderedWithin, options, enough);
  if (goal === "ram") return least();
  return ramLimit === undefined ? rolled() : withinLimit(ramLimit, rolled, least);
}

/** The plan of the least RAM that is found, or one that has enough with it. */
function leastRolled(whole: Plan, orderedWithin: PlanWithin, options: PlanOptions, enough?: number): Plan {
  const { cpu = defaultCpu } = options;
  const forRam: PlanOptions = { ...options, goal: "ram" };
  const rolledWithin: PlanWithin = (program, bytes) => {
    const chosen = chosenWithin(program, forRam, bytes);
    return chosen && planChosen(program, chosen, cpu);
  };
  // What whole tensors need less for, rings may too, and their own fullest time does not show it.
  const again = withRecomputing(whole, "ram", orderedWithin);
  return withRecomputing(planInOrder(whole.program, forRam), "ram", rolledWithin, {
    first: again === whole ? [] : [again.program],
    ...(enough === undefined ? {} : { enough }),
  });
}

/** The fastest plan within a limit; where there is none that makes everything once, one that makes something twice. */
function withinLimit(limit: number, fastest: () => Plan, least: (enough: number) => Plan): Plan {
  try {
    return fastest();
  } catch (error) {
    if (!(error instanceof BitloomError) || error.diagnostics[0]?.code !== "plan/ram-limit") throw error;
    const plan = least(limit);
    if (plan.memory.arenaBytes > limit) throw error;
    return plan;
  }
}

function planInOrder(program: DeviceProgram, options: PlanOptions): Plan {
  const { cpu = defaultCpu, banks } = options;
  const chosen = chosenFor(program, options);
  const groups = options.groups?.(chosen.choices) ?? chosen.groups;
  return planChosen(
    program,
    { ...chosen, groups },
    cpu,
    options.isWhole || banks === undefined ? {} : { banks },
  );
}

/** Its rings are small in any order, and there is nothing but rings: the order is the given one. */
function planStream(program: DeviceProgram, options: PlanOptions): Plan {
  const { cpu = defaultCpu, banks } = options;
  const { chosen, stream } = chooseStream(program, options);
  return planChosen(program, chosen, cpu, { stream, ...(banks === undefined ? {} : { banks }) });
}

interface Chosen {
  /** Memories in place of one arena. */
  readonly banks?: readonly number[];
  /** Of an input without end: the steps are chosen for its long program. */
  readonly stream?: PlannedStream;
}

/** The plan of kernels that are chosen already. Throws `plan/banks` where they do not fit the `banks` given. */
export function planChosen(
  program: DeviceProgram,
  chosen: ChosenSteps,
  cpu: Cpu,
  { banks, stream }: Chosen = {},
): Plan {
  const { choices, groups } = chosen;
  const planned = stream?.program ?? program;
  const align = bufferAlign(cpu);
  const memory =
    banks === undefined ? placeChosen(planned, chosen, align) : requireBanks(planned, chosen, banks);
  const calls = choices.map((choice, step) => plannedCall(program, memory, choice, step));
  const schedules = groups.map((group) => ({ group, ...scheduleGroup(planned, choices, group) }));
  const area = new TraceArea(Math.ceil(memory.arenaBytes / ARENA_ALIGN) * ARENA_ALIGN);
  const push = chosen.pushes ? pushedRows(program, memory, area, stream) : undefined;
  const traced = new Map(
    groups.flatMap(({ from, to }) => {
      const group = calls.slice(from, to + 1);
      const given = stream === undefined ? (from === 0 ? push : undefined) : WHOLE_WINDOW;
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
      return { from, to, clock: { tensor: clock, rows: planned.tensors[clock]!.shape[0], band }, ticks };
    }),
    ...(push === undefined ? {} : { push }),
    ...(stream === undefined ? {} : { stream: { ...stream, spare: spareOutput(program, area) } }),
    memory,
    traceBytes: area.end - memory.arenaBytes,
    weightBytes: choices.reduce((sum, c) => sum + constantBytes(c), 0),
  };
}

/** What traces of a stream read: the caller's window, of which all is there when they are made. */
const WHOLE_WINDOW: PushedRows = { place: { kind: "input" } };

function spareOutput(program: DeviceProgram, area: TraceArea): Place {
  return area.take(canonicalSize(program.tensors[program.output.tensor]!));
}

/** Where rows of the input are put. In a trace build all of them are kept, unless they never end. */
function pushedRows(
  program: DeviceProgram,
  memory: MemoryPlan,
  area: TraceArea,
  stream?: PlannedStream,
): PushedRows {
  const { tensor } = program.input;
  const place = placeOf(program, memory, tensor, "channels", 0);
  if (stream !== undefined) return { place };
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
