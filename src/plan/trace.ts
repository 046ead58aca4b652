/**
 * What trace builds compute beside the plan: the tensors that fused kernels skip, and canonical copies of
 * tensors that are kept in another layout. Their bytes lie behind the arena and are reused at every step.
 */
import { layoutBytes } from "../kernels/layout.js";
import { layoutConversion } from "../kernels/layout-conversion.js";
import { matches } from "../kernels/matches.js";
import { kernels } from "../kernels/registry.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import { ARENA_ALIGN, type Place, type PlannedCall, type TraceCall } from "./types.js";

/** The bytes behind the arena. */
export class TraceArea {
  /** Most bytes that one step has taken. */
  bytes = 0;
  #taken = 0;

  /** @param start An aligned offset at or behind the arena's end. */
  constructor(readonly start: number) {}

  /** Where the bytes end, of the arena's and these: `start` where none were taken. */
  get end(): number {
    return this.start + this.bytes;
  }

  /** Gives all bytes back: the next step begins. */
  reset(): void {
    this.#taken = 0;
  }

  take(bytes: number): Place {
    const offset = this.start + this.#taken;
    this.#taken += Math.ceil(bytes / ARENA_ALIGN) * ARENA_ALIGN;
    this.bytes = Math.max(this.bytes, this.#taken);
    return { kind: "arena", offset };
  }
}

/** Computes what a fused call skips, instruction by instruction, from canonical copies of its inputs. */
export function traceBefore(
  program: DeviceProgram,
  call: PlannedCall,
  cpu: Cpu,
  area: TraceArea,
): TraceCall[] {
  area.reset();
  const skipped = call.choice.covers.slice(0, -1);
  if (skipped.length === 0) return [];
  const calls: TraceCall[] = [];
  const places = new Map<TensorId, Place>();
  call.choice.inputs.forEach((id, i) => {
    const copy = canonicalCopy(program, call, id, i, area);
    if (copy !== undefined) calls.push(copy);
    places.set(id, copy?.output ?? call.inputs[i]!);
  });
  for (const index of skipped) {
    const choice = plainChoice(program, index, cpu);
    const output = area.take(layoutBytes(program.tensors[choice.output]!, "channels"));
    places.set(choice.output, output);
    calls.push({
      choice,
      symbol: `${call.symbol}_trace${calls.length}_${choice.kernel}`,
      inputs: choice.inputs.map((id) => places.get(id)!),
      output,
      ...(choice.scratchBytes === 0 ? {} : { scratch: area.take(choice.scratchBytes) }),
      reports: choice.output,
    });
  }
  return calls;
}

/** Makes the output of a call canonical where it is not, and reports it. */
export function traceAfter(program: DeviceProgram, call: PlannedCall, area: TraceArea): TraceCall[] {
  area.reset();
  const { choice } = call;
  if (choice.covers.length === 0 || choice.outputLayout === "channels") return [];
  const conversion = layoutConversion(program, choice.output, choice.outputLayout, "channels")!;
  const output = area.take(layoutBytes(program.tensors[choice.output]!, "channels"));
  return [
    {
      choice: conversion,
      symbol: `${call.symbol}_trace_output`,
      inputs: [call.output],
      output,
      reports: choice.output,
    },
  ];
}

function canonicalCopy(
  program: DeviceProgram,
  call: PlannedCall,
  id: TensorId,
  input: number,
  area: TraceArea,
): TraceCall | undefined {
  const conversion = layoutConversion(program, id, call.choice.inputLayouts[input]!, "channels");
  if (conversion === undefined) return undefined;
  return {
    choice: conversion,
    symbol: `${call.symbol}_trace_input${input}`,
    inputs: [call.inputs[input]!],
    output: area.take(layoutBytes(program.tensors[id]!, "channels")),
  };
}

/** The cheapest kernel that computes one instruction alone, from and to the canonical layout. */
function plainChoice(program: DeviceProgram, index: number, cpu: Cpu): KernelChoice {
  const choices = kernels
    .flatMap((k) => matches(k, program, index, cpu))
    .filter(
      (c) =>
        c.covers.length === 1 &&
        c.outputLayout === "channels" &&
        c.inputLayouts.every((layout) => layout === "channels"),
    );
  return choices.reduce((a, b) => (b.cost < a.cost ? b : a));
}
