/** What calls of few rows cost and need, for planners: the sums over all rows, asked of every kernel. */
import { describe, expect, it } from "vitest";
import { layoutConversion } from "../../src/kernels/layout-conversion.js";
import { matches } from "../../src/kernels/matches.js";
import { kernels } from "../../src/kernels/registry.js";
import { inputRows } from "../../src/kernels/rows.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { findCpu } from "../../src/targets/index.js";
import { randomProgram } from "../support/random-program.js";

const cpu = findCpu("cortex-m4");
/** BITLOOM_SEED replays a run; what fails names the seed of its program. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 5000);
const seeds = Array.from({ length: 30 }, (_, i) => firstSeed + i);

function choicesOf(program: DeviceProgram, rows?: number): KernelChoice[] {
  return program.instructions.flatMap((_, i) => kernels.flatMap((k) => matches(k, program, i, cpu, rows)));
}

describe("rows of inputs that a choice needs", () => {
  it("are the same rows for a change of layout", () => {
    const program = randomProgram(firstSeed, { kinds: ["threshold"], inputType: "i8" });
    const codes = program.tensors.findIndex(({ domain }) => domain.kind === "codes");
    const conversion = layoutConversion(program, codes, "channels", "pixels")!;
    expect(inputRows(program, conversion, 0, [0, 1])).toEqual([0, 1]);
  });
});

describe("choices for calls of few rows", () => {
  it("cost the more the fewer rows a call has, and never need more memory", () => {
    for (const seed of seeds) {
      const program = randomProgram(seed, { kinds: ["threshold", "conv", "conv", "pool"], inputType: "i8" });
      program.instructions.forEach((_, i) => {
        for (const kernel of kernels) {
          const [whole, three, one] = [undefined, 3, 1].map((rows) => matches(kernel, program, i, cpu, rows));
          expect(three!.length > 0, kernel.name).toBe(whole!.length > 0);
          if (whole!.length === 0) continue;
          const least = (all: readonly KernelChoice[], of: "cost" | "scratchBytes"): number =>
            Math.min(...all.map((choice) => choice[of]));
          expect(least(three!, "scratchBytes"), `seed ${seed}: ${kernel.name}`).toBeLessThanOrEqual(
            least(whole!, "scratchBytes"),
          );
          expect(least(one!, "scratchBytes")).toBeLessThanOrEqual(least(three!, "scratchBytes"));
          expect(least(one!, "cost"), `seed ${seed}: ${kernel.name}`).toBeGreaterThanOrEqual(
            0.999 * least(whole!, "cost"),
          );
        }
      });
    }
  });

  it("are the whole map's where a call is asked for all rows", () => {
    for (const seed of seeds.slice(0, 10)) {
      const program = randomProgram(seed, { kinds: ["threshold", "conv", "pool"], inputType: "i8" });
      const most = Math.max(...program.tensors.map(({ shape }) => shape[0]));
      const all = choicesOf(program, most).map(({ cost, scratchBytes, call }) => [
        call.fields,
        scratchBytes,
        cost,
      ]);
      const whole = choicesOf(program).map(({ cost, scratchBytes, call }) => [
        call.fields,
        scratchBytes,
        cost,
      ]);
      expect(all).toEqual(whole);
    }
  });
});
