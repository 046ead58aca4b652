/**
 * Compares what a method defines with the program's tensors: integers and codes by what they stand for, float32 by
 * its bits. A compiler may turn a channel round, with the weights that read it; then all of its numbers are turned.
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

/** What a channel has been so far. */
interface Channel {
  same: boolean;
  turned: boolean;
}

export class Agreement {
  readonly #program: DeviceProgram;
  readonly #channels = new Map<number, Channel[]>();
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

  /** Channels that the device has turned round. */
  get turned(): number {
    return [...this.#channels.values()].flat().filter((c) => c.turned && !c.same).length;
  }

  /** The reference's word on one input against the values of all tensors. */
  add({ seen, output }: Defined, trace: readonly TensorValues[]): void {
    for (const [name, { value, unit }] of seen) {
      const ids = this.#program.tensors.flatMap((t, id) => (t.name === name ? [id] : []));
      if (ids.length !== 1) this.#report(name, `the program has ${ids.length} tensors "${name}"`);
      else this.#compare(ids[0]!, trace[ids[0]!]!, value, unit);
    }
    this.#compareOutput(trace[this.#program.output.tensor]!, output);
  }

  #compare(id: number, stored: TensorValues, { data }: Value, unit: number): void {
    const tensor = this.#program.tensors[id]!;
    const [height, width, channels] = tensor.shape;
    const pixels = height * width;
    this.#compared.add(tensor.name);
    if (data.length !== stored.length) {
      this.#report(tensor.name, `${tensor.name} has ${stored.length} elements, not ${data.length}`);
      return;
    }
    let states = this.#channels.get(id);
    if (states === undefined) {
      states = Array.from({ length: channels }, () => ({ same: true, turned: canTurn(tensor) }));
      this.#channels.set(id, states);
    }
    const middle = this.#middleOf(id);
    for (let i = 0; i < stored.length; i++) {
      const state = states[i % channels]!;
      const wanted = data[(i % channels) * pixels + Math.floor(i / channels)]! / unit;
      const found = meaning(tensor, stored[i]!);
      state.same &&= isFloat(tensor) ? Object.is(Math.fround(wanted), found) : wanted === found;
      state.turned &&= 2 * middle - wanted === found;
      if (state.same || state.turned) continue;
      const place = `[${Math.floor(i / channels / width)}, ${Math.floor(i / channels) % width}, ${i % channels}]`;
      this.#report(tensor.name, `${tensor.name} ${place} is ${found} where the method has ${wanted}`);
      return;
    }
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

function isFloat({ domain }: ProgramTensor): boolean {
  return domain.kind === "scalar" && domain.type === "f32";
}

function canTurn(tensor: ProgramTensor): boolean {
  return tensor.domain.kind === "codes" || (tensor.domain.type === "i32" && !isFloat(tensor));
}

function meaning({ domain }: ProgramTensor, stored: number): number {
  return domain.kind === "codes" ? domain.step * stored + domain.offset : stored;
}
