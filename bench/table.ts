/** docs/BENCHMARKS.md, made from the figures. */

import { coreTimings } from "../src/profile/index.js";
import type { Board } from "../src/targets/index.js";
import type { Figures } from "../src/tuning/run.js";
import { layerShapes } from "./shapes.js";

/** What the run function itself executes at most. */
const CALL_INSTRUCTIONS = 100;

/** Figures by layer, for one core. */
export interface CoreResult {
  readonly board: Board;
  readonly figures: ReadonlyMap<string, Figures>;
}

const HEAD = `# Benchmarks

Made by \`npm run bench\`; do not edit. Executed instructions are counted in QEMU and exact; cycles are estimates from the
core's instruction timings without wait states (\`src/profile/timings.ts\`). Every output is compared with the device
reference before its figures count.

Conditions: whole layer with threshold and packing; weights baked in; weights and inputs Bernoulli(1/2) from published
seeds, and two adversarial inputs (all −1, all +1; for u8 all 0, all 255), of which the slowest counts; thresholds near
the median; stride 1, SAME with constant −1 padding unless the name says otherwise; a multiply-accumulate (MAC) is an
output times a tap, those outside the map counted. *code*: bytes of all functions that the layer runs. *bits*: bits of flash
per weight. *layout*: what changes of layout at the layer's ends would add, if its neighbours did not use the same. *of regular*: instructions per MAC relative to the regular layer of the same size. Figures marked \`~\` depend on
the input.
`;

export function benchmarkPage(compiler: string, results: readonly CoreResult[]): string {
  return [HEAD, `Compiler: ${compiler}, \`-O2\`.`, "", overview(results), ...results.map(coreTable)].join(
    "\n",
  );
}

/** Instructions per MAC of every layer on every core. */
export function overview(results: readonly CoreResult[]): string {
  const measured = new Set(results.flatMap((r) => [...r.figures.keys()]));
  const known = layerShapes.map((s) => s.id).filter((id) => measured.has(id));
  const ids = [...new Set([...known, ...measured])];
  const rows = ids.map((id) => [id, ...results.map((r) => perMac(r.figures.get(id), "instructions"))]);
  const head = ["layer", ...results.map((r) => r.board.cpu.name)];
  return `## Instructions per multiply-accumulate\n\n${markdown(head, rows)}\n`;
}

export function coreTable({ board, figures }: CoreResult): string {
  const head = [
    "layer",
    "kernel",
    "instr",
    "instr/MAC",
    "cycles/MAC (est.)",
    "code B",
    "const B",
    "bits",
    "scratch B",
    "layout",
    "of regular",
  ];
  const rows = [...figures].map(([id, f]) => [
    id,
    f.kernel,
    `${f.fewest === f.instructions ? "" : "~"}${f.instructions}`,
    perMac(f, "instructions"),
    perMac(f, "cycles"),
    String(f.codeBytes),
    String(f.constantBytes),
    weightBits(id, f),
    String(f.scratchBytes),
    layoutChanges(f),
    ofRegular(id, f, figures),
  ]);
  const source = coreTimings[board.cpu.id]?.source;
  const timings = source === undefined ? "" : `Cycles: ${source}.\n\n`;
  return `## ${board.cpu.name} (\`${board.id}\`)\n\n${timings}${markdown(head, rows)}\n`;
}

function perMac(figures: Figures | undefined, what: "instructions" | "cycles"): string {
  const value = figures?.[what];
  if (figures === undefined || value === null || value === undefined) return "";
  return (value / figures.macs).toFixed(4);
}

function weightBits(id: string, figures: Figures): string {
  const shape = layerShapes.find((s) => s.id === id);
  if (shape === undefined) return "";
  const [kh, kw] = shape.kernel;
  const weights = (shape.outputs * kh * kw * shape.channels) / shape.groups;
  return ((8 * figures.constantBytes) / weights).toFixed(2);
}

/** Instructions per MAC of changes of layout, where the layer's own layouts are not the canonical one. */
function layoutChanges(figures: Figures): string {
  const rest = figures.wholeInstructions - figures.instructions;
  return rest <= CALL_INSTRUCTIONS ? "" : `+${(rest / figures.macs).toFixed(4)}`;
}

function ofRegular(id: string, figures: Figures, all: ReadonlyMap<string, Figures>): string {
  const regular = layerShapes.find((s) => s.id === id)?.regular;
  const other = regular === undefined ? undefined : all.get(regular);
  if (other === undefined) return "";
  return (figures.instructions / figures.macs / (other.instructions / other.macs)).toFixed(2);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
