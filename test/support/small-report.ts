/** Data of a report, made by hand: a chain of steps, each with a tensor that the next one reads, and scratch. */
import type { PlanReport, ReportedBuffer, ReportedStep } from "../../src/report/html/data.js";

const TENSOR = 256;
const SCRATCH = 128;

/** `steps` steps; `name` stands for every name that could come from a model. */
export function smallReport(steps: number, name = "tensor", more: Partial<PlanReport> = {}): PlanReport {
  const arenaBytes = 2 * TENSOR + SCRATCH;
  const end = { name, shape: [1, 4], type: name, bytes: 4 };
  return {
    model: name,
    source: name,
    modelCrc: 0x1234,
    version: "0.1.0",
    core: name,
    goal: name,
    input: end,
    output: end,
    weightBytes: 40 * steps,
    contextBytes: 4,
    arenaBytes,
    lowerBound: arenaBytes,
    proven: true,
    steps: Array.from({ length: steps }, (_, i) => step(i, name)),
    buffers: Array.from({ length: steps }, (_, i) => buffers(i, steps, name)).flat(),
    ...more,
  };
}

function step(index: number, name: string): ReportedStep {
  return {
    layer: `${name}${index}`,
    kernel: name,
    writes: name,
    inputs: [[4, 4, 8]],
    output: [4, 4, 8],
    macs: 1000,
    instructions: 100 * (index + 1),
    constantBytes: 40,
    scratchBytes: SCRATCH,
    live: { tensors: index === 0 ? TENSOR : 2 * TENSOR, scratch: SCRATCH },
  };
}

function buffers(index: number, steps: number, name: string): ReportedBuffer[] {
  const life = { from: index, to: Math.min(index + 1, steps - 1) };
  const offset = index % 2 === 0 ? 0 : TENSOR + SCRATCH;
  const shape = [4, 4, 8];
  return [
    { kind: "tensor", name, shape, holds: name, offset, bytes: TENSOR, ...life },
    {
      kind: "scratch",
      name,
      shape: [],
      holds: "",
      offset: TENSOR,
      bytes: SCRATCH,
      from: index,
      to: index,
    },
  ];
}
