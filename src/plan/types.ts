import type { Layout } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import type { RowNeed } from "../program/row-windows.js";
import type { StreamShape } from "../program/streams.js";
import type { DeviceProgram, TensorId } from "../program/types.js";

/** Where bytes live while the model runs. */
export type Place =
  | { readonly kind: "input" }
  | { readonly kind: "output" }
  /** Byte offset in the arena. A ring has fewer slots than the tensor has rows: row y is in slot y % slots. */
  | { readonly kind: "arena"; readonly offset: number; readonly slots?: number };

/** What a buffer holds: a tensor in one layout, or the working memory of one step. */
export type Holding =
  | { readonly kind: "tensor"; readonly tensor: TensorId; readonly layout: Layout }
  | { readonly kind: "scratch"; readonly step: number };

export interface Buffer {
  readonly holds: Holding;
  readonly bytes: number;
  /** Rows that a ring has room for; absent where all rows of the tensor are kept. */
  readonly slots?: number;
  /** Its offset is a multiple of it: a power of two, ARENA_ALIGN unless told. */
  readonly align?: number;
  /** First and last step (inclusive) during which the bytes must be kept; steps that roll together are one time. */
  readonly from: number;
  readonly to: number;
}

export interface PlacedBuffer extends Buffer {
  readonly offset: number;
  /** It is written over an input, which is no smaller, and whose bytes these are until this step (inclusive). */
  readonly overInputUntil?: number;
  /** A larger output is written over it; from this step on the bytes are the output's. */
  readonly underOutputFrom?: number;
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

/** A tensor of which a step's rows wait for rows. */
export interface PlannedWait {
  /** What makes the rows: the clock of the group, or a step before this one. */
  readonly on: "clock" | number;
  /** Which of the step's inputs it is. */
  readonly input: number;
  readonly need: RowNeed;
  /** Rows of the tensor. */
  readonly rows: number;
}

/** How a step of a rolled group goes on: in each tick by rows whose inputs exist, `limit` of them at most. */
export interface PlannedRows {
  readonly rows: number;
  readonly limit: number;
  readonly waits: readonly PlannedWait[];
}

/** Steps that are executed together, row by row. */
export interface RolledGroup {
  /** First and last step. */
  readonly from: number;
  readonly to: number;
  /** Rows of the tensor that the clock gives out, and how many of them in a tick. */
  readonly clock: { readonly tensor: TensorId; readonly rows: number; readonly band: number };
  /** After so many ticks all rows of all steps are done. */
  readonly ticks: number;
}

/**
 * What a trace build does for a step: calls before it for the tensors that a fused kernel skips, and after it to make its
 * output canonical. In a rolled group those after it are called after each call of the step, for the same rows, and those
 * before it and all reports come when the whole group is done.
 */
export interface StepTrace {
  readonly before: readonly TraceCall[];
  readonly after: readonly TraceCall[];
  /** The step's output where it lies canonical and whole; absent for changes of layout. */
  readonly reports?: { readonly tensor: TensorId; readonly place: Place };
}

export interface PlannedStep extends PlannedCall {
  /** Present in rolled groups. */
  readonly rolled?: PlannedRows;
  readonly trace: StepTrace;
}

/** A complete memory plan: one arena, every tensor at a fixed place. */
export interface MemoryPlan {
  readonly buffers: readonly PlacedBuffer[];
  readonly arenaBytes: number;
  /**
   * No plan of these steps can need less: the largest sum of bytes that are live in one step. Outputs
   * over inputs count once.
   */
  readonly lowerBound: number;
  /** Whether no places of these buffers need less than `arenaBytes`: it meets the bound, or the search was exhausted. */
  readonly proven: boolean;
  /** Bytes of each bank, where the arena is several: they follow each other, and each buffer lies in one. */
  readonly banks?: readonly number[];
}

/** The input given row by row. */
export interface PushedRows {
  /** Where the rows are put. */
  readonly place: Place;
  /** Trace builds keep all rows: the call that copies a row, absent where the place has all. */
  readonly copy?: TraceCall;
}

/** An input whose rows never end; the only group is all steps. */
export interface PlannedStream extends StreamShape {
  /** The program that the steps are made for: of more rows than counters ever reach. */
  readonly program: DeviceProgram;
  /** Rows of the input after which all rings are at the same slots again. */
  readonly period: number;
  /** At so many rows of the input all counters step back by a period. */
  readonly stepsBackAt: number;
  /** Rows of the input from the start to the first output, and from one output to the next. */
  readonly warmUp: number;
  readonly perOutput: number;
  /** In trace builds, which go on to the end of a window: where outputs behind the first are put. */
  readonly spare?: Place;
}

export interface Plan {
  /** What one run computes; of a stream one window of it. */
  readonly program: DeviceProgram;
  readonly steps: readonly PlannedStep[];
  /** In order, without overlaps; steps in none of them run once, on whole tensors. */
  readonly groups: readonly RolledGroup[];
  /** Present where the input is never whole: the first group's clock counts its rows. */
  readonly push?: PushedRows;
  readonly stream?: PlannedStream;
  readonly memory: MemoryPlan;
  /** Bytes beyond the arena in which trace builds materialise what the ordinary build skips. */
  readonly traceBytes: number;
  /** Bytes of constant arrays in flash. */
  readonly weightBytes: number;
}

/** Alignment of the arena, and of buffers in it of which nothing else is known. */
export const ARENA_ALIGN = 8;
