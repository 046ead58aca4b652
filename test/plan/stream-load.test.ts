/** What a stream costs from sample to sample, against its schedule executed tick by tick. */
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import { planProgram, streamLoad } from "../../src/plan/index.js";
import { clockProgress, type Progress, stepProgress } from "../../src/plan/schedule.js";
import { full } from "../support/models.js";
import { randomStreamNet } from "../support/random-stream-net.js";

const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const nets = full ? 200 : 20;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 83_000);

describe("the load of a stream", () => {
  it(`is what its steps make in each sample, on ${nets} nets from seed ${firstSeed}`, () => {
    let uneven = 0;
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
      const { program } = lowerGraph(randomStreamNet(seed), { input: INPUT, pushes: true });
      const plan = planProgram(program, { pushes: true, endless: true });
      const stream = plan.stream!;
      const rows = stream.program.tensors[stream.program.input.tensor]!.shape[0];
      const clock = clockProgress(rows, 1);
      const progress: Progress[] = [];
      for (const { rolled } of plan.steps) {
        const { waits, rows: own, limit } = rolled!;
        const known = waits.map((w) => ({ ...w, progress: w.on === "clock" ? clock : progress[w.on]! }));
        progress.push(stepProgress(known, own, limit));
      }
      const { paces, mean, most } = streamLoad(plan, stream);
      // Behind the borders, and before the end of the long program.
      const from = stream.stepsBackAt - stream.period;
      const samples = Array.from({ length: stream.unit }, (_, i) => from + i);
      const costs = samples.map((at) =>
        progress.reduce((sum, made, step) => {
          return sum + ((made[at] ?? 0) - (made[at - 1] ?? 0)) * paces[step]!.instructions;
        }, 0),
      );
      expect({ seed, most, mean }).toEqual({
        seed,
        most: Math.max(...costs),
        mean: costs.reduce((a, b) => a + b, 0) / stream.unit,
      });
      // A window of the whole run costs what its samples cost, but for what is rounded and the start.
      const window = program.tensors[program.input.tensor]!.shape[0];
      const estimate = plan.steps.reduce((sum, s) => sum + s.choice.cost, 0);
      expect(mean * window).toBeGreaterThanOrEqual(0.9 * estimate);
      if (most > mean) uneven++;
    }
    expect(uneven).toBeGreaterThan(0);
  });
});
