/**
 * What trace builds compute beside the plan: the tensors that fused kernels skip, and canonical copies of
 * tensors that are kept in another layout or as a ring. Their bytes lie behind the arena and are reused after every
 * step, or after a group of steps that roll.
 */
import { copyRows } from "../kernels/copy.js";
import { layoutBytes } from "../kernels/layout.js";
import { layoutConversion } from "../kernels/layout-conversion.js";
import { matches } from "../kernels/matches.js";
import { kernels } from "../kernels/registry.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import {
  ARENA_ALIGN,
  type Place,
  type PlannedCall,
  type PushedRows,
  type StepTrace,
  type TraceCall,
} from "./types.js";

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

/** The trace of a step that runs once: what it skips before it, a canonical copy of its output after it. */
export function traceStep(program: DeviceProgram, call: PlannedCall, cpu: Cpu, area: TraceArea): StepTrace {
  area.reset();
  const before = skippedTensors(program, call, cpu, area, new Map());
  area.reset();
  const copy = canonicalOutput(program, call, area);
  const { covers, output } = call.choice;
  if (covers.length === 0) return { before, after: [] };
  return {
    before,
    after: copy === undefined ? [] : [copy],
    reports: { tensor: output, place: copy?.output ?? call.output },
  };
}

/** The traces of steps that roll: rows are copied as they come, all else is done when the last rows are there. */
export function traceGroup(
  program: DeviceProgram,
  calls: readonly PlannedCall[],
  cpu: Cpu,
  area: TraceArea,
  push?: PushedRows,
): StepTrace[] {
  // What is pushed is kept from before the group's first step.
  if (push === undefined) area.reset();
  const canonical = new Map<TensorId, Place>();
  if (push !== undefined) canonical.set(program.input.tensor, push.copy?.output ?? push.place);
  return calls.map((call) => {
    const before = skippedTensors(program, call, cpu, area, canonical);
    const { covers, output } = call.choice;
    if (covers.length === 0) return { before: canonicalSource(program, call, area, canonical), after: [] };
    const copy = canonicalOutput(program, call, area);
    const place = copy?.output ?? call.output;
    canonical.set(output, place);
    return { before, after: copy === undefined ? [] : [copy], reports: { tensor: output, place } };
  });
}

/** The call that keeps the rows of a pushed input, where its own place does not. */
export function traceInput(program: DeviceProgram, place: Place, area: TraceArea): { copy?: TraceCall } {
  if (place.kind === "arena" && place.slots === undefined) return {};
  const { tensor } = program.input;
  const output = area.take(layoutBytes(program.tensors[tensor]!, "channels"));
  const choice = copyRows(program, tensor, "channels");
  return { copy: { choice, symbol: "pushed_trace_input", inputs: [place], output } };
}

/** Computes what a fused call skips, instruction by instruction, from canonical copies of its inputs. */
function skippedTensors(
  program: DeviceProgram,
  call: PlannedCall,
  cpu: Cpu,
  area: TraceArea,
  canonical: ReadonlyMap<TensorId, Place>,
): TraceCall[] {
  const skipped = call.choice.covers.slice(0, -1);
  if (skipped.length === 0) return [];
  const calls: TraceCall[] = [];
  const places = new Map<TensorId, Place>();
  call.choice.inputs.forEach((id, i) => {
    const known = canonical.get(id);
    const copy = known === undefined ? canonicalInput(program, call, id, i, area) : undefined;
    if (copy !== undefined) calls.push(copy);
    places.set(id, known ?? copy?.output ?? call.inputs[i]!);
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

/**
 * A change of layout in a group, of a tensor that was there before it: its output may be a ring, so the canonical tensor
 * is made of its input, which is whole. The call that makes it, if it needs one.
 */
function canonicalSource(
  program: DeviceProgram,
  call: PlannedCall,
  area: TraceArea,
  canonical: Map<TensorId, Place>,
): TraceCall[] {
  const id = call.choice.output;
  if (canonical.has(id)) return [];
  const conversion = canonicalInput(program, call, id, 0, area);
  canonical.set(id, conversion?.output ?? call.inputs[0]!);
  return conversion === undefined ? [] : [conversion];
}

/** Makes the output of a call canonical and whole where it is not. */
function canonicalOutput(program: DeviceProgram, call: PlannedCall, area: TraceArea): TraceCall | undefined {
  const { output: id, outputLayout: layout } = call.choice;
  const isRing = call.output.kind === "arena" && call.output.slots !== undefined;
  if (call.choice.covers.length === 0 || (layout === "channels" && !isRing)) return undefined;
  return {
    choice: layoutConversion(program, id, layout, "channels") ?? copyRows(program, id, layout),
    symbol: `${call.symbol}_trace_output`,
    inputs: [call.output],
    output: area.take(layoutBytes(program.tensors[id]!, "channels")),
  };
}

function canonicalInput(
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
