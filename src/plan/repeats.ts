/** Which results of a plan are kept over its fullest time for late readers only, and what it takes to make them again. */
import type { TensorId } from "../program/index.js";
import { besideOthers } from "./in-place.js";
import { groupOf } from "./lifetimes.js";
import { peakStep } from "./peak.js";
import type { Plan } from "./types.js";

/** What can be made again, and when. */
export interface Repeat {
  /** Steps that make it, in order: each reads what is there, or what those before it make. */
  readonly steps: readonly number[];
  /** Step before which they are done again; it and those after it read what they make then. */
  readonly before: number;
  /** Bytes that are not kept over the fullest time. */
  readonly saved: number;
}

/** The most steps of a repeat. */
const MAX_STEPS = 8;

/** What can be made again for at most `room` estimated instructions, the most bytes first. */
export function repeatsOf(plan: Plan, room: number): Repeat[] {
  const use = new Use(plan);
  return [...use.atFullest.keys()]
    .filter((id) => use.isKeptOver(id))
    .flatMap((id) => chainsFor(use, id, room))
    .sort((a, b) => b.saved - a.saved);
}

/**
 * Ways to make a tensor again after the fullest time: by its maker, by that and the makers of what it reads, and so on until all
 * that is read is there in any case. Before that, what is not there has to be kept instead.
 */
function chainsFor(use: Use, id: TensorId, room: number): Repeat[] {
  const { choices, makers } = use;
  const before = use.readersOf(id).find((step) => step > use.fullest.to)!;
  const chains: Repeat[] = [];
  const steps = new Set<number>();
  let wanted = [id];
  while (wanted.length > 0 && wanted.every((t) => makers.has(t))) {
    for (const t of wanted) steps.add(makers.get(t)!);
    const cost = [...steps].reduce((sum, step) => sum + choices[step]!.cost, 0);
    if (cost > room || steps.size > MAX_STEPS) break;
    const inputs = new Set([...steps].flatMap((step) => choices[step]!.inputs));
    wanted = [...inputs].filter((t) => !use.isThereAt(t, before) && !steps.has(makers.get(t) ?? -1));
    const saved = wanted.reduce((sum, t) => sum - use.bytesToKeep(t), use.atFullest.get(id)!);
    if (saved > 0) chains.push({ steps: [...steps].sort((a, b) => a - b), before, saved });
  }
  return chains;
}

/** Who makes and reads tensors, in steps; changes of layout do neither. */
class Use {
  readonly choices;
  readonly makers = new Map<TensorId, number>();
  /** Steps of the fullest time: several where they roll. */
  readonly fullest;
  /** Bytes of tensors then. */
  readonly atFullest = new Map<TensorId, number>();
  readonly #readers = new Map<TensorId, number[]>();

  constructor(readonly plan: Plan) {
    this.choices = plan.steps.map(({ choice }) => choice);
    this.choices.forEach(({ covers, inputs, output }, step) => {
      if (covers.length === 0) return;
      this.makers.set(output, step);
      for (const id of new Set(inputs)) this.#readers.set(id, [...this.readersOf(id), step]);
    });
    const buffers = besideOthers(plan.memory.buffers);
    const step = peakStep(buffers) ?? 0;
    this.fullest = groupOf(plan.groups, step) ?? { from: step, to: step };
    for (const { holds, bytes, from, to } of buffers) {
      if (holds.kind === "tensor" && from <= step && step <= to)
        this.atFullest.set(holds.tensor, bytes + (this.atFullest.get(holds.tensor) ?? 0));
    }
  }

  readersOf(id: TensorId): readonly number[] {
    return this.#readers.get(id) ?? [];
  }

  /** Whether a tensor is made before the fullest time and read after it, but not then. */
  isKeptOver(id: TensorId): boolean {
    const { from, to } = this.fullest;
    const readers = this.readersOf(id);
    const isReadThen = readers.some((step) => from <= step && step <= to);
    return (this.makers.get(id) ?? from) < from && !isReadThen && readers.some((step) => step > to);
  }

  /** Whether a tensor is kept until a step in any case. Of an input that was given row by row nothing is. */
  isThereAt(id: TensorId, step: number): boolean {
    const isInput = id === this.plan.program.input.tensor && this.plan.push === undefined;
    return isInput || this.readersOf(id).some((reader) => reader >= step);
  }

  /** Bytes by which the fullest time grows where a tensor is kept over it. */
  bytesToKeep(id: TensorId): number {
    const { input } = this.plan.program;
    if (id === input.tensor) return Number.POSITIVE_INFINITY;
    if (this.atFullest.has(id)) return 0;
    return this.plan.memory.buffers.reduce(
      (most, { holds, bytes }) =>
        holds.kind === "tensor" && holds.tensor === id ? Math.max(most, bytes) : most,
      0,
    );
  }
}
