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
  type PlannedStep,
} from "./plan/index.js";
import type { Profile } from "./profile.js";
import { canonicalSize, type DeviceProgram, domainText, macsOf, type TensorId } from "./program/index.js";
import type {
  CallersBuffer,
  PlanReport,
  ReportedBuffer,
  ReportedRun,
  ReportedStep,
} from "./report/html/data.js";
import type { Board, Cpu } from "./targets/index.js";

/** Bytes of `name_context` on a 32-bit core: the pointer to the arena (templates/library/model.h.hbs). */
const CONTEXT_BYTES = 4;

export interface PlanReportOptions {
  /** The core and the goal that the model was compiled with. */
  readonly cpu: Cpu;
  readonly goal: Goal;
  readonly board?: Board | undefined;
  /** Plans from the fastest to the one with the least RAM. */
  readonly curve?: readonly CurvePoint[] | undefined;
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
    input: callersBuffer(program, input.tensor, input.modelShape),
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
    ...(curve === undefined ? {} : { curve: curve.map(reportedPoint) }),
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

function reportedStep({ program, memory }: Plan, step: PlannedStep, index: number): ReportedStep {
  const { choice, symbol } = step;
  const written = program.tensors[choice.output]!;
  const live = (kind: ReportedBuffer["kind"]): number =>
    besideOthers(memory.buffers).reduce(
      (sum, b) => (b.holds.kind === kind && b.from <= index && index <= b.to ? sum + aligned(b) : sum),
      0,
    );
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
    live: { tensors: live("tensor"), scratch: live("scratch") },
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

function reportedPoint({ arenaBytes, instructions }: CurvePoint) {
  return { ramBytes: arenaBytes, instructions, proven: false };
}

/** Bytes up to where another buffer can begin. */
function aligned({ bytes, align = ARENA_ALIGN }: PlacedBuffer): number {
  return Math.ceil(bytes / align) * align;
}
