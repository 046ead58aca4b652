/** What the HTML report shows of a compiled model: the one place where its data is derived from a plan. */
import { type CompiledModel, version } from "./compile.js";
import { originText } from "./graph/index.js";
import {
  ARENA_ALIGN,
  besideOthers,
  type CurvePoint,
  constantBytes,
  type Goal,
  type PlacedBuffer,
  type Plan,
  type PlanCurve,
  type PlannedStep,
  type PlannedStream,
  streamLoad,
} from "./plan/index.js";
import type { Profile } from "./profile.js";
import { canonicalSize, type DeviceProgram, domainText, macsOf, type TensorId } from "./program/index.js";
import type {
  CallersBuffer,
  PlanReport,
  ReportedBuffer,
  CurvePoint as ReportedPoint,
  ReportedRun,
  ReportedStep,
  ReportedStream,
} from "./report/html/data.js";
import type { Board, Cpu } from "./targets/index.js";

/** Bytes of `name_context` on a 32-bit core: the pointer to the arena (templates/library/model.h.hbs). */
const CONTEXT_BYTES = 4;

export interface PlanReportOptions {
  /** The core and the goal that the model was compiled with. */
  readonly cpu: Cpu;
  readonly goal: Goal;
  readonly board?: Board | undefined;
  /** Other plans for the same program. */
  readonly curve?: PlanCurve | undefined;
  /** What the model's library executed, where it was run. */
  readonly profile?: Profile | undefined;
}

/** The data of a report; equal models give equal data. */
export function planReport(model: CompiledModel, options: PlanReportOptions): PlanReport {
  const { cpu, goal, board, profile, curve } = options;
  const { plan, program, library, graph } = model;
  const { arenaBytes, lowerBound, buffers } = plan.memory;
  const { input, output } = program;
  return {
    model: library.name,
    source: originText(graph.origin),
    modelCrc: library.modelCrc,
    version,
    core: cpu.name,
    goal,
    input: { ...callersBuffer(program, input.tensor, input.modelShape), ...givenAtATime(plan) },
    output: callersBuffer(program, output.tensor, output.modelShape),
    weightBytes: plan.weightBytes,
    contextBytes: CONTEXT_BYTES,
    arenaBytes,
    lowerBound,
    proven: plan.memory.proven,
    steps: plan.steps.map((step, index) => ({
      ...reportedStep(plan, step, index),
      ...(profile === undefined ? {} : { executed: Math.round(profile.layers[index]!.instructions) }),
    })),
    buffers: besideOthers(buffers).map((buffer) => reportedBuffer(plan, buffer)),
    groups: plan.groups.map(({ from, to, clock }) => ({ from, to, band: clock.band })),
    ...(plan.memory.banks === undefined ? {} : { banks: plan.memory.banks }),
    ...(plan.stream === undefined ? {} : { stream: reportedStream(plan, plan.stream) }),
    ...(curve === undefined
      ? {}
      : { curve: { points: curve.points.map(reportedPoint), isWhole: curve.isWhole } }),
    ...(board === undefined
      ? {}
      : {
          board: {
            name: board.name,
            flashBytes: board.memories.flash.size,
            ramBytes: board.memories.ram.size,
          },
        }),
    ...(profile === undefined ? {} : { run: reportedRun(profile) }),
  };
}

function reportedRun({ emulator, board, inputs, total }: Profile): ReportedRun {
  return {
    machine: `${emulator} ${board}`,
    inputs,
    instructions: Math.round(total.instructions),
    flashBytes: total.flashBytes,
    stackBytes: total.stackBytes,
  };
}

function callersBuffer(program: DeviceProgram, id: TensorId, shape: readonly number[]): CallersBuffer {
  const tensor = program.tensors[id]!;
  return { name: tensor.name, shape, type: domainText(tensor.domain), bytes: canonicalSize(tensor) };
}

/** What the caller gives at a time, where the input is never whole. */
function givenAtATime({ program, push, stream }: Plan): Pick<CallersBuffer, "given"> {
  if (push === undefined) return {};
  const tensor = program.tensors[program.input.tensor]!;
  const what = stream === undefined ? ("row" as const) : ("sample" as const);
  return { given: { what, bytes: canonicalSize(tensor) / tensor.shape[0] } };
}

function reportedStream(plan: Plan, stream: PlannedStream): ReportedStream {
  const { paces, mean, most } = streamLoad(plan, stream);
  const { program, memory, steps } = plan;
  const { warmUp, perOutput, isCausal } = stream;
  return {
    window: program.tensors[program.input.tensor]!.shape[0],
    ...{ warmUp, perOutput, isCausal },
    stateBytes: memory.buffers.reduce((sum, b) => sum + (b.holds.kind === "tensor" ? b.bytes : 0), 0),
    instructions: { mean: Math.round(mean), most },
    input: memory.buffers.findIndex(
      (b) => b.holds.kind === "tensor" && b.holds.tensor === program.input.tensor,
    ),
    steps: paces.map(({ every, instructions }, i) => {
      const { output, outputLayout } = steps[i]!.choice;
      const buffer = memory.buffers.findIndex(
        ({ holds }) => holds.kind === "tensor" && holds.tensor === output && holds.layout === outputLayout,
      );
      return { every, instructions, ...(buffer < 0 ? {} : { output: buffer }) };
    }),
  };
}

function reportedStep({ program, memory }: Plan, step: PlannedStep, index: number): ReportedStep {
  const { choice, symbol } = step;
  const written = program.tensors[choice.output]!;
  return {
    layer: symbol,
    kernel: choice.kernel,
    writes: written.name,
    inputs: choice.inputs.map((id) => program.tensors[id]!.shape),
    output: written.shape,
    macs: choice.covers.reduce((sum, i) => sum + macsOf(program, program.instructions[i]!), 0),
    instructions: Math.round(choice.cost),
    constantBytes: constantBytes(choice),
    scratchBytes: choice.scratchBytes,
    live: liveBytes(memory.buffers, index),
  };
}

function reportedBuffer({ program, steps }: Plan, buffer: PlacedBuffer): ReportedBuffer {
  const { holds, offset, bytes, from, to } = buffer;
  const place = { offset, bytes, from, to };
  if (holds.kind === "scratch") {
    return { kind: "scratch", name: steps[holds.step]!.symbol, shape: [], holds: "", ...place };
  }
  const { name, shape, domain } = program.tensors[holds.tensor]!;
  const text = `${domainText(domain)}, ${holds.layout}`;
  const rows = buffer.slots === undefined ? {} : { rows: { kept: buffer.slots, height: shape[0] } };
  return { kind: "tensor", name, shape, holds: text, ...place, ...rows };
}

function reportedPoint({ arenaBytes, ...point }: CurvePoint): ReportedPoint {
  return { ramBytes: arenaBytes, ...point };
}

/** Bytes that are alive in a step. Behind the highest buffer nothing is lost to alignment: that may be any of them. */
function liveBytes(buffers: readonly PlacedBuffer[], step: number): ReportedStep["live"] {
  const alive = besideOthers(buffers).filter((b) => b.from <= step && step <= b.to);
  const lost = ({ bytes, align = ARENA_ALIGN }: PlacedBuffer): number =>
    Math.ceil(bytes / align) * align - bytes;
  const last = alive.reduce<PlacedBuffer | undefined>(
    (most, b) => (most === undefined || lost(b) > lost(most) ? b : most),
    undefined,
  );
  const sum = (kind: ReportedBuffer["kind"]): number =>
    alive.reduce(
      (bytes, b) => (b.holds.kind === kind ? bytes + b.bytes + (b === last ? 0 : lost(b)) : bytes),
      0,
    );
  return { tensors: sum("tensor"), scratch: sum("scratch") };
}
