import type { Layout } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import { canonicalSize, type DeviceProgram, type TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import { bufferAlign } from "./align.js";
import { requireBanks } from "./banks.js";
import { type ChosenSteps, constantBytes } from "./choose.js";
import { chosenFor, defaultCpu, type PlanOptions } from "./goals.js";
import { placeChosen } from "./in-place.js";
import { isCallers } from "./lifetimes.js";
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
 * Chooses kernels and layouts, the order of execution, and a place for every tensor. The plan's program has the
 * instructions in its order. Deterministic: equal programs give equal plans.
 */
export function planProgram(program: DeviceProgram, options: PlanOptions = {}): Plan {
  if (options.endless) return planStream(program, options);
  const mayRoll =
    options.goal === "ram" ||
    options.ramLimit !== undefined ||
    options.banks !== undefined ||
    options.pushes === true;
  // Rings are small in any order: the order is that of whole tensors.
  const whole = mayRoll ? { ...options, isWhole: true, pushes: false } : options;
  const again = (other: DeviceProgram): Plan => planInOrder(other, whole);
  const best = inBestOrder(again(program), options.goal === "ram", again);
  return mayRoll ? planInOrder(best.program, options) : best;
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
