/** An input that never ends: what a sample costs, and what is kept from one to the next. */
import type { PlanReport, ReportedBuffer } from "./data.js";
import { bytesText, count, nameText, percent } from "./text.js";

interface Row {
  readonly step: string;
  readonly layer: string;
  readonly every: string;
  readonly instructions: string;
  readonly mean: string;
  readonly share: string;
  readonly keeps: string;
  readonly rows: string;
  readonly state: string;
  readonly scratch: string;
}

export interface StreamView {
  readonly figures: readonly { readonly name: string; readonly value: string; readonly note: string }[];
  readonly rows: readonly Row[];
  readonly total: Pick<Row, "mean" | "state" | "scratch">;
}

/** Null where the input ends. */
export function streamView(report: PlanReport): StreamView | null {
  const { stream, steps, arenaBytes } = report;
  if (stream === undefined) return null;
  const { mean, most } = stream.instructions;
  const scratch = Math.max(0, ...steps.map((s) => s.scratchBytes));
  return {
    figures: [
      {
        name: "state",
        value: bytesText(stream.stateBytes),
        note: "kept from one sample to the next, in the arena",
      },
      { name: "arena", value: bytesText(arenaBytes), note: `with ${bytesText(scratch)} of scratch` },
      {
        name: "instructions of a sample",
        value: count(mean),
        note: mean === most ? "estimate, in every sample" : `estimated mean; ${count(most)} at most`,
      },
      { name: "outputs", value: everyText(stream.perOutput), note: outputsText(report) },
    ],
    rows: [inputRow(report), ...steps.map((_, i) => stepRow(report, i))],
    total: { mean: count(mean), state: count(stream.stateBytes), scratch: count(scratch) },
  };
}

function outputsText({ stream }: PlanReport): string {
  const { warmUp, isCausal } = stream!;
  return `from ${isCausal ? "all samples since the start" : `the last ${count(warmUp)} samples`}; the first after ${count(warmUp)}`;
}

function everyText(every: number): string {
  return every === 1 ? "every sample" : `every ${count(every)} samples`;
}

/** Samples that are kept, so that layers find those that they read. */
function inputRow({ input, buffers, stream }: PlanReport): Row {
  return {
    ...{ step: "", layer: "input", every: everyText(1), instructions: "", mean: "", share: "", scratch: "" },
    ...keptText(buffers[stream!.input], nameText(input.name)),
  };
}

function stepRow({ steps, stream, buffers }: PlanReport, index: number): Row {
  const { layer, writes, scratchBytes } = steps[index]!;
  const { every, instructions, output } = stream!.steps[index]!;
  const all = stream!.instructions.mean;
  return {
    step: String(index),
    layer: nameText(layer),
    every: everyText(every),
    instructions: count(instructions),
    mean: count(Math.round(instructions / every)),
    share: all === 0 ? "" : percent(instructions / every, all),
    ...keptText(output === undefined ? undefined : buffers[output], nameText(writes)),
    scratch: count(scratchBytes),
  };
}

function keptText(buffer: ReportedBuffer | undefined, name: string): Pick<Row, "keeps" | "rows" | "state"> {
  if (buffer === undefined) return { keeps: "", rows: "", state: "0" };
  const { rows, bytes } = buffer;
  return { keeps: name, rows: rows === undefined ? "all" : count(rows.kept), state: count(bytes) };
}
