/**
 * Compares what a method defines with the program's tensors: integers and codes by what they stand for, float32 by
 * its bits. A compiler may turn a channel round, with the weights that read it; then all of its numbers are turned. It may leave out
 * channels that nothing depends on. What it computes in pieces, "x of a" and "x of b", is x channel after channel.
 */
import {
  type DeviceProgram,
  inModelOrder,
  type ProgramTensor,
  type TensorValues,
} from "../../../src/program/index.js";
import { inputsOf } from "../../../src/program/types.js";
import { scoresAsFloat } from "../../../src/reference/device.js";
import type { Value } from "./arithmetic.js";
import type { Defined } from "./net.js";

/** A channel of the definition that a channel of the device may be. */
interface Candidate {
  readonly channel: number;
  same: boolean;
  turned: boolean;
}

export class Agreement {
  readonly #program: DeviceProgram;
  /** Of every channel of a tensor. */
  readonly #candidates = new Map<number, Candidate[][]>();
  readonly #problems = new Map<string, string>();
  readonly #compared = new Set<string>();

  constructor(program: DeviceProgram) {
    this.#program = program;
  }

  /** Every difference found, a tensor's first one only. */
  get problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  /** Names of tensors that were compared. */
  get compared(): ReadonlySet<string> {
    return this.#compared;
  }

  /** The reference's word on one input against the values of all tensors. */
  add({ seen, output }: Defined, trace: readonly TensorValues[]): void {
    for (const [name, { value, unit }] of seen) {
      const ids = this.#idsOf((other) => other === name);
      const pieces = this.#inOrder(this.#idsOf((other) => wholeOf(other) === name));
      if (ids.length === 1)
        this.#compare(ids[0]!, this.#program.tensors[ids[0]!]!, trace[ids[0]!]!, value, unit);
      else if (ids.length > 1 || pieces.length < 2)
        this.#report(name, `the program has ${ids.length} tensors "${name}"`);
      else this.#comparePieces(name, pieces, trace, value, unit);
    }
    this.#compareOutput(trace[this.#program.output.tensor]!, output);
  }

  #idsOf(isWanted: (name: string) => boolean): readonly number[] {
    return this.#program.tensors.flatMap((t, id) => (isWanted(t.name) ? [id] : []));
  }

  /** Pieces in the order in which what is made of them is put together. */
  #inOrder(pieces: readonly number[]): readonly number[] {
    const { instructions } = this.#program;
    const placeOf = (id: number): number => {
      const reader = instructions.find((i) => inputsOf(i).includes(id));
      if (reader === undefined) return 0;
      return reader.kind === "concat" ? reader.inputs.indexOf(id) : placeOf(reader.output);
    };
    return pieces.toSorted((a, b) => placeOf(a) - placeOf(b));
  }

  #comparePieces(
    name: string,
    ids: readonly number[],
    trace: readonly TensorValues[],
    value: Value,
    unit: number,
  ): void {
    const tensors = ids.map((id) => this.#program.tensors[id]!);
    const [{ shape, domain }] = tensors as [ProgramTensor];
    const widths = tensors.map((t) => t.shape[2]);
    const pixels = Array.from({ length: shape[0] * shape[1] }, (_, p) => p);
    const joined = pixels.flatMap((p) =>
      ids.flatMap((id, i) => Array.from(trace[id]!.subarray(p * widths[i]!, (p + 1) * widths[i]!))),
    );
    const channels = widths.reduce((a, b) => a + b, 0);
    const whole = { name, shape: [shape[0], shape[1], channels], domain } as const;
    this.#compare(ids[0]!, whole, Float64Array.from(joined), value, unit);
  }

  #compare(
    id: number,
    tensor: ProgramTensor,
    stored: ArrayLike<number>,
    { data }: Value,
    unit: number,
  ): void {
    const [height, width, channels] = tensor.shape;
    const pixels = height * width;
    const defined = data.length / pixels;
    this.#compared.add(tensor.name);
    // Only channels that nothing depends on may be missing, so that outputs and what comes later agree.
    if (!Number.isInteger(defined) || defined < channels) {
      this.#report(tensor.name, `${tensor.name} has ${stored.length} elements, not ${data.length}`);
      return;
    }
    const middle = this.#middleOf(id);
    const all = this.#candidatesOf(id, tensor, defined);
    for (let c = 0; c < channels; c++) {
      const failure = all[c]!.flatMap((candidate) => {
        const { channel } = candidate;
        for (let pixel = 0; pixel < pixels; pixel++) {
          const wanted = data[channel * pixels + pixel]! / unit;
          const found = meaning(tensor, stored[pixel * channels + c]!);
          candidate.same &&= isFloat(tensor) ? Object.is(Math.fround(wanted), found) : wanted === found;
          candidate.turned &&= 2 * middle - wanted === found;
          if (candidate.same || candidate.turned) continue;
          const place = `[${Math.floor(pixel / width)}, ${pixel % width}, ${c}]`;
          return [`${tensor.name} ${place} is ${found} where the method has ${wanted}`];
        }
        return [];
      });
      all[c] = all[c]!.filter((candidate) => candidate.same || candidate.turned);
      if (all[c]!.length > 0) continue;
      this.#report(tensor.name, failure[0]!);
      return;
    }
    if (!isOrdered(all)) this.#report(tensor.name, `${tensor.name} has channels in another order`);
  }

  /** The channel itself, or where the device has fewer, all that it may be. */
  #candidatesOf(id: number, tensor: ProgramTensor, defined: number): Candidate[][] {
    const known = this.#candidates.get(id);
    if (known !== undefined) return known;
    const missing = defined - tensor.shape[2];
    const candidates = Array.from({ length: tensor.shape[2] }, (_, c) =>
      Array.from({ length: missing + 1 }, (_, i) => ({
        channel: c + i,
        same: true,
        turned: canTurn(tensor),
      })),
    );
    this.#candidates.set(id, candidates);
    return candidates;
  }

  #report(tensor: string, problem: string): void {
    if (!this.#problems.has(tensor)) this.#problems.set(tensor, problem);
  }

  /** The number that turning round leaves: between the least and the greatest level of codes, 0 of sums. */
  #middleOf(id: number): number {
    const { domain } = this.#program.tensors[id]!;
    if (domain.kind === "scalar") return 0;
    return domain.offset + (domain.step * this.#levels(id)) / 2;
  }

  #levels(id: number): number {
    const maker = this.#program.instructions.find(({ output }) => output === id);
    if (maker === undefined) return 0;
    return maker.kind === "threshold" ? maker.levels : this.#levels(inputsOf(maker)[0]!);
  }

  #compareOutput(stored: TensorValues, { data }: Value): void {
    const program = this.#program;
    const floats = stored instanceof Float32Array ? stored : scoresAsFloat(program, stored);
    const found = inModelOrder(program, floats);
    const at = data.findIndex((v, i) => !Object.is(Math.fround(v), found[i]));
    if (at >= 0) this.#report("output", `output ${at} is ${found[at]} where the method has ${data[at]}`);
    if (found.length !== data.length) this.#report("output", `${found.length} outputs, not ${data.length}`);
  }
}

/** Whether channels can be chosen, one for each, that rise. */
function isOrdered(candidates: readonly (readonly Candidate[])[]): boolean {
  let last = -1;
  for (const options of candidates) {
    const next = options.find(({ channel }) => channel > last);
    if (next === undefined) return false;
    last = next.channel;
  }
  return true;
}

/** What a piece is a piece of. */
export function wholeOf(name: string): string {
  return name.split(" of ")[0]!;
}

function isFloat({ domain }: ProgramTensor): boolean {
  return domain.kind === "scalar" && domain.type === "f32";
}

function canTurn(tensor: ProgramTensor): boolean {
  return tensor.domain.kind === "codes" || (tensor.domain.type === "i32" && !isFloat(tensor));
}

function meaning({ domain }: ProgramTensor, stored: number): number {
  return domain.kind === "codes" ? domain.step * stored + domain.offset : stored;
}
