/**
 * Float32 streams in fixed point, where the user asks for that (`--streams q16`). Residual streams between binary layers are
 * float32 in the framework, which costs a core without an FPU 60 to 100 instructions for each operation on each element. Here they become
 * integers of 16 bits with one power-of-two unit per tensor, chosen from what the values can be at most, so that none
 * saturates. Thresholds of them are exact; layers that read them get weights of eight bits. The program is then another
 * function than the framework's: `Streams` says how far each tensor can be from it.
 */
import {
  convRanges,
  type DeviceProgram,
  type Domain,
  domainRange,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  type ScaleStep,
  type TensorId,
  tensorRanges,
} from "../program/index.js";
import { type Bounds, boundsOf, isHeld, magnitude, rounding, uniform } from "./streams/bounds.js";
import { compacted } from "./streams/compact.js";
import { type Wanted, wantedForms } from "./streams/convertible.js";
import { type Fixed, FixedProgram, floatSteps, type Stream } from "./streams/fixed.js";
import { afterOperation, channelOf, type Operation } from "./streams/operations.js";
import { segmentsOf } from "./streams/segments.js";
import { fixedThreshold } from "./streams/thresholds.js";
import { codedWeights } from "./streams/weights.js";

export type { Stream } from "./streams/fixed.js";

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

/** A float32 layer whose weights became codes. */
export interface CodedLayer {
  readonly layer: string;
  /** How far a weight is from the model's at most. */
  readonly weightError: number;
}

/** What became fixed point. */
export interface Streams {
  readonly tensors: readonly Stream[];
  readonly layers: readonly CodedLayer[];
  /** Tensors that stay float32. */
  readonly floats: readonly string[];
  /**
   * How far float32 outputs can be from the model's while every code before them is the same; 0 where they are exact functions of
   * codes, null where no bound is known.
   */
  readonly outputError: number | null;
}

/** Rewrites float32 tensors; a program without any comes back as it is. */
export function fixedStreams(program: DeviceProgram): { program: DeviceProgram; streams: Streams } {
  const bounds = floatBounds(program);
  const wanted = wantedForms(program, (id) => bounds[id] !== undefined && isHeld(bounds[id]));
  const rewriter = new Rewriter(program, wanted, bounds);
  return rewriter.run();
}

/** Bounds of every value that fixed point can have, as float32 computes it; those of integers too. */
function floatBounds(program: DeviceProgram): (Bounds | undefined)[] {
  const ranges = tensorRanges(program);
  const bounds = program.tensors.map((tensor, id): Bounds | undefined => {
    const range = ranges[id] ?? domainRange(tensor);
    return range && uniform(tensor.shape[2], range.low, range.high);
  });
  for (const instruction of program.instructions) {
    const { output } = instruction;
    const inputs = inputsOf(instruction).map((id) => bounds[id]);
    if (instruction.kind === "conv")
      bounds[output] = sumBounds(
        program,
        instruction,
        ranges[instruction.input] ?? domainRange(program.tensors[instruction.input]!)!,
      );
    else if (isOperation(program, instruction) && inputs.every((b) => b !== undefined))
      bounds[output] = afterOperation(instruction, inputs, program.tensors[output]!);
  }
  return bounds;
}

function sumBounds(program: DeviceProgram, conv: Of<"conv">, input: { low: number; high: number }): Bounds {
  const ranges = convRanges(conv, input);
  return boundsOf(program.tensors[conv.output]!.shape[2], (c) => {
    const { low, high } = ranges[c]!;
    return [low, high, uniform(1, low, high).error[0]!];
  });
}

function isOperation(program: DeviceProgram, instruction: Instruction): instruction is Operation {
  const kinds: readonly string[] = [
    "scale",
    "add",
    "pool",
    "select",
    "gather",
    "pad",
    "concat",
    "conv-float",
  ];
  return isFloat(program.tensors[instruction.output]!) && kinds.includes(instruction.kind);
}

function isFloat({ domain }: ProgramTensor): boolean {
  return domain.kind === "scalar" && domain.type === "f32";
}

const F32: Domain = { kind: "scalar", type: "f32" };
const I32: Domain = { kind: "scalar", type: "i32" };
/** Sums below it times a float32 unit are exact in float64. */
const LARGEST_SUM = 2 ** 29;

class Rewriter {
  readonly #program: DeviceProgram;
  readonly #wanted: Wanted;
  /** Of the program's own tensors. */
  readonly #bounds: readonly (Bounds | undefined)[];
  readonly #made: FixedProgram;
  /** By tensors of the program: what they are in the new one. */
  readonly #same = new Map<TensorId, TensorId>();
  readonly #fixed = new Map<TensorId, Fixed>();
  readonly #layers: CodedLayer[] = [];

  constructor(program: DeviceProgram, wanted: Wanted, bounds: readonly (Bounds | undefined)[]) {
    this.#program = program;
    this.#wanted = wanted;
    this.#bounds = bounds;
    this.#made = new FixedProgram();
    const input = program.tensors[program.input.tensor]!;
    this.#same.set(program.input.tensor, this.#made.add(input.name, input.shape, input.domain));
  }

  run(): { program: DeviceProgram; streams: Streams } {
    const { output, input } = this.#program;
    for (const instruction of this.#program.instructions) this.#rewrite(instruction);
    const made: DeviceProgram = {
      ...this.#program,
      tensors: this.#made.tensors,
      instructions: this.#made.instructions,
      input: { ...input, tensor: this.#same.get(input.tensor)! },
      output: { ...output, tensor: this.#same.get(output.tensor)! },
    };
    const { program, kept } = compacted(made);
    const streams = [...this.#made.streams()].flatMap(([id, stream]) => (kept.has(id) ? [stream] : []));
    const floats = program.tensors
      .filter((t, id) => isFloat(t) && id !== program.output.tensor)
      .map((t) => t.name);
    return {
      program,
      streams: {
        tensors: streams,
        layers: this.#layers,
        floats,
        outputError: this.#outputError(),
      },
    };
  }

  /** Where float32 operations without bounds follow a value in fixed point, there is none. */
  #outputError(): number | null {
    const error = this.#floatErrors.get(this.#program.output.tensor);
    if (error !== undefined) return error;
    return this.#floatErrors.size === 0 ? 0 : null;
  }

  readonly #floatErrors = new Map<TensorId, number>();

  #rewrite(instruction: Instruction): void {
    const { output } = instruction;
    const tensor = this.#program.tensors[output]!;
    if (!isFloat(tensor)) {
      this.#same.set(output, this.#exact(instruction, tensor));
      return;
    }
    if (this.#wanted.fixed[output]) this.#fixed.set(output, this.#fixedOf(instruction as Operation, tensor));
    if (this.#wanted.float[output]) this.#same.set(output, this.#floatOf(instruction, tensor));
  }

  /** Codes, sums and indices. */
  #exact(instruction: Instruction, tensor: ProgramTensor): TensorId {
    const value = instruction.kind === "threshold" ? this.#fixed.get(instruction.input) : undefined;
    return instruction.kind === "threshold" && value !== undefined
      ? fixedThreshold(this.#made, instruction, value, tensor)
      : this.#copied(instruction, tensor);
  }

  #copied(instruction: Instruction, { name, shape, domain }: ProgramTensor): TensorId {
    return this.#made.emit(name, shape, domain, (output) => {
      const inputs = inputsOf(instruction).map((id) => this.#same.get(id)!);
      return {
        ...instruction,
        ...("inputs" in instruction ? { inputs } : { input: inputs[0]! }),
        output,
      } as Instruction;
    });
  }

  /** A tensor that readers want as float32. */
  #floatOf(instruction: Instruction, tensor: ProgramTensor): TensorId {
    const { output, kind } = instruction;
    if (!this.#wanted.isConvertible[output]) return this.#copied(instruction, tensor);
    if (kind !== "scale") {
      const value = this.#fixed.get(output) ?? this.#fixedOf(instruction as Operation, tensor);
      this.#noteFloat(output, value, []);
      return this.#made.float(value, `${tensor.name} as float`);
    }
    const value = this.#fixed.get(instruction.input);
    if (value === undefined) return this.#copied(instruction, tensor);
    const scalars = this.#made.scalars(value);
    const name = this.#fixed.has(output) ? `${tensor.name} as float` : tensor.name;
    const steps: readonly ScaleStep[] = [...floatSteps(scalars), ...instruction.steps];
    this.#noteFloat(output, value, instruction.steps);
    return this.#made.emit(name, tensor.shape, F32, (id) => ({
      kind: "scale",
      input: scalars.tensor,
      output: id,
      steps,
    }));
  }

  /** The error of a float32 that is made of fixed point. */
  #noteFloat(output: TensorId, value: Fixed, steps: readonly ScaleStep[]): void {
    // Conversion, the offset and the unit are rounded once each, on this side only.
    const start = boundsOf(value.bounds.low.length, (c) => {
      const error = value.bounds.error[c]!;
      return [
        value.bounds.low[c]!,
        value.bounds.high[c]!,
        error + 4 * rounding(magnitude(value.bounds, c) + error),
      ];
    });
    const end = afterOperation(
      { kind: "scale", input: 0, output: 0, steps },
      [start],
      this.#program.tensors[output]!,
    );
    // Both sides round in each step.
    const own = afterOperation(
      { kind: "scale", input: 0, output: 0, steps },
      [{ ...start, error: start.error.map(() => 0) }],
      this.#program.tensors[output]!,
    );
    this.#floatErrors.set(
      output,
      end.error.reduce((most, e, c) => Math.max(most, e + own.error[c]!), 0),
    );
  }

  #fixedOf(operation: Operation, tensor: ProgramTensor): Fixed {
    switch (operation.kind) {
      case "scale":
        return this.#scale(operation, tensor);
      case "add": {
        const [a, b] = operation.inputs.map((id) => this.#source(id)) as [Fixed, Fixed];
        return this.#made.sum([a, b], tensor.name);
      }
      case "conv-float":
        return this.#conv(operation, tensor);
      case "concat":
        return this.#concat(operation, tensor);
      case "pool":
        return this.#pool(operation, tensor);
      default:
        return this.#moved(operation, tensor);
    }
  }

  /** A value of the program as fixed point; integers as what they are. */
  #source(id: TensorId): Fixed {
    const known = this.#fixed.get(id);
    if (known !== undefined) return known;
    return { tensor: this.#same.get(id)!, unit: Float64Array.of(1), offset: 0, bounds: this.#bounds[id]! };
  }

  #scale({ input, steps }: Of<"scale">, tensor: ProgramTensor): Fixed {
    const value = this.#source(input);
    const channels = tensor.shape[2];
    const segments = segmentsOf(steps, channels);
    const [only] = segments;
    if (segments.length === 1 && only!.steps.length === 0) return value;
    if (segments.length === 1) {
      const lazy = this.#unmoved(value, only!, tensor);
      if (lazy !== undefined) return lazy;
    }
    return segments.reduce((from, segment, i) => {
      const name = i === segments.length - 1 ? tensor.name : `${tensor.name}, step ${i + 1}`;
      const after = afterOperation(
        { kind: "scale", input: 0, output: 0, steps: segment.steps },
        [from.bounds],
        tensor,
      );
      return this.#made.requantized(from, segment, after, name);
    }, value);
  }

  /** Stored inputs and codes that stand for multiples, the same on all channels: they stay as they are stored. */
  #unmoved(
    value: Fixed,
    { line, below, least, most, steps }: ReturnType<typeof segmentsOf>[number],
    tensor: ProgramTensor,
  ): Fixed | undefined {
    const { domain } = this.#made.tensorOf(value);
    if (below !== undefined || least > -Infinity || most < Infinity || value.unit.length > 1)
      return undefined;
    if (domain.kind === "scalar" && domain.type === "i32") return undefined;
    const [slope, move] = [line.slope[0]!, line.offset[0]!];
    if (!(slope > 0) || !line.slope.every((m) => m === slope) || !line.offset.every((b) => b === move))
      return undefined;
    const unit = slope * value.unit[0]!;
    const offset = value.offset + move / unit;
    if (!Number.isInteger(offset) || Math.abs(offset) > 2 ** 15 || (offset !== 0 && domain.kind === "codes"))
      return undefined;
    const bounds = afterOperation({ kind: "scale", input: 0, output: 0, steps }, [value.bounds], tensor);
    return { tensor: value.tensor, unit: Float64Array.of(unit), offset, bounds };
  }

  #conv(conv: Of<"conv-float">, tensor: ProgramTensor): Fixed {
    const { weights, window, groups } = conv;
    const [, , outputs] = tensor.shape;
    const value = this.#narrow(this.#source(conv.input));
    const unit = value.unit[0]!;
    const { matrix, units, coded } = codedWeights(weights, outputs, unit);
    const range = this.#storedRange(value);
    const sums = convRanges({ ...conv, kind: "conv", weights: matrix, padValue: 0, inputOffset: 0 }, range);
    if (sums.some(({ low, high }) => -low > LARGEST_SUM || high > LARGEST_SUM)) {
      // Fewer bits of the input: weights have no more than eight.
      const excess = Math.max(...sums.map(({ low, high }) => Math.max(-low, high))) / LARGEST_SUM;
      const stream = this.#made.narrowed(value);
      const fraction = this.#made.fractionOf(stream)! - Math.ceil(Math.log2(excess)) - 1;
      this.#fixed.set(conv.input, this.#made.narrowed(stream, fraction));
      return this.#conv(conv, tensor);
    }
    const after = afterOperation(conv, [value.bounds], tensor);
    const taps = weights.length / outputs;
    let weightError = 0;
    const bounds = boundsOf(outputs, (n) => {
      let error = after.error[n]!;
      for (let k = 0; k < taps; k++) {
        const off = Math.abs(weights[n * taps + k]! - coded[n * taps + k]!);
        const c = channelOf(conv, value.bounds.low.length, outputs, n, k);
        weightError = Math.max(weightError, off);
        error += off * (magnitude(value.bounds, c) + value.bounds.error[c]!);
      }
      return [after.low[n]!, after.high[n]!, error];
    });
    const sumsTensor = this.#made.emit(tensor.name, tensor.shape, I32, (output) => ({
      kind: "conv",
      input: value.tensor,
      output,
      weights: matrix,
      window,
      groups,
      padValue: 0,
      inputOffset: value.offset,
    }));
    this.#layers.push({ layer: tensor.name, weightError });
    return { tensor: sumsTensor, unit: units, offset: 0, bounds };
  }

  /** What a convolution reads: one unit, and no sums of 32 bits. */
  #narrow(value: Fixed): Fixed {
    const { domain } = this.#made.tensorOf(value);
    const isWide = domain.kind === "scalar" && domain.type === "i32";
    return isWide || value.unit.length > 1 ? this.#made.narrowed(value) : value;
  }

  /** What the stored numbers stand for, in units. */
  #storedRange(value: Fixed): { low: number; high: number } {
    const { low, high } = this.#made.rangeOf(value.tensor);
    return { low: low + value.offset, high: high + value.offset };
  }

  #pool(pool: Of<"pool">, tensor: ProgramTensor): Fixed {
    const source = this.#source(pool.input);
    const isSum = pool.operator === "sum";
    const { domain } = this.#made.tensorOf(source);
    const isWide = domain.kind === "scalar" && domain.type === "i32";
    const value = isSum && (source.offset !== 0 || isWide) ? this.#made.narrowed(source) : source;
    const bounds = afterOperation(pool, [value.bounds], tensor);
    const to = isSum ? I32 : this.#made.tensorOf(value).domain;
    const pooled = this.#made.emit(tensor.name, tensor.shape, to, (output) => ({
      ...pool,
      input: value.tensor,
      output,
    }));
    return this.#like(value, pooled, bounds);
  }

  #concat({ inputs }: Of<"concat">, tensor: ProgramTensor): Fixed {
    const parts = inputs.map((id) => this.#made.narrowed(this.#source(id)));
    const coarsest = (values: readonly Fixed[]): number =>
      Math.min(...values.map((v) => this.#made.fractionOf(v)!));
    let fraction = coarsest(parts);
    let equal = parts.map((v) => this.#made.narrowed(v, fraction));
    // A part that gets a coarser unit than it was asked for, to fit 16 bits, makes the others follow.
    for (; coarsest(equal) < fraction; equal = parts.map((v) => this.#made.narrowed(v, fraction)))
      fraction = coarsest(equal);
    const bounds = afterOperation(
      { kind: "concat", inputs: [], output: 0 },
      equal.map((v) => v.bounds),
      tensor,
    );
    const joined = this.#made.emit(tensor.name, tensor.shape, { kind: "scalar", type: "i16" }, (output) => ({
      kind: "concat",
      inputs: equal.map((v) => v.tensor),
      output,
    }));
    return this.#made.stream(joined, fraction, bounds);
  }

  #moved(move: Of<"select" | "gather" | "pad">, tensor: ProgramTensor): Fixed {
    const source = this.#source(move.input);
    const isPlain = source.unit.length === 1 && move.kind !== "pad";
    let value = isPlain ? source : this.#made.narrowed(source);
    let stored = 0;
    if (move.kind === "pad") {
      // The border must fit 16 bits too.
      const room = Math.floor(Math.log2(32766 / Math.max(Math.abs(move.fill), 2 ** -20)));
      value = this.#made.narrowed(value, Math.min(room, this.#made.fractionOf(value)!));
      stored = Math.round(move.fill / value.unit[0]!);
    }
    const after = afterOperation(move, [value.bounds], tensor);
    const lost = move.kind === "pad" ? Math.abs(stored * value.unit[0]! - move.fill) : 0;
    const bounds = { ...after, error: after.error.map((e) => Math.max(e, lost)) };
    const moved = this.#made.emit(tensor.name, tensor.shape, this.#made.tensorOf(value).domain, (output) => ({
      ...move,
      input: value.tensor,
      output,
      ...(move.kind === "pad" ? { fill: stored } : {}),
    }));
    return this.#like(value, moved, bounds);
  }

  /** A tensor whose elements mean the same as another's. */
  #like(value: Fixed, tensor: TensorId, bounds: Bounds): Fixed {
    const fraction = this.#made.fractionOf(value);
    const { domain } = this.#made.tensors[tensor]!;
    const isStream = fraction !== undefined && domain.kind === "scalar" && domain.type === "i16";
    return isStream ? this.#made.stream(tensor, fraction, bounds) : { ...value, tensor, bounds };
  }
}
