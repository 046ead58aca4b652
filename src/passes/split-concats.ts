import {
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type ScaleStep,
  type TensorId,
  withInputs,
} from "../program/types.js";
import { addTo, type Draft, pruned, readersOf } from "./rewriting.js";

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;
/** Works on each channel by itself. */
type PerChannel = Of<"threshold" | "scale" | "pool">;

/**
 * Concatenations of numbers move behind what reads them, wherever that works on each channel by itself: thresholds, scales
 * and pools are done on each piece, a slice of channels is some of the pieces, and concatenations of concatenations are one.
 * So numbers are not copied, each piece keeps a domain of its own (`late-scales` makes integers of some), and what is put
 * together in the end is codes.
 */
export function splitConcats(program: DeviceProgram): DeviceProgram {
  const split = new Set(program.instructions.filter((i) => isSplit(program, i)));
  if (split.size === 0) return program;
  const splitting = new Splitting(program);
  for (const instruction of program.instructions) {
    if (split.has(instruction)) splitting.take(instruction as Of<"concat">);
    else splitting.rewrite(instruction);
  }
  return pruned({ ...program, ...splitting.finish() });
}

/** Whether a concatenation's readers all may do without it. Of single pixels there is little to copy. */
function isSplit(program: DeviceProgram, instruction: Instruction): boolean {
  const { shape, domain } = program.tensors[instruction.output]!;
  return (
    instruction.kind === "concat" &&
    instruction.output !== program.output.tensor &&
    domain.kind === "scalar" &&
    shape[0] * shape[1] > 1 &&
    readersOf(program, instruction.output).every(
      (reader) => isPerChannel(reader) || reader.kind === "concat" || reader.kind === "select",
    )
  );
}

function isPerChannel(instruction: Instruction): instruction is PerChannel {
  return instruction.kind === "threshold" || instruction.kind === "scale" || instruction.kind === "pool";
}

/** Neighbouring channels of a piece. */
interface Run {
  readonly piece: TensorId;
  readonly channels: number[];
}

/** The program under construction. */
class Splitting {
  readonly #program: DeviceProgram;
  readonly #draft: Draft;
  /** Tensors of the program that are there in pieces, channel after channel. */
  readonly #pieces = new Map<TensorId, readonly TensorId[]>();
  /** Pieces that were made here, with what they were made of at first. */
  readonly #origins = new Map<TensorId, TensorId>();
  readonly #written = new Set<TensorId>();

  constructor(program: DeviceProgram) {
    this.#program = program;
    this.#draft = { tensors: [...program.tensors], instructions: [] };
  }

  /** Takes a concatenation apart. */
  take({ inputs, output }: Of<"concat">): void {
    this.#pieces.set(output, this.#flat(inputs));
  }

  rewrite(instruction: Instruction): void {
    const pieces = this.#pieces.get(inputsOf(instruction)[0]!);
    if (pieces !== undefined && isPerChannel(instruction)) {
      this.#onPieces(instruction, pieces);
    } else if (instruction.kind === "concat") {
      this.#emit({ ...instruction, inputs: this.#flat(instruction.inputs) });
    } else if (pieces === undefined || instruction.kind !== "select" || !this.#select(instruction, pieces)) {
      this.#emit(withInputs(instruction, (id) => this.#whole(id)));
    }
  }

  finish(): Draft {
    const { tensor } = this.#program.output;
    if (!this.#written.has(tensor)) this.#putTogether(tensor);
    return this.#draft;
  }

  #flat(inputs: readonly TensorId[]): readonly TensorId[] {
    return inputs.flatMap((id) => this.#pieces.get(id) ?? [id]);
  }

  /** A tensor for readers of all its channels. */
  #whole(id: TensorId): TensorId {
    const pieces = this.#pieces.get(id);
    if (pieces?.length === 1) return pieces[0]!;
    if (pieces !== undefined && !this.#written.has(id)) this.#putTogether(id);
    return id;
  }

  #putTogether(output: TensorId): void {
    this.#emit({ kind: "concat", inputs: this.#pieces.get(output)!, output });
  }

  #emit(instruction: Instruction): void {
    this.#written.add(instruction.output);
    this.#draft.instructions.push(instruction);
  }

  #widthOf(piece: TensorId): number {
    return this.#draft.tensors[piece]!.shape[2];
  }

  /** The same instruction on each piece. */
  #onPieces(instruction: PerChannel, pieces: readonly TensorId[]): void {
    if (pieces.length === 1) {
      this.#emit({ ...instruction, input: pieces[0]! });
      return;
    }
    let first = 0;
    const made = pieces.map((input) => {
      const end = first + this.#widthOf(input);
      const output = this.#made(instruction.output, input, this.#widthOf(input));
      this.#emit({ ...withChannels(instruction, first, end), input, output });
      first = end;
      return output;
    });
    this.#pieces.set(instruction.output, made);
  }

  /** A slice as some of the pieces, or parts of them; false where it takes channels from too many places. */
  #select(select: Of<"select">, pieces: readonly TensorId[]): boolean {
    const runs = this.#runsOf(select.channels, pieces);
    if (runs.length > pieces.length || select.output === this.#program.output.tensor) return false;
    const made = runs.map(({ piece, channels }) => {
      if (this.#isWhole(select, piece, channels)) return piece;
      const output = this.#made(select.output, piece, channels.length);
      this.#emit({ ...select, input: piece, channels: Int32Array.from(channels), output });
      return output;
    });
    this.#pieces.set(select.output, made);
    return true;
  }

  #runsOf(channels: Int32Array, pieces: readonly TensorId[]): readonly Run[] {
    const places = pieces.flatMap((piece) =>
      Array.from({ length: this.#widthOf(piece) }, (_, channel) => ({ piece, channel })),
    );
    const runs: Run[] = [];
    for (const at of channels) {
      const { piece, channel } = places[at]!;
      const last = runs.at(-1);
      if (last?.piece === piece && last.channels.at(-1) === channel - 1) last.channels.push(channel);
      else runs.push({ piece, channels: [channel] });
    }
    return runs;
  }

  /** Whether a select takes all of a piece as it is. */
  #isWhole(
    { output, top, left, steps }: Of<"select">,
    piece: TensorId,
    channels: readonly number[],
  ): boolean {
    const [from, to] = [this.#draft.tensors[piece]!.shape, this.#program.tensors[output]!.shape];
    const keepsPixels = from[0] === to[0] && from[1] === to[1] && top === 0 && left === 0;
    return keepsPixels && steps.every((n) => n === 1) && channels.length === from[2];
  }

  /** A tensor for a piece of `whole` that is made of another piece. */
  #made(whole: TensorId, piece: TensorId, width: number): TensorId {
    const origin = this.#origins.get(piece) ?? piece;
    const { name, shape, domain } = this.#program.tensors[whole]!;
    const output = addTo(this.#draft, {
      name: `${name} of ${this.#nameOf(origin)}`,
      shape: [shape[0], shape[1], width],
      domain,
    });
    this.#origins.set(output, origin);
    return output;
  }

  /** The name of the integers, where a piece is made of such. */
  #nameOf(piece: TensorId): string {
    const { tensors, instructions } = this.#program;
    const maker = instructions.find((i) => i.output === piece);
    return tensors[maker?.kind === "scale" ? maker.input : piece]!.name;
  }
}

/** The instruction for channels [first, end) only. */
function withChannels(instruction: PerChannel, first: number, end: number): PerChannel {
  if (instruction.kind === "pool") return instruction;
  if (instruction.kind === "scale")
    return { ...instruction, steps: instruction.steps.map((s) => stepOf(s, first, end)) };
  const { levels, thresholds, flipped } = instruction;
  if (flipped.length === 1) return instruction;
  return {
    ...instruction,
    thresholds: thresholds.slice(first * levels, end * levels),
    flipped: flipped.slice(first, end),
  };
}

function stepOf(step: ScaleStep, first: number, end: number): ScaleStep {
  const { operand, extent } = step;
  if (extent === undefined)
    return operand.length <= 1 ? step : { ...step, operand: operand.slice(first, end) };
  const [height, width, channels] = extent;
  if (channels === 1) return step;
  const kept = operand.filter((_, i) => i % channels >= first && i % channels < end);
  return { ...step, operand: kept, extent: [height, width, end - first] };
}
