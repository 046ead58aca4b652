/**
 * Measures layers in calls of a few rows, as rolled plans make them: for every way that kernels offer, its working memory,
 * the instructions counted, and the estimate's share of them.
 *
 *   npx tsx bench/bands.ts [--core m4] [--rows all,4,2,1] [--filter 64-64] [--all]
 *
 * The layers are those of a net for images of 32 × 32 pixels. Without `--all` only ways are shown than which no other with
 * the same layout is both smaller and faster.
 */
import { parseArgs } from "node:util";
import { matches } from "../src/kernels/matches.js";
import { kernels } from "../src/kernels/registry.js";
import type { KernelChoice } from "../src/kernels/types.js";
import { type Plan, planProgram } from "../src/plan/index.js";
import { type DeviceProgram, macsOf } from "../src/program/index.js";
import type { Cpu } from "../src/targets/index.js";
import type { LayerCase } from "../src/tuning/firmware.js";
import { runCases } from "../src/tuning/run.js";
import { benchBoards } from "./cores.js";
import { SEED } from "./measure.js";
import { layerInputs, layerProgram, poolProgram } from "./program.js";
import { netShapes } from "./shapes.js";

const { values } = parseArgs({
  options: {
    core: { type: "string", default: "m4" },
    rows: { type: "string", default: "all,4,2,1" },
    filter: { type: "string", default: "" },
    all: { type: "boolean", default: false },
  },
});

interface Way {
  readonly title: string;
  readonly macs: number;
  readonly choice: KernelChoice;
}

type MeasuredWay = Way & { readonly measured: number };

const [board] = benchBoards(values.core);
if (board === undefined) throw new Error(`there is no board with the core ${values.core}`);
const programs = [
  ...netShapes.map((shape) => layerProgram(shape, SEED)),
  poolProgram(32, 64),
  poolProgram(16, 128),
].filter(({ name }) => name.includes(values.filter));
const wanted = values.rows.split(",").map((n) => (n === "all" ? undefined : Number(n)));
const all = programs.flatMap((program) => wanted.flatMap((rows) => casesOf(program, board.cpu, rows)));
const figures = await runCases(
  all.map(({ layer }) => layer),
  board,
  (text) => process.stderr.write(`${text}\n`),
);
const measured = all.map(({ way }, i) => ({ ...way, measured: figures[i]?.firstInstructions ?? Number.NaN }));
for (const title of new Set(measured.map((way) => way.title))) {
  const ways = measured.filter((way) => way.title === title);
  const shown = values.all ? ways : ways.filter((way) => !ways.some((other) => isBetter(other, way)));
  shown.sort((a, b) => a.choice.scratchBytes - b.choice.scratchBytes);
  process.stdout.write(`${title}\n${shown.map(lineOf).join("")}`);
}

function casesOf(
  program: DeviceProgram,
  cpu: Cpu,
  rows: number | undefined,
): { readonly way: Way; readonly layer: LayerCase }[] {
  const inputs = layerInputs(program, SEED).slice(0, 1);
  const macs = program.instructions.reduce((sum, i) => sum + macsOf(program, i), 0);
  const choices = kernels.flatMap((kernel) => matches(kernel, program, 0, cpu, rows));
  return choices
    .filter((choice) => choice.covers.length === program.instructions.length)
    .map((choice) => ({
      way: { title: `${program.name}, ${rows ?? "all"} rows a call`, macs, choice },
      layer: { plan: planOf(program, cpu, choice), inputs, ...(rows === undefined ? {} : { rows }) },
    }));
}

function planOf(program: DeviceProgram, cpu: Cpu, choice: KernelChoice): Plan {
  const only = { name: choice.kernel, summary: "", match: () => [choice] };
  return planProgram(program, { cpu, kernels: [only] });
}

function isBetter(a: MeasuredWay, b: MeasuredWay): boolean {
  return (
    a.choice.outputLayout === b.choice.outputLayout &&
    a.choice.scratchBytes <= b.choice.scratchBytes &&
    a.measured < b.measured
  );
}

function lineOf({ choice, macs, measured: counted }: MeasuredWay): string {
  const perMac = macs === 0 ? "" : ` ${(counted / macs).toFixed(4)}/MAC`;
  return `  ${choice.kernel.padEnd(17)} ${String(choice.scratchBytes).padStart(6)} B ${String(counted).padStart(10)}${perMac}  estimate ${(choice.cost / counted).toFixed(3)}\n`;
}
