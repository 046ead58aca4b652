/** What the reference says about a batch of inputs, and how far a machine's answers differ from it. */
import { printable } from "./diagnostics/text.js";
import { traceHash, type VectorResult } from "./emulators/index.js";
import type { InputBatch } from "./inputs.js";
import { canonicalBytes, type DeviceProgram, type TensorValues } from "./program/index.js";
import { traceDevice } from "./reference/device.js";

/** The first place where a machine and the reference disagree. */
export interface Divergence {
  readonly vector: number;
  readonly tensor: number;
  /** The tensor's name: the model's node that makes it. */
  readonly layer: string;
}

/** What a comparison found. */
export interface Compared {
  readonly vectors: number;
  /** Inputs whose output differs, or whose run failed. */
  readonly failedVectors: number;
  readonly differingBits: number;
  /** Tensors compared by hash over all vectors; 0 in a flash build. */
  readonly tensorsCompared: number;
  readonly divergence?: Divergence;
}

/** The first tensor that differs, in words. */
export function divergenceText({ layer, tensor, vector }: Divergence): string {
  return `first divergence: layer ${printable(layer)} (tensor ${tensor}) on input ${vector}`;
}

/** What the reference says about one input. */
interface Expected {
  readonly output: Uint8Array;
  readonly hashes: readonly number[];
}

/** What the reference says about a batch, computed when it is first asked for and kept for the second build. */
export class Expectations {
  readonly inputs: readonly Uint8Array[];
  readonly #program: DeviceProgram;
  readonly #batch: InputBatch;
  readonly #trace: (input: TensorValues) => readonly TensorValues[];
  readonly #known: Expected[] = [];

  /** `trace` gives the values of all tensors for an input: those of the readable reference unless told. */
  constructor(
    program: DeviceProgram,
    batch: InputBatch,
    trace: (input: TensorValues) => readonly TensorValues[] = (input) => traceDevice(program, input),
  ) {
    this.#program = program;
    this.#batch = batch;
    this.#trace = trace;
    const tensor = program.tensors[program.input.tensor]!;
    this.inputs = Array.from({ length: batch.count }, (_, i) => canonicalBytes(tensor, batch.stored(i)));
  }

  of(index: number): Expected {
    this.#known[index] ??= this.#compute(index);
    return this.#known[index];
  }

  #compute(index: number): Expected {
    const values = this.#trace(this.#batch.stored(index));
    const bytes = this.#program.tensors.map((tensor, id) => canonicalBytes(tensor, values[id]!));
    return { output: bytes[this.#program.output.tensor]!, hashes: bytes.map(traceHash) };
  }
}

/** Gathers results and compares each with the reference. */
export class Comparison {
  readonly #program: DeviceProgram;
  readonly #expected: Expectations;
  #vectors = 0;
  #failed = 0;
  #bits = 0;
  #tensors = 0;
  #divergence: Divergence | undefined;

  constructor(program: DeviceProgram, expected: Expectations) {
    this.#program = program;
    this.#expected = expected;
  }

  add({ index, status, output, traces }: VectorResult): void {
    const wanted = this.#expected.of(index);
    const bits = status === 0 ? differingBits(output, wanted.output) : 0;
    const differing = traces.filter(({ tensor, hash }) => hash !== wanted.hashes[tensor]);
    const missing =
      traces.length > 0 ? this.#program.tensors.length - new Set(traces.map((t) => t.tensor)).size : 0;
    this.#vectors++;
    this.#bits += bits;
    this.#tensors += traces.length;
    if (status !== 0 || bits > 0 || differing.length > 0 || missing > 0) this.#failed++;
    const first = differing.length > 0 ? Math.min(...differing.map((t) => t.tensor)) : undefined;
    if (first !== undefined && this.#divergence === undefined) {
      this.#divergence = {
        vector: index,
        tensor: first,
        layer: this.#program.tensors[first]?.name ?? "unknown",
      };
    }
  }

  verdict(traced: boolean): Compared {
    const unanswered = this.#expected.inputs.length - this.#vectors;
    // A trace build that reports nothing has proven nothing.
    const silent = traced && this.#tensors === 0 ? this.#vectors : 0;
    return {
      vectors: this.#expected.inputs.length,
      failedVectors: Math.max(this.#failed, silent) + unanswered,
      differingBits: this.#bits,
      tensorsCompared: this.#tensors,
      ...(this.#divergence === undefined ? {} : { divergence: this.#divergence }),
    };
  }
}

function differingBits(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return 8 * Math.max(a.length, b.length);
  let count = 0;
  for (let i = 0; i < a.length; i++) for (let x = a[i]! ^ b[i]!; x !== 0; x &= x - 1) count++;
  return count;
}
