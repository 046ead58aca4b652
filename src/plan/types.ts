import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/types.js";

/** Where a tensor lives while the model runs. */
export type Place =
  | { readonly kind: "input" }
  | { readonly kind: "output" }
  /** Byte offset in the arena. */
  | { readonly kind: "arena"; readonly offset: number };

export interface Buffer {
  readonly tensor: TensorId;
  readonly bytes: number;
  /** First and last step (inclusive) during which the bytes must be kept. */
  readonly from: number;
  readonly to: number;
}

export interface PlacedBuffer extends Buffer {
  readonly offset: number;
}

export interface PlannedStep {
  readonly choice: KernelChoice;
  /** C name of the layer after the model's prefix, e.g. `layer1_dense_b1`. */
  readonly symbol: string;
  readonly input: Place;
  readonly output: Place;
}

/** A complete memory plan: one arena, every tensor at a fixed place. */
export interface MemoryPlan {
  readonly buffers: readonly PlacedBuffer[];
  readonly arenaBytes: number;
  /** No plan can need less: the largest sum of bytes that are live in one step. */
  readonly lowerBound: number;
}

export interface Plan {
  readonly program: DeviceProgram;
  readonly steps: readonly PlannedStep[];
  readonly memory: MemoryPlan;
  /** Largest tensor that a fused kernel skips; trace builds materialise it in extra arena bytes. */
  readonly traceBytes: number;
  /** Bytes of constant arrays in flash. */
  readonly weightBytes: number;
}

/** Alignment of the arena and of every buffer in it. */
export const ARENA_ALIGN = 8;
