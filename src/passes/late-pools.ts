import {
  type CodeMatrix,
  type CodesDomain,
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type TensorId,
} from "../program/types.js";
import { mirrorOf } from "./mirror.js";

type Conv = Extract<Instruction, { kind: "conv" | "conv-bases" }>;
type Pool = Extract<Instruction, { kind: "pool" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/**
 * Pools sums after their thresholds where lowering could not, because channels rise and fall: a falling channel
 * gets the complement of its codes, `levels − code`, which rises, and whose greatest is the complement of what
 * is wanted. The complement of ±1 is its negative, and the convolutions that read it negate their weights of
 * that channel. So no map of 32-bit sums is kept for the pool.
 */
export function latePools(program: DeviceProgram): DeviceProgram {
  let result = program;
  for (const pool of program.instructions) {
    if (pool.kind === "pool") result = exchanged(result, pool) ?? result;
  }
  return result;
}

function exchanged(program: DeviceProgram, pool: Pool): DeviceProgram | undefined {
  const threshold = onlyReader(program, pool.output);
  if (pool.operator !== "maximum" || threshold?.kind !== "threshold") return undefined;
  if (threshold.table !== undefined) return undefined;
  if (onlyReader(program, pool.input) !== pool || !isSums(program, pool.input)) return undefined;
  const { domain } = program.tensors[threshold.output]!;
  const isMixed = threshold.flipped.includes(1) && threshold.flipped.length > 1;
  if (!isMixed || domain.kind !== "codes") return undefined;
  const channels = indicesOf(threshold.flipped);
  const readers = readersOf(program, threshold.output);
  const convs = readers.map((reader) =>
    isSymmetric(reader, domain, threshold.levels) ? negated(program, reader, channels) : undefined,
  );
  if (convs.includes(undefined) || program.output.tensor === threshold.output) return undefined;
  const replaced = new Map<Instruction, Instruction>(readers.map((reader, i) => [reader, convs[i]!]));
  replaced.set(pool, rising(threshold, pool));
  replaced.set(threshold, { ...pool, input: pool.output, output: threshold.output });
  const { name } = program.tensors[threshold.output]!;
  const { shape } = program.tensors[pool.input]!;
  return {
    ...program,
    tensors: program.tensors.with(pool.output, { name: `${name} before pooling`, shape, domain }),
    instructions: program.instructions.map((i) => replaced.get(i) ?? i),
  };
}

/** The threshold on the pool's input, with codes that rise on all channels. */
function rising(threshold: Threshold, pool: Pool): Threshold {
  return { ...threshold, input: pool.input, output: pool.output, flipped: threshold.flipped.map(() => 0) };
}

/** Whether `levels − code` stands for the negative of what `code` stands for: for planes, of each plane's number. */
function isSymmetric(reader: Instruction, { bits, step, offset }: CodesDomain, levels: number): boolean {
  if (reader.kind !== "conv-bases") return 2 * offset + step * levels === 0;
  return levels === 2 ** bits - 1 && 2 * reader.planes.offset + reader.planes.step === 0;
}

/** The reader with the weights of these input channels negated; undefined if it is not one that allows it. */
function negated(program: DeviceProgram, reader: Instruction, channels: readonly number[]): Conv | undefined {
  if (reader.kind !== "conv" && reader.kind !== "conv-bases") return undefined;
  // A tap outside the map has its value whatever the channel's codes stand for.
  const isNeutral = reader.kind === "conv" ? reader.padValue === 0 : reader.padCode === undefined;
  if (!isNeutral && reader.window.pads.some((n) => n > 0)) return undefined;
  const perGroup = program.tensors[reader.input]!.shape[2] / reader.groups;
  const turned = (weights: CodeMatrix): CodeMatrix | undefined =>
    negatedColumns(weights, reader.groups, perGroup, channels);
  if (reader.kind === "conv") {
    const weights = turned(reader.weights);
    return weights && { ...reader, weights };
  }
  const bases = reader.bases.flatMap((basis) => turned(basis) ?? []);
  return bases.length === reader.bases.length ? { ...reader, bases } : undefined;
}

function negatedColumns(
  weights: CodeMatrix,
  groups: number,
  perGroup: number,
  channels: readonly number[],
): CodeMatrix | undefined {
  const codes = weights.codes.slice();
  const isNegated = new Uint8Array(groups * perGroup);
  for (const channel of channels) isNegated[channel] = 1;
  for (let i = 0; i < codes.length; i++) {
    const output = Math.floor(i / weights.inputs);
    const group = Math.floor(output / (weights.outputs / groups));
    if (isNegated[group * perGroup + ((i % weights.inputs) % perGroup)] === 0) continue;
    const mirrored = mirrorOf(weights, codes[i]!);
    if (mirrored === undefined) return undefined;
    codes[i] = mirrored;
  }
  return { ...weights, codes };
}

function readersOf(program: DeviceProgram, tensor: TensorId): readonly Instruction[] {
  return program.instructions.filter((i) => inputsOf(i).includes(tensor));
}

function onlyReader(program: DeviceProgram, tensor: TensorId): Instruction | undefined {
  const readers = readersOf(program, tensor);
  return readers.length === 1 && program.output.tensor !== tensor ? readers[0] : undefined;
}

function isSums(program: DeviceProgram, tensor: TensorId): boolean {
  const { domain } = program.tensors[tensor]!;
  return domain.kind === "scalar" && (domain.type === "i32" || domain.type === "f32");
}

function indicesOf(flags: Uint8Array): readonly number[] {
  return [...flags.keys()].filter((c) => flags[c] === 1);
}
