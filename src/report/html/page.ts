/** The report of a plan as one HTML file that needs nothing else: no script, no resource, a style that its hash permits. */
import { createHash } from "node:crypto";
import { renderHtml } from "../../assets/templates.js";
import { shapeText } from "../../diagnostics/text.js";
import { boardBars } from "./board-bars.js";
import { curveNote, curveOf } from "./curve.js";
import type { CallersBuffer, PlanReport, ReportedRun, ReportedStep } from "./data.js";
import { memoryMap } from "./memory-map.js";
import { streamView } from "./stream.js";
import { bytesAtATime, bytesText, count, nameText, percent, shapesText } from "./text.js";

/** The page; equal reports give equal bytes. It is well-formed XML, too. */
export function planReportHtml(report: PlanReport): string {
  const style = renderHtml("report/style", {});
  return renderHtml("report/page", {
    style,
    policy: `default-src 'none'; style-src '${hashSource(style)}'; base-uri 'none'; form-action 'none'`,
    model: nameText(report.model),
    facts: factsOf(report),
    figures: figuresOf(report),
    map: report.arenaBytes > 0 ? memoryMap(report) : null,
    hasRows: report.buffers.some((b) => b.rows !== undefined),
    hasBanks: report.banks !== undefined,
    hasRun: report.run !== undefined,
    board: boardBars(report),
    stream: streamView(report),
    hasCurve: report.curve !== undefined,
    curve: curveOf(report),
    curveNote: curveNote(report),
    layers: layerRows(report),
    total: totalRow(report),
    buffers: bufferRows(report),
  });
}

function hashSource(text: string): string {
  return `sha256-${createHash("sha256").update(text, "utf8").digest("base64")}`;
}

interface Fact {
  readonly name: string;
  readonly value: string;
}

function factsOf({ source, modelCrc, core, board, goal, version, run }: PlanReport): Fact[] {
  return [
    { name: "model file", value: nameText(source) },
    { name: "CRC-32 of the weights", value: `0x${modelCrc.toString(16).padStart(8, "0")}` },
    { name: "core", value: nameText(core) },
    ...(board === undefined ? [] : [{ name: "board", value: nameText(board.name) }]),
    ...(run === undefined ? [] : [{ name: "run in", value: nameText(run.machine) }]),
    { name: "optimized for", value: nameText(goal) },
    { name: "bitloom", value: nameText(version) },
  ];
}

interface Figure extends Fact {
  readonly note: string;
}

function figuresOf(report: PlanReport): Figure[] {
  const { weightBytes, arenaBytes, lowerBound, proven, contextBytes, input, output, steps, run } = report;
  const macs = sumOf(steps, (s) => s.macs);
  const estimate = sumOf(steps, (s) => s.instructions);
  return [
    run === undefined
      ? { name: "flash", value: bytesText(weightBytes), note: "weights and thresholds" }
      : {
          name: "flash",
          value: bytesText(run.flashBytes),
          note: `with ${bytesText(weightBytes)} of weights`,
        },
    { name: "arena", value: bytesText(arenaBytes), note: "working memory, of RAM" },
    {
      name: "lower bound",
      value: bytesText(lowerBound),
      note: proven ? "the arena is proven minimal" : "the arena is not proven minimal",
    },
    run === undefined
      ? { name: "context", value: bytesText(contextBytes), note: "one for each instance, of RAM" }
      : {
          name: "context and stack",
          value: bytesText(contextBytes + run.stackBytes),
          note: `of RAM; the stack takes ${bytesText(run.stackBytes)} at most`,
        },
    { name: "input", value: bytesText(bytesAtATime(input)), note: inputText(input) },
    { name: "output", value: bytesText(output.bytes), note: callersText(output) },
    run === undefined
      ? { name: "instructions", value: count(estimate), note: `estimate of one ${runText(report)}` }
      : { name: "instructions", value: count(run.instructions), note: runsText(run) },
    { name: "MACs", value: count(macs), note: "multiply-accumulates" },
  ];
}

function runsText({ inputs }: ReportedRun): string {
  return inputs === 1 ? "executed by one run" : `executed by one run, mean of ${count(inputs)}`;
}

function runText({ stream }: PlanReport): string {
  return stream === undefined ? "run" : `window of ${count(stream.window)} samples`;
}

function inputText(input: CallersBuffer): string {
  const { given } = input;
  return given === undefined ? callersText(input) : `one ${given.what} of ${callersText(input)}`;
}

function callersText({ shape, type }: CallersBuffer): string {
  return `${shapeText(shape)} ${nameText(type)}`;
}

function layerRows({ steps }: PlanReport) {
  const taken = (step: ReportedStep): number => step.executed ?? step.instructions;
  const all = sumOf(steps, taken);
  return steps.map((step, index) => ({
    index,
    layer: nameText(step.layer),
    writes: nameText(step.writes),
    inputs: shapesText(step.inputs),
    output: shapeText(step.output),
    macs: count(step.macs),
    instructions: count(step.instructions),
    executed: step.executed === undefined ? "" : count(step.executed),
    share: all === 0 ? "" : percent(taken(step), all),
    constants: count(step.constantBytes),
    scratch: count(step.scratchBytes),
    live: count(step.live.tensors + step.live.scratch),
  }));
}

function sumOf(steps: readonly ReportedStep[], of: (step: ReportedStep) => number): number {
  return steps.reduce((sum, step) => sum + of(step), 0);
}

function totalRow({ steps, weightBytes }: PlanReport) {
  return {
    macs: count(sumOf(steps, (s) => s.macs)),
    instructions: count(sumOf(steps, (s) => s.instructions)),
    executed: count(sumOf(steps, (s) => s.executed ?? 0)),
    constants: count(weightBytes),
    scratch: count(Math.max(0, ...steps.map((s) => s.scratchBytes))),
    live: count(Math.max(0, ...steps.map((s) => s.live.tensors + s.live.scratch))),
  };
}

/** In the order of their lives, and of their addresses where those begin together. */
function bufferRows({ buffers }: PlanReport) {
  return [...buffers]
    .sort((a, b) => a.from - b.from || a.offset - b.offset)
    .map(({ kind, name, shape, holds, rows, offset, bytes, from, to }) => ({
      kind,
      name: nameText(name),
      shape: kind === "scratch" ? "" : shapeText(shape),
      holds: nameText(holds),
      rows: rows === undefined ? "" : `${rows.kept} of ${rows.height}`,
      offset: count(offset),
      bytes: count(bytes),
      steps: from === to ? `${from}` : `${from} to ${to}`,
    }));
}
