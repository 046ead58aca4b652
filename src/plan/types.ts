import type { Layout } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/types.js";

/** Where bytes live while the model runs. */
export type Place =
  | { readonly kind: "input" }
  | { readonly kind: "output" }
  /** Byte offset in the arena. */
  | { readonly kind: "arena"; readonly offset: number };

/** What a buffer holds: a tensor in one layout, or the working memory of one step. */
export type Holding =
  | { readonly kind: "tensor"; readonly tensor: TensorId; readonly layout: Layout }
  | { readonly kind: "scratch"; readonly step: number };

export interface Buffer {
  readonly holds: Holding;
  readonly bytes: number;
  /** Its offset is a multiple of it: a power of two, ARENA_ALIGN unless told. */
  readonly align?: number;
  /** First and last step (inclusive) during which the bytes must be kept. */
  readonly from: number;
  readonly to: number;
}

export interface PlacedBuffer extends Buffer {
  readonly offset: number;
}

/** A kernel's call with the places of its data. */
export interface PlannedCall {
  readonly choice: KernelChoice;
  /** C name after the model's prefix, e.g. `layer1_dense_b1`. */
  readonly symbol: string;
  readonly inputs: readonly Place[];
  readonly output: Place;
  /** Absent where the kernel needs none. */
  readonly scratch?: Place;
}

/** A call of a trace build, and the program tensor that is reported after it. */
export interface TraceCall extends PlannedCall {
  /** Absent for calls that only prepare the next one. */
  readonly reports?: TensorId;
}

export interface PlannedStep extends PlannedCall {
  /** Calls of trace builds before the step: the tensors that a fused kernel skips. */
  readonly traceBefore: readonly TraceCall[];
  /** Calls of trace builds after the step: an output that is not canonical is made so. */
  readonly traceAfter: readonly TraceCall[];
}

/** A complete memory plan: one arena, every tensor at a fixed place. */
export interface MemoryPlan {
  readonly buffers: readonly PlacedBuffer[];
  readonly arenaBytes: number;
  /** No plan of these steps can need less: the largest sum of bytes that are live in one step. */
  readonly lowerBound: number;
  /** Whether no places of these buffers need less than `arenaBytes`: it meets the bound, or the search was exhausted. */
  readonly proven: boolean;
}

export interface Plan {
  readonly program: DeviceProgram;
  readonly steps: readonly PlannedStep[];
  readonly memory: MemoryPlan;
  /** Bytes beyond the arena in which trace builds materialise what the ordinary build skips. */
  readonly traceBytes: number;
  /** Bytes of constant arrays in flash. */
  readonly weightBytes: number;
}

/** Alignment of the arena, and of buffers in it of which nothing else is known. */
export const ARENA_ALIGN = 8;
