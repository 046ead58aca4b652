/** The data that the library templates show, made from a plan. No text is decided here but C expressions. */

import { readFileSync } from "node:fs";
import { packageFile } from "../assets/package-files.js";
import { type Layout, rowBytes } from "../kernels/layout.js";
import { rankDescriptor, scaleDescriptor, scaleHeaders } from "../kernels/outputs.js";
import type { ConstantArray, KernelCall } from "../kernels/types.js";
import {
  ARENA_ALIGN,
  type Place,
  type Plan,
  type PlannedCall,
  type PlannedStep,
  type PushedRows,
  type TraceCall,
} from "../plan/index.js";
import { canonicalSize, crc32, elementCount, type ProgramTensor, type TensorId } from "../program/index.js";
import { arenasOf, placeText } from "./arenas.js";
import { arrayText, constantBytes, hex } from "./c-data.js";
import { imageHelpers, signalHelpers } from "./input-helpers.js";
import { commentText, layerIdentifiers } from "./names.js";
import { groupSymbol, partsOf } from "./parts.js";
import { sectionMacro, weightSections } from "./sections.js";

/** Must equal BITLOOM_RUNTIME_VERSION in runtime-c/bitloom_runtime.h (a test compares them). */
export const RUNTIME_VERSION = 4;

const C_TYPES = { u8: "uint8_t", i8: "int8_t", i16: "int16_t", i32: "int32_t", f32: "float" } as const;

interface ConstantView {
  readonly type: string;
  readonly symbol: string;
  readonly count: number;
  readonly layout: string;
  readonly text: string;
  readonly traceOnly: boolean;
  /** Step of the plan that uses it; data of the output helpers come after the last. */
  readonly layer: number;
  /** Macro that says which section it lies in. */
  readonly section: string;
  readonly bytes: Uint8Array;
}

interface DescriptorView {
  readonly type: string;
  readonly symbol: string;
  readonly traceOnly: boolean;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  readonly steps:
    | readonly { readonly operand: string; readonly operator: string; readonly flags: string }[]
    | false;
}

export type LibraryView = ReturnType<typeof libraryView>;

export function libraryView(plan: Plan, name: string, version: string) {
  const { program, memory } = plan;
  const data = new DataCollector(name);
  const identifiers = layerIdentifiers(plan.steps.map((step) => program.tensors[step.choice.output]!.name));
  const layers = plan.steps.map((step, index) => ({
    ...layerView(plan, step, index, data),
    identifier: identifiers[index]!,
  }));
  const arenas = arenasOf(plan, layers);
  const output = outputView(plan, data);
  const image = imageHelpers(program);
  const inputHeaders = image === false ? [] : ["bitloom_image.h"];
  const runtimeFiles = runtimeFilesOf(plan, output.headers, inputHeaders);
  return {
    name,
    NAME: name.toUpperCase(),
    version,
    title: libraryTitle(plan),
    runtimeVersion: RUNTIME_VERSION,
    modelCrc: hex(data.crc),
    modelCrcValue: data.crc,
    arenaBytes: memory.arenaBytes,
    arenas,
    banks: memory.banks === undefined ? (false as const) : { count: memory.banks.length },
    arenaAlign: ARENA_ALIGN,
    weightBytes: plan.weightBytes,
    tensorCount: program.tensors.length,
    inputTensor: program.input.tensor,
    input: inputView(plan),
    image,
    signal: signalHelpers(program),
    output,
    layers,
    parts: partsOf(plan, name, layers, arenas),
    push: pushView(plan, data),
    stream: streamView(plan, name),
    /** Counters in the context, where it keeps state between calls. */
    counters: plan.push === undefined ? 0 : plan.groups[0]!.to - plan.groups[0]!.from + 2,
    canFail: layers.some((l) => l.canFail),
    constants: data.constants,
    sections: weightSections(name, data.parts, layers),
    hasInfinity: data.constants.some((c) => c.text.includes("INFINITY")),
    descriptors: data.descriptors,
    checksums: data.checksums,
    headers: ["bitloom_runtime.h", ...runtimeFiles.filter((f) => f.endsWith(".h") && isLayerHeader(f))],
    runtimeFiles,
  };
}

/** Gathers the constants and descriptors of all layers in the order in which they are written. */
class DataCollector {
  readonly constants: ConstantView[] = [];
  readonly descriptors: DescriptorView[] = [];
  /** What has a section of its own for its constants: layers, in order, and the output's helpers. */
  readonly parts = new Set<string>();
  crc = 0;
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /**
   * Adds a call's data under `<prefix>_<symbol>`, and returns that name. `layer` is the step of the plan that
   * uses them, and `part` what they share a section with.
   */
  add(
    layer: number,
    symbol: string,
    call: Pick<KernelCall, "type" | "fields" | "steps" | "constants">,
    traceOnly: boolean,
    part = `layer${layer}`,
  ): string {
    const base = `${this.#prefix}_${symbol}`;
    if (call.constants.length > 0) this.parts.add(part);
    for (const constant of call.constants) {
      this.#constant(layer, `${base}_${constant.name}`, constant, traceOnly, part);
    }
    this.descriptors.push({
      type: call.type,
      symbol: base,
      traceOnly,
      fields: [
        ...(call.steps === undefined
          ? []
          : [{ name: "steps", value: call.steps.length === 0 ? "NULL" : `${base}_steps` }]),
        ...call.fields.map(([field, value]) => ({ name: field, value: fieldText(base, value) })),
      ],
      steps:
        call.steps === undefined || call.steps.length === 0
          ? false
          : call.steps.map(({ operand, operator, perChannel, perColumn, perRow }) => ({
              operand: operand === null ? "NULL" : `${base}_${operand}`,
              operator,
              flags: [perChannel, perColumn, perRow].map((flag) => (flag ? "1U" : "0U")).join(", "),
            })),
    });
    return base;
  }

  /** One checksum per layer, so that a self-test can say where the damage is. */
  get checksums(): { readonly layer: number; readonly symbols: readonly string[]; readonly crc: string }[] {
    const stored = this.constants.filter((c) => !c.traceOnly);
    return [...new Set(stored.map((c) => c.layer))].map((layer) => {
      const own = stored.filter((c) => c.layer === layer);
      const crc = own.reduce((sum, c) => crc32(c.bytes, sum), 0);
      return { layer, symbols: own.map((c) => c.symbol), crc: hex(crc) };
    });
  }

  #constant(layer: number, symbol: string, constant: ConstantArray, traceOnly: boolean, part: string): void {
    const bytes = constantBytes(constant);
    if (!traceOnly) this.crc = crc32(bytes, this.crc);
    this.constants.push({
      type: constant.type,
      symbol,
      count: constant.values.length,
      layout: constant.layout,
      text: arrayText(constant.type, constant.values),
      traceOnly,
      layer,
      section: sectionMacro(this.#prefix, part),
      bytes,
    });
  }
}

function fieldText(base: string, value: KernelCall["fields"][number][1]): string {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `${base}_${value.constant}`;
}

function layerView(plan: Plan, step: PlannedStep, index: number, data: DataCollector) {
  const { program } = plan;
  const { trace, rolled } = step;
  const isRolled = rolled !== undefined;
  const view = callView(plan, step, index, data, false, isRolled);
  const { output } = step.choice;
  const label = commentText(program.tensors[output]!.name);
  return {
    ...view,
    index,
    label,
    layerSymbol: step.symbol,
    comment: `${commentText(step.choice.kernel)}: ${label}`,
    traceBefore: trace.before.map((call) => traceView(plan, call, index, data, false)),
    traceAfter: trace.after.map((call) => traceView(plan, call, index, data, isRolled)),
    reports: trace.reports === undefined ? (false as const) : reportView(plan, trace.reports),
  };
}

/** A call of the runtime: the function that wraps it and the places of its data. */
function callView(
  plan: Plan,
  call: PlannedCall,
  layer: number,
  data: DataCollector,
  traceOnly: boolean,
  byRows: boolean,
) {
  const { program } = plan;
  const { choice, symbol } = call;
  const descriptor = data.add(layer, symbol, choice.call, traceOnly);
  const output = program.tensors[choice.output]!;
  return {
    symbol: `${descriptor}_run`,
    canFail: choice.call.canFail,
    function: choice.call.function,
    descriptor,
    /** Whether the function takes the rows that it computes; all of them otherwise. */
    byRows,
    outputRows: output.shape[0],
    inputs: choice.inputs.map((id, i) => ({
      parameter: choice.inputs.length === 1 ? "input" : `input${i}`,
      ...rowsOf(program.tensors[id]!, choice.inputLayouts[i]!, call.inputs[i]!),
      place: placeText(plan.memory, call.inputs[i]!),
    })),
    output: {
      ...rowsOf(output, choice.outputLayout, call.output),
      place: placeText(plan.memory, call.output),
    },
    scratch: call.scratch === undefined ? "NULL" : placeText(plan.memory, call.scratch),
  };
}

function traceView(plan: Plan, call: TraceCall, layer: number, data: DataCollector, byRows: boolean) {
  const { reports, output } = call;
  return {
    ...callView(plan, call, layer, data, true, byRows),
    reports: reports === undefined ? (false as const) : reportView(plan, { tensor: reports, place: output }),
  };
}

/** How rows of the input are taken; false where it is read whole. */
function pushView(plan: Plan, data: DataCollector) {
  const { push, stream } = plan;
  if (push === undefined || stream !== undefined) return false as const;
  const group = plan.groups[0]!;
  const rows = group.clock.rows;
  return {
    ...givenRows(plan, push),
    band: group.clock.band,
    moreTicks: group.ticks - Math.ceil(rows / group.clock.band),
    copy: push.copy === undefined ? (false as const) : traceView(plan, push.copy, 0, data, true),
  };
}

/** How samples of a stream are taken; false where the input has an end. */
function streamView(plan: Plan, name: string) {
  const { push, stream, steps } = plan;
  if (push === undefined || stream === undefined) return false as const;
  const { strides, period, stepsBackAt, warmUp, perOutput, isCausal } = stream;
  const given = givenRows(plan, push);
  return {
    ...given,
    symbol: groupSymbol(name, 0),
    /** The counter of outputs. */
    last: steps.length,
    /** By counter: its rows in a period. */
    periods: [period, ...steps.map(({ choice }) => period / strides[choice.output]!)],
    ...{ stepsBackAt, warmUp, perOutput, isCausal },
    /** Whether the model's own window ends with samples that no layer reads. */
    unread: given.height > warmUp,
    spare: placeText(plan.memory, stream.spare!),
  };
}

/** One row of an input that is given row by row, and where it is put. */
function givenRows({ program, memory }: Plan, { place }: PushedRows) {
  const input = program.tensors[program.input.tensor]!;
  const rows = input.shape[0];
  return {
    ...rowsOf(input, "channels", place),
    place: placeText(memory, place),
    height: rows,
    count: elementsOf(input).count / rows,
    bytes: canonicalSize(input) / rows,
  };
}

/** A canonical tensor that trace builds report. */
function reportView(plan: Plan, { tensor, place }: { tensor: TensorId; place: Place }) {
  return {
    tensor,
    place: placeText(plan.memory, place),
    bytes: canonicalSize(plan.program.tensors[tensor]!),
  };
}

function inputView(plan: Plan) {
  const { program } = plan;
  const tensor = program.tensors[program.input.tensor]!;
  const { affine, modelShape, step } = program.input;
  const { type, count } = elementsOf(tensor);
  const shape = modelShape.join("x");
  const steps = step === undefined ? "" : ` in steps of ${step}`;
  const meaning =
    affine === undefined
      ? ""
      : `, value ${offset(affine.zero)} * ${affine.numerator}/${affine.denominator}${steps}`;
  return {
    type,
    count,
    bytes: canonicalSize(tensor),
    affine: affine ?? (false as const),
    canFail: type === "float",
    isChecked: checksInput(plan),
    order:
      program.input.order === "nhwc"
        ? `channels innermost: height x width x channels, ${tensor.shape.join("x")}`
        : `the model's own order, ${shape}`,
    description: `${shape} ${type}${meaning}`,
  };
}

/** Whether float inputs must be checked at once: thresholds refuse what is not finite themselves, other kernels compute. */
function checksInput({ program, steps, stream }: Plan): boolean {
  const { domain } = program.tensors[program.input.tensor]!;
  const readers = steps.filter((s) => s.choice.inputs.includes(program.input.tensor));
  const isFloat = domain.kind === "scalar" && domain.type === "f32";
  // A sample that a threshold refuses would have been counted already.
  return isFloat && (stream !== undefined || readers.some((s) => !s.choice.call.canFail));
}

function offset(zero: number): string {
  return zero === 0 ? "x" : zero < 0 ? `(x + ${-zero})` : `(x - ${zero})`;
}

function outputView(plan: Plan, data: DataCollector) {
  const { program } = plan;
  const { affine, omitted, order, modelShape } = program.output;
  const tensor = program.tensors[program.output.tensor]!;
  const { type, count } = elementsOf(tensor);
  const isScores = type === "int32_t" && count > 1;
  const descriptor = scaleDescriptor(affine, tensor.shape[2], tensor.shape[1]);
  if (isScores) data.add(plan.steps.length, "output_scale", descriptor, false, "output_scale");
  const isRanked = isScores && order.kind === "ranks";
  if (isRanked) {
    const rank = rankDescriptor(order.slope, order.offset);
    data.add(plan.steps.length, "output_rank", rank, false, "output_rank");
  }
  const boxes = program.instructions.some((i) => i.kind === "region" && i.output === program.output.tensor)
    ? tensor.shape[1]
    : 0;
  const meaning = isScores ? "exact integer scores" : boxes > 0 ? BOXES : outputMeaning(tensor);
  return {
    type,
    count,
    bytes: canonicalSize(tensor),
    scale: isScores,
    byScores: order.kind === "scores",
    byRanks: isRanked,
    byFloats: order.kind === "float",
    omitted: omitted.length === 0 ? "" : ` (before its ${omitted.join(", ")})`,
    boxes,
    headers: isScores
      ? ["bitloom_argmax.h", ...(isRanked ? ["bitloom_rank.h"] : []), "bitloom_scale.h"]
      : boxes > 0
        ? ["bitloom_region.h"]
        : [],
    description: `${modelShape.join("x")} ${type}, ${meaning}`,
  };
}

const BOXES = "boxes, the best first: x, y, width, height, score, class; rows of 0 behind the last";

function outputMeaning({ domain }: ProgramTensor): string {
  if (domain.kind === "codes") return "codes, 32 channels to a word";
  return domain.type === "f32" ? "the model's floats" : "class index";
}

/** What a caller sees of a tensor: its scalars, or the words of its codes in canonical form. */
function elementsOf(tensor: ProgramTensor): { type: string; count: number } {
  if (tensor.domain.kind === "codes") return { type: "uint32_t", count: canonicalSize(tensor) / 4 };
  return { type: C_TYPES[tensor.domain.type], count: elementCount(tensor) };
}

/** Slots of a tensor's rows at a place. */
function rowsOf(tensor: ProgramTensor, layout: Layout, place: Place): { rows: number; rowBytes: number } {
  const slots = place.kind === "arena" ? place.slots : undefined;
  return { rows: slots ?? tensor.shape[0], rowBytes: rowBytes(tensor, layout) };
}

/** Runtime files of the library, and of its trace build, which may need further kernels. */
function runtimeFilesOf(
  plan: Plan,
  outputHeaders: readonly string[],
  inputHeaders: readonly string[],
): string[] {
  const scaleFiles = outputHeaders.includes("bitloom_scale.h") ? [...outputHeaders, ...scaleHeaders] : [];
  const copies = plan.push?.copy === undefined ? [] : [plan.push.copy];
  const calls = [...plan.steps.flatMap((s) => [s, ...s.trace.before, ...s.trace.after]), ...copies];
  const files = new Set([
    "bitloom_runtime.h",
    "bitloom_crc32.h",
    ...(checksInput(plan) ? ["bitloom_finite.h"] : []),
    ...inputHeaders,
    ...scaleFiles,
    ...calls.flatMap((c) => c.choice.call.runtime),
  ]);
  // A set grows while it is walked: what an added file includes is added too.
  for (const file of files) for (const included of includesOf(file)) files.add(included);
  return [...files].sort();
}

/** Runtime headers that a runtime file includes. */
function includesOf(file: string): string[] {
  const text = readFileSync(packageFile(`runtime-c/${file}`), "utf8");
  return [...text.matchAll(/^#include "(bitloom_\w+\.h)"/gm)].map((match) => match[1]!);
}

/** Headers that declare layer descriptors; the others are included by the kernels themselves. */
function isLayerHeader(file: string): boolean {
  return ![
    "bitloom_runtime.h",
    "bitloom_crc32.h",
    "bitloom_image.h",
    "bitloom_popcount.h",
    "bitloom_codes.h",
    "bitloom_float.h",
    "bitloom_bits.h",
    "bitloom_gather_bits.h",
    "bitloom_units.h",
    "bitloom_window.h",
    "bitloom_pool_rows.h",
    "bitloom_conv_bytes_run.h",
    "bitloom_conv_bytes_sink.h",
    "bitloom_conv_bytes_words.h",
    "bitloom_conv_image_arch.h",
    "bitloom_conv_image_core.h",
  ].includes(file);
}

/** One line that says what a library is, for its header. */
function libraryTitle({ program }: Plan): string {
  const layers = program.instructions.filter((i) => i.kind.startsWith("conv")).length;
  return `${commentText(program.name)}: ${layers} layer${layers === 1 ? "" : "s"} with weights`;
}
