import { domainRange } from "../program/ranges.js";
import {
  type CodeMatrix,
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  type TensorId,
} from "../program/types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;
type Pool = Extract<Instruction, { kind: "pool" }>;

/** A convolution, its thresholds, perhaps a pool of the codes, and the convolutions that read what comes out. */
interface Layer {
  readonly conv: Conv;
  readonly threshold: Threshold;
  readonly pool: Pool | undefined;
  readonly readers: readonly Conv[];
}

/**
 * Channels that no sum depends on are left out: those that always stand for 0, as pruned ones and those behind a gate
 * of 0, and those whose weights in all readers are 0. Nothing else changes; a layer keeps at least one channel.
 */
export function deadChannels(program: DeviceProgram): DeviceProgram {
  let result = program;
  // Backwards: what only dead channels read is dead too.
  for (let index = program.instructions.length - 1; index >= 0; index--) {
    const layer = layerAt(result, index);
    if (layer === undefined) continue;
    const live = liveChannels(result, layer);
    if (live.length < layer.conv.weights.outputs) result = withChannels(result, layer, live);
  }
  return result;
}

function layerAt(program: DeviceProgram, index: number): Layer | undefined {
  const conv = program.instructions[index]!;
  if (conv.kind !== "conv" || conv.groups !== 1) return undefined;
  const [threshold, ...others] = readersOf(program, conv.output);
  if (threshold?.kind !== "threshold" || others.length > 0) return undefined;
  const readers = readersOf(program, threshold.output);
  const [first] = readers;
  const pool = first?.kind === "pool" && readers.length === 1 ? first : undefined;
  if (pool?.operator === "sum") return undefined;
  const last = pool === undefined ? readers : readersOf(program, pool.output);
  const convs = last.flatMap((i) => (i.kind === "conv" && i.groups === 1 ? [i] : []));
  if (convs.length < last.length || convs.length === 0) return undefined;
  const made = [conv.output, threshold.output, pool?.output];
  return made.includes(program.output.tensor) ? undefined : { conv, threshold, pool, readers: convs };
}

function readersOf(program: DeviceProgram, tensor: TensorId): readonly Instruction[] {
  return program.instructions.filter((i) => inputsOf(i).includes(tensor));
}

function liveChannels(program: DeviceProgram, layer: Layer): number[] {
  const channels = Array.from({ length: layer.conv.weights.outputs }, (_, c) => c);
  const live = channels.filter((c) => !isAlwaysZero(program, layer, c) && !isUnread(layer, c));
  return live.length === 0 ? [0] : live;
}

/** Whether every reader multiplies the channel by 0, at all taps. */
function isUnread({ conv, readers }: Layer, channel: number): boolean {
  return readers.every(({ weights: { codes, step, offset } }) =>
    codes.every((code, i) => i % conv.weights.outputs !== channel || step * code + offset === 0),
  );
}

/** Whether the channel's code is the same for all sums, stands for 0, and is no other number outside the map. */
function isAlwaysZero(program: DeviceProgram, { conv, threshold, readers }: Layer, channel: number): boolean {
  const { domain } = program.tensors[threshold.output]!;
  if (domain.kind !== "codes") return false;
  const row = threshold.flipped.length === 1 ? 0 : channel;
  const { levels } = threshold;
  const limits = threshold.thresholds.subarray(row * levels, (row + 1) * levels);
  const [least, greatest] = sumRange(program.tensors[conv.input]!, conv, channel).map(
    (sum) => limits.filter((t) => sum >= t).length,
  ) as [number, number];
  const code = threshold.flipped[row] === 1 ? levels - least : least;
  const isConstant = least === greatest && domain.step * code + domain.offset === 0;
  return isConstant && readers.every((r) => r.padValue === 0 || r.window.pads.every((n) => n === 0));
}

/** Bounds of an output's sums, by what each tap can be. */
function sumRange(input: ProgramTensor, conv: Conv, output: number): [number, number] {
  const { low, high } = domainRange(input)!;
  const ends = [
    Math.min(low + conv.inputOffset, conv.padValue),
    Math.max(high + conv.inputOffset, conv.padValue),
  ];
  const { inputs, codes, step, offset } = conv.weights;
  let [least, greatest] = [0, 0];
  for (const code of codes.subarray(output * inputs, (output + 1) * inputs)) {
    const products = ends.map((x) => x * (step * code + offset));
    least += Math.min(...products);
    greatest += Math.max(...products);
  }
  return [least, greatest];
}

/** The program with these channels of the layer only. */
function withChannels(program: DeviceProgram, layer: Layer, live: readonly number[]): DeviceProgram {
  const { conv, threshold, pool, readers } = layer;
  const replaced = new Map<Instruction, Instruction>([
    [conv, { ...conv, weights: withRows(conv.weights, live) }],
    [threshold, withThresholds(threshold, live)],
    ...readers.map((r): [Conv, Conv] => [
      r,
      { ...r, weights: withColumns(r.weights, conv.weights.outputs, live) },
    ]),
  ]);
  const shrunk = new Set([conv.output, threshold.output, pool?.output]);
  return {
    ...program,
    tensors: program.tensors.map((tensor, id): ProgramTensor => {
      const [height, width] = tensor.shape;
      return shrunk.has(id) ? { ...tensor, shape: [height, width, live.length] } : tensor;
    }),
    instructions: program.instructions.map((i) => replaced.get(i) ?? i),
  };
}

function withRows(weights: CodeMatrix, live: readonly number[]): CodeMatrix {
  const { inputs, codes } = weights;
  const kept = live.flatMap((n) => Array.from(codes.subarray(n * inputs, (n + 1) * inputs)));
  return { ...weights, outputs: live.length, codes: Uint8Array.from(kept) };
}

/** Channels are innermost in a row. */
function withColumns(weights: CodeMatrix, channels: number, live: readonly number[]): CodeMatrix {
  const isLive = new Set(live);
  const codes = weights.codes.filter((_, i) => isLive.has(i % channels));
  return { ...weights, inputs: (weights.inputs / channels) * live.length, codes };
}

function withThresholds(threshold: Threshold, live: readonly number[]): Threshold {
  const { levels, thresholds, flipped } = threshold;
  if (flipped.length === 1) return threshold;
  const kept = live.flatMap((c) => Array.from(thresholds.subarray(c * levels, (c + 1) * levels)));
  return {
    ...threshold,
    thresholds: Int32Array.from(kept),
    flipped: Uint8Array.from(live, (c) => flipped[c]!),
  };
}
