import { shapeText } from "../diagnostics/text.js";
import { constantBytes, type Plan, type PlannedStream } from "../plan/index.js";
import {
  canonicalSize,
  type DeviceProgram,
  domainText,
  type Instruction,
  powerRange,
  powersText,
} from "../program/index.js";
import { textTable } from "./table.js";

/** What a compiled model costs, as data: part of every command's `--json`. */
export interface Summary {
  readonly input: { readonly shape: readonly number[]; readonly type: string; readonly bytes: number };
  readonly output: { readonly shape: readonly number[]; readonly type: string; readonly bytes: number };
  readonly layers: readonly LayerSummary[];
  readonly weightBytes: number;
  readonly arenaBytes: number;
  readonly arenaLowerBound: number;
  /** Whether no placement of the same buffers needs fewer bytes. */
  readonly arenaProven: boolean;
  /** Bytes of each bank; null where the arena is one. */
  readonly arenaBanks: readonly number[] | null;
  readonly integerOnly: boolean;
  /** Present where the input is given sample by sample. */
  readonly stream?: StreamSummary;
}

export interface StreamSummary {
  readonly warmUpSamples: number;
  readonly samplesPerOutput: number;
  /** Whether outputs follow from all samples since the start, not from the last ones alone. */
  readonly isCausal: boolean;
}

export interface LayerSummary {
  readonly layer: string;
  readonly kernel: string;
  /** Shapes, height × width × channels. */
  readonly inputs: string;
  readonly outputs: string;
  readonly inputCodes: string;
  readonly weightCodes: string;
  readonly constantBytes: number;
  readonly scratchBytes: number;
  /** Whether it reads or writes float32. */
  readonly isFloat: boolean;
}

/** Sizes and kernels of a plan. */
export function summarize(plan: Plan): Summary {
  const { program, memory } = plan;
  const input = program.tensors[program.input.tensor]!;
  const output = program.tensors[program.output.tensor]!;
  return {
    input: { shape: program.input.modelShape, type: domainText(input.domain), bytes: canonicalSize(input) },
    output: {
      shape: program.output.modelShape,
      type: domainText(output.domain),
      bytes: canonicalSize(output),
    },
    layers: plan.steps.map((_, index) => layerSummary(program, plan, index)),
    weightBytes: plan.weightBytes,
    arenaBytes: memory.arenaBytes,
    arenaLowerBound: memory.lowerBound,
    arenaProven: memory.proven,
    arenaBanks: memory.banks ?? null,
    integerOnly: !program.tensors.some((t) => t.domain.kind === "scalar" && t.domain.type === "f32"),
    ...(plan.stream === undefined ? {} : { stream: streamSummary(plan.stream) }),
  };
}

function streamSummary({ warmUp, perOutput, isCausal }: PlannedStream): StreamSummary {
  return { warmUpSamples: warmUp, samplesPerOutput: perOutput, isCausal };
}

function layerSummary(program: DeviceProgram, plan: Plan, index: number): LayerSummary {
  const { choice, symbol } = plan.steps[index]!;
  const first = program.instructions[choice.covers[0] ?? -1];
  return {
    layer: symbol,
    kernel: choice.kernel,
    inputs: shapeText(program.tensors[choice.inputs[0]!]!.shape),
    outputs: shapeText(program.tensors[choice.output]!.shape),
    inputCodes: domainText(program.tensors[choice.inputs[0]!]!.domain),
    weightCodes: weightsText(first),
    constantBytes: constantBytes(choice),
    scratchBytes: choice.scratchBytes,
    isFloat: [...choice.inputs, choice.output].some((id) => {
      const { domain } = program.tensors[id]!;
      return domain.kind === "scalar" && domain.type === "f32";
    }),
  };
}

/** What the weights are, empty where there are none or any floats. */
function weightsText(instruction: Instruction | undefined): string {
  if (instruction?.kind === "conv-float") {
    const powers = powerRange(instruction.weights);
    return powers === undefined ? "" : powersText(powers);
  }
  const codes =
    instruction?.kind === "conv"
      ? [instruction.weights]
      : instruction?.kind === "conv-bases"
        ? instruction.bases
        : [];
  return codes.map((w) => domainText({ kind: "codes", ...w })).join(" and ");
}

/** Which layers read or write float32, first and last if there are many. */
function floatText(layers: readonly LayerSummary[]): string {
  const names = layers.filter((l) => l.isFloat).map((l) => l.layer);
  if (names.length <= 3) return `float32 in ${names.join(", ") || "the output"}`;
  return `float32 in ${names.length} of ${layers.length} layers, ${names[0]} to ${names.at(-1)}`;
}

/** What is known of the arena's size. */
function arenaText({ arenaBytes, arenaLowerBound, arenaProven }: Summary): string {
  if (arenaBytes === arenaLowerBound) return "the lower bound of these layers: proven";
  const bound = `lower bound ${arenaLowerBound}`;
  return arenaProven ? `${bound}: proven that none of less suffices` : `${bound}: not proven`;
}

function banksText({ arenaBanks }: Summary): string {
  return arenaBanks === null ? "" : ` in banks of ${arenaBanks.join(", ")}`;
}

/** The summary as text. */
export function summaryText(summary: Summary): string {
  const layers = textTable(
    ["layer", "in", "input", "out", "weights", "flash B", "scratch B"],
    summary.layers.map((l) => [
      l.layer,
      l.inputs,
      l.inputCodes,
      l.outputs,
      l.weightCodes,
      l.constantBytes,
      l.scratchBytes,
    ]),
  );
  const { input, output, stream } = summary;
  return [
    `input   ${shapeText(input.shape)} ${input.type}, ${input.bytes} bytes`,
    `output  ${shapeText(output.shape)} ${output.type}, ${output.bytes} bytes`,
    "",
    layers,
    "",
    `flash   ${summary.weightBytes} bytes of weights and thresholds`,
    `RAM     ${summary.arenaBytes} bytes of arena${banksText(summary)} (${arenaText(summary)}), plus input and output`,
    ...(stream === undefined ? [] : [streamText(stream)]),
    `float   ${summary.integerOnly ? "none: integer arithmetic only" : floatText(summary.layers)}`,
  ].join("\n");
}

function streamText({ warmUpSamples, samplesPerOutput, isCausal }: StreamSummary): string {
  const every = samplesPerOutput === 1 ? "every sample" : `every ${samplesPerOutput} samples`;
  const from = isCausal ? "all samples since the start" : `the last ${warmUpSamples} samples`;
  return `stream  an output after ${warmUpSamples} samples, then after ${every}, from ${from}`;
}
