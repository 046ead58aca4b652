import { codeBytes } from "../kernels/code-bytes.js";
import { type Layout, layoutBytes } from "../kernels/layout.js";
import { kernels as allKernels } from "../kernels/registry.js";
import type { Kernel, KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import { type Cpu, findCpu } from "../targets/index.js";
import { bufferAlign } from "./align.js";
import { candidatesFor, chooseKernels, constantBytes, type Goal } from "./choose.js";
import { placeBuffers } from "./memory.js";
import { inBestOrder } from "./reorder.js";
import { TraceArea, traceAfter, traceBefore } from "./trace.js";
import {
  ARENA_ALIGN,
  type Buffer,
  type MemoryPlan,
  type Place,
  type Plan,
  type PlannedCall,
} from "./types.js";

export interface PlanOptions {
  /** Core whose costs decide; the generated C runs on every core. Cortex-M4 by default. */
  readonly cpu?: Cpu;
  readonly goal?: Goal;
  /** Kernels to choose from: all of the registry by default. */
  readonly kernels?: readonly Kernel[];
  /** Measured instructions by `choiceKey`: they take the place of the kernels' estimates. */
  readonly measured?: ReadonlyMap<string, number>;
}

/**
 * Chooses kernels and layouts, the order of execution, and a place for every tensor. The plan's program has the
 * instructions in its order. Deterministic: equal programs give equal plans.
 */
export function planProgram(program: DeviceProgram, options: PlanOptions = {}): Plan {
  const again = (other: DeviceProgram): Plan => planInOrder(other, options);
  return inBestOrder(again(program), options.goal === "ram", again);
}

function planInOrder(program: DeviceProgram, options: PlanOptions): Plan {
  const { cpu = findCpu("cortex-m4"), goal = "speed", kernels = allKernels, measured } = options;
  const choices = chooseKernels(program, candidatesFor(program, kernels, cpu, measured), goal, (call) =>
    codeBytes(call, cpu),
  );
  const align = bufferAlign(cpu);
  const memory = placeBuffers(lifetimes(program, choices).map((buffer) => ({ ...buffer, align })));
  const calls = choices.map((choice, step) => plannedCall(program, memory, choice, step));
  const area = new TraceArea(Math.ceil(memory.arenaBytes / ARENA_ALIGN) * ARENA_ALIGN);
  const steps = calls.map((call) => ({
    ...call,
    traceBefore: traceBefore(program, call, cpu, area),
    traceAfter: traceAfter(program, call, area),
  }));
  return {
    program,
    steps,
    memory,
    traceBytes: area.end - memory.arenaBytes,
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

/** Step ranges in which tensors and working memory are needed. Input and output belong to the caller. */
function lifetimes(program: DeviceProgram, choices: readonly KernelChoice[]): Buffer[] {
  const buffers: Buffer[] = [];
  choices.forEach((choice, step) => {
    const { output: tensor, outputLayout: layout } = choice;
    if (!isCallers(program, tensor, layout)) {
      const bytes = layoutBytes(program.tensors[tensor]!, layout);
      const to = lastReader(choices, tensor, layout, step);
      buffers.push({ holds: { kind: "tensor", tensor, layout }, bytes, from: step, to });
    }
    if (choice.scratchBytes > 0) {
      buffers.push({ holds: { kind: "scratch", step }, bytes: choice.scratchBytes, from: step, to: step });
    }
  });
  return buffers;
}

/** Last step that reads a tensor in a layout made at step `from`, before it is made again. */
function lastReader(
  choices: readonly KernelChoice[],
  tensor: TensorId,
  layout: Layout,
  from: number,
): number {
  let last = from;
  for (let step = from + 1; step < choices.length; step++) {
    const c = choices[step]!;
    if (c.inputs.some((id, i) => id === tensor && c.inputLayouts[i] === layout)) last = step;
    if (c.output === tensor && c.outputLayout === layout) break;
  }
  return last;
}

function isCallers(program: DeviceProgram, tensor: TensorId, layout: Layout): boolean {
  return layout === "channels" && (tensor === program.input.tensor || tensor === program.output.tensor);
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
  return { kind: "arena", offset: buffer!.offset };
}

function scratchPlace(memory: MemoryPlan, step: number): Place {
  const buffer = memory.buffers.find(({ holds }) => holds.kind === "scratch" && holds.step === step);
  return { kind: "arena", offset: buffer!.offset };
}
