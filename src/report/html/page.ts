/** The report of a plan as one HTML file that needs nothing else: no script, no resource, a style that its hash permits. */
import { createHash } from "node:crypto";
import { renderHtml } from "../../assets/templates.js";
import { shapeText } from "../../diagnostics/text.js";
import { boardBars } from "./board-bars.js";
import { curveOf } from "./curve.js";
import type { CallersBuffer, PlanReport } from "./data.js";
import { memoryMap } from "./memory-map.js";
import { bytesText, count, nameText, percent, shapesText } from "./text.js";

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
    board: boardBars(report),
    curve: curveOf(report),
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

function factsOf({ source, modelCrc, core, board, goal, version }: PlanReport): Fact[] {
  return [
    { name: "model file", value: nameText(source) },
    { name: "CRC-32 of the weights", value: `0x${modelCrc.toString(16).padStart(8, "0")}` },
    { name: "core", value: nameText(core) },
    ...(board === undefined ? [] : [{ name: "board", value: nameText(board.name) }]),
    { name: "optimized for", value: nameText(goal) },
    { name: "bitloom", value: nameText(version) },
  ];
}

interface Figure extends Fact {
  readonly note: string;
}

function figuresOf(report: PlanReport): Figure[] {
  const { weightBytes, arenaBytes, lowerBound, proven, contextBytes, input, output, steps } = report;
  const macs = steps.reduce((sum, s) => sum + s.macs, 0);
  const instructions = steps.reduce((sum, s) => sum + s.instructions, 0);
  return [
    { name: "flash", value: bytesText(weightBytes), note: "weights and thresholds" },
    { name: "arena", value: bytesText(arenaBytes), note: "working memory, of RAM" },
    {
      name: "lower bound",
      value: bytesText(lowerBound),
      note: proven ? "the arena is proven minimal" : "the arena is not proven minimal",
    },
    { name: "context", value: bytesText(contextBytes), note: "one for each instance, of RAM" },
    { name: "input", value: bytesText(input.bytes), note: callersText(input) },
    { name: "output", value: bytesText(output.bytes), note: callersText(output) },
    { name: "instructions", value: count(instructions), note: "estimate of one run" },
    { name: "MACs", value: count(macs), note: "multiply-accumulates" },
  ];
}

function callersText({ shape, type }: CallersBuffer): string {
  return `${shapeText(shape)} ${nameText(type)}`;
}

function layerRows({ steps }: PlanReport) {
  const all = steps.reduce((sum, s) => sum + s.instructions, 0);
  return steps.map((step, index) => ({
    index,
    layer: nameText(step.layer),
    writes: nameText(step.writes),
    inputs: shapesText(step.inputs),
    output: shapeText(step.output),
    macs: count(step.macs),
    instructions: count(step.instructions),
    share: all === 0 ? "" : percent(step.instructions, all),
    constants: count(step.constantBytes),
    scratch: count(step.scratchBytes),
    live: count(step.live.tensors + step.live.scratch),
  }));
}

function totalRow({ steps, weightBytes }: PlanReport) {
  return {
    macs: count(steps.reduce((sum, s) => sum + s.macs, 0)),
    instructions: count(steps.reduce((sum, s) => sum + s.instructions, 0)),
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
