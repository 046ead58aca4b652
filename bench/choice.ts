/**
 * Judges the planner: measures every way to execute random layers and says where its choice is not the best.
 *
 *   npx tsx bench/choice.ts [--core m4] [--seed 1] [--count 30] [--kind bits|codes|bases] [--json FILE]
 *
 * Compared are whole plans, changes of layout included. Exits 1 when a choice is more than 3 % off the best. The JSON
 * file has every candidate with its estimate and what was measured: bench/fit.ts reads it.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { choiceKey, planProgram } from "../src/plan/index.js";
import type { Board } from "../src/targets/index.js";
import { candidates } from "../src/tuning/candidates.js";
import type { LayerCase } from "../src/tuning/firmware.js";
import { type Figures, runCases } from "../src/tuning/run.js";
import { benchBoards } from "./cores.js";
import { layerInputs, layerProgram } from "./program.js";
import { randomShapes, shapeText } from "./random-shapes.js";
import type { LayerShape } from "./shapes.js";

/** A candidate that was measured. */
export interface MeasuredCandidate {
  readonly shape: LayerShape;
  readonly kernel: string;
  readonly key: string;
  /** The kernel's own estimate, and the instructions of its step. */
  readonly estimate: number;
  readonly measured: number;
  /** The same for the whole plan. */
  readonly planMeasured: number;
  readonly macs: number;
  readonly isChosen: boolean;
  /** Numbers of the kernel's descriptor: what a cost formula can be made of. */
  readonly fields: Readonly<Record<string, number>>;
  /** How often each part of its work is done, of kernels that say so. */
  readonly work: Readonly<Record<string, number>>;
}

const ALLOWED = 1.03;
/** Candidates that the report names per layer. */
const SHOWN = 4;

const { values } = parseArgs({
  options: {
    core: { type: "string", default: "m4" },
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "30" },
    kind: { type: "string", default: "bits" },
    json: { type: "string" },
  },
});
const [board] = benchBoards(values.core);
if (board === undefined) throw new Error(`there is no board with the core ${values.core}`);
const kind = (["bits", "codes", "bases"] as const).find((known) => known === values.kind);
if (kind === undefined) throw new Error(`there are no layers of ${values.kind}: use bits, codes or bases`);
const shapes = randomShapes(Number(values.seed), Number(values.count), kind);
const measured = await measureAll(shapes, board);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(measured, null, 1)}\n`);
report(shapes, measured);

async function measureAll(all: readonly LayerShape[], on: Board): Promise<MeasuredCandidate[]> {
  const cases: (LayerCase & Omit<MeasuredCandidate, "measured" | "planMeasured" | "macs">)[] = [];
  for (const shape of all) {
    const program = layerProgram(shape, Number(values.seed));
    // All inputs take long, and one is enough to compare.
    const inputs = layerInputs(program, Number(values.seed)).slice(0, 1);
    const ways = candidates(program, on.cpu);
    if (ways.length === 0) {
      process.stderr.write(`${shapeText(shape)}: no kernel\n`);
      continue;
    }
    const chosen = planProgram(program, { cpu: on.cpu }).steps.find((s) => s.choice.covers.includes(0))!;
    for (const { choice, plan } of ways) {
      const numbers = choice.call.fields.filter((f): f is [string, number] => typeof f[1] === "number");
      cases.push({
        plan,
        inputs,
        shape,
        kernel: choice.kernel,
        key: choiceKey(choice),
        estimate: choice.cost,
        isChosen:
          choiceKey(choice) === choiceKey(chosen.choice) &&
          choice.outputLayout === chosen.choice.outputLayout &&
          choice.inputLayouts.join() === chosen.choice.inputLayouts.join(),
        fields: Object.fromEntries(numbers),
        work: choice.work ?? {},
      });
    }
  }
  const figures = await runCases(cases, on, (text) => process.stderr.write(`${text}\n`));
  return cases.flatMap(({ plan: _plan, inputs: _inputs, ...candidate }, i) => {
    const found = figures[i];
    return found === undefined ? [] : [{ ...candidate, ...measuredOf(found) }];
  });
}

function measuredOf(f: Figures): Pick<MeasuredCandidate, "measured" | "planMeasured" | "macs"> {
  return { measured: f.firstInstructions, planMeasured: f.wholeInstructions, macs: f.macs };
}

function report(all: readonly LayerShape[], results: readonly MeasuredCandidate[]): void {
  let off = 0;
  for (const shape of all) {
    const own = results.filter((r) => r.shape.id === shape.id);
    const chosen = own.find((r) => r.isChosen);
    if (chosen === undefined) continue;
    const best = own.reduce((a, b) => (b.planMeasured < a.planMeasured ? b : a));
    const ratio = chosen.planMeasured / best.planMeasured;
    if (ratio > ALLOWED) off++;
    const verdict = ratio > ALLOWED ? `${(100 * ratio - 100).toFixed(1)} % off ${best.kernel}` : "best";
    const others = [...own]
      .sort((a, b) => a.planMeasured - b.planMeasured)
      .slice(0, SHOWN)
      .map(
        (r) =>
          `${r.kernel} ${(r.planMeasured / r.macs).toFixed(4)} (est. ${(r.estimate / r.measured).toFixed(2)})`,
      )
      .join(", ");
    process.stdout.write(`${shapeText(shape)}: ${chosen.kernel}, ${verdict}; ${others}\n`);
  }
  process.stdout.write(`${off} of ${all.length} choices are more than 3 % off the best\n`);
  if (off > 0) process.exitCode = 1;
}
