/**
 * What a graph value is during lowering: a program tensor, operations that wait to be applied to it, and where
 * each of the value's elements stands in the tensor. Nothing is computed before a reader says in which form it
 * wants the value (src/passes/settle.ts), so that float chains end up in thresholds, pools on bits, and moves of
 * elements nowhere.
 */
import type { Shape } from "../graph/types.js";
import type { Domain, ScaleStep, TensorId, Window } from "../program/types.js";
import type { ChainStep } from "./chain.js";

/** Height, width, channels. */
export type MapShape = readonly [number, number, number];

/** Least and greatest, both included. */
export type Range = readonly [low: number, high: number];

/** A tensor of the program and what is known of its elements. */
export interface Source {
  readonly tensor: TensorId;
  readonly shape: MapShape;
  readonly domain: Domain;
  /** A stored scalar stands for the integer `stored + offset`. 0 for floats, and for codes, which have a domain. */
  readonly offset: number;
  /**
   * For integers, per channel or one for all: what can be stored (scalars) or stood for (codes). Absent for floats.
   */
  readonly ranges?: readonly Range[];
  /** Distance between integers that can occur. */
  readonly stride: number;
  /** How far a framework's own float32 sums can be from the integer, per channel. */
  readonly uncertainty: (channel: number) => number;
  /** Per channel, of float sums that a framework rounds otherwise: what they lie between. */
  readonly roundedSums?: readonly Range[];
}

/** A max-pool that waits: on `shape`, the size after it. */
export interface PoolStep {
  readonly kind: "pool";
  readonly window: Window;
  readonly shape: MapShape;
  readonly node: string;
}

/**
 * A float operation whose operand differs between positions, of the tensor as it is behind the pools that wait before
 * it. Its operand's extent says how.
 */
export interface PositionalStep {
  readonly kind: "positional";
  readonly step: ScaleStep;
  readonly node: string;
}

export type Step = ChainStep | PoolStep | PositionalStep;

/** Steps on each element by itself. */
export type ElementStep = ChainStep | PositionalStep;

/** Where the elements of a graph value stand: `map[i]` is the place of element i in the tensor, in NHWC order. */
export interface View {
  readonly shape: Shape;
  readonly map: Int32Array;
}

export interface Value {
  readonly source: Source;
  /** What waits, first to last. Operands are per channel of the tensor, or as their extent says. */
  readonly steps: readonly Step[];
  /** Of the tensor after all pools that wait. */
  readonly shape: MapShape;
  readonly view: View;
}

export function isChainStep(step: Step): step is ChainStep {
  return step.kind !== "pool" && step.kind !== "positional";
}

/** The value with one more step. */
export function withStep(value: Value, ...steps: readonly Step[]): Value {
  return steps.length === 0 ? value : { ...value, steps: [...value.steps, ...steps] };
}

export function isFloat(source: Source): boolean {
  return source.domain.kind === "scalar" && source.domain.type === "f32";
}

/** Whether the source has codes or small integers, which a convolution reads. */
export function isNarrow(source: Source): boolean {
  return source.domain.kind === "codes" || (source.domain.type !== "f32" && source.domain.type !== "i32");
}

export function rangeOf(source: Source, channel: number): Range {
  const ranges = source.ranges!;
  return ranges.length === 1 ? ranges[0]! : ranges[channel]!;
}

export function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
