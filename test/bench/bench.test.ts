/** Every layer and net of the benchmark against the committed figures: nothing may become more than 1 % worse unseen. */
import { expect, it } from "vitest";
import { readBaseline, regressions } from "../../bench/baseline.js";
import { benchBoards } from "../../bench/cores.js";
import { measureCore } from "../../bench/measure.js";
import { layerInputs, layerProgram } from "../../bench/program.js";
import { layerShapes, windowOf } from "../../bench/shapes.js";
import { outputSize } from "../../src/program/index.js";
import { armGccVersion } from "../../src/toolchain/index.js";
import type { Figures } from "../../src/tuning/run.js";
import { describeWith } from "../toolchain/toy.js";

describeWith(["arm-none-eabi-gcc", "qemu-system-arm", "cc"], "the benchmark's baseline", () => {
  it.each(benchBoards().map((b) => [b.cpu.name, b] as const))(
    "holds for every layer on the %s",
    async (_name, board) => {
      const baseline = readBaseline()[await armGccVersion()]?.[board.cpu.id];
      if (baseline === undefined) {
        console.warn(`SKIPPED: no baseline for ${await armGccVersion()}`);
        return;
      }
      const { figures } = await measureCore(board);
      expect([...figures.keys()].sort()).toEqual(Object.keys(baseline).sort());
      expect(regressions(baseline, figures)).toEqual([]);
    },
    600_000,
  );
});

const figures: Figures = {
  kernel: "k",
  instructions: 1000,
  fewest: 1000,
  cycles: null,
  macs: 1,
  codeBytes: 100,
  constantBytes: 100,
  scratchBytes: 0,
  firstInstructions: 1000,
  wholeInstructions: 1000,
};

it("a figure that grows by more than 1 % is reported, and so is a layer without one", () => {
  const measured = (changes: Partial<Figures>): Map<string, Figures> =>
    new Map([["a", { ...figures, ...changes }]]);
  const baseline = { a: figures };
  expect(regressions(baseline, measured({ instructions: 1010, codeBytes: 102 }))).toEqual([]);
  expect(regressions(baseline, measured({ instructions: 500 }))).toEqual([]);
  expect(regressions(baseline, measured({ instructions: 1011 }))).toEqual([
    "a: instructions 1000 -> 1011 (+1.1 %)",
  ]);
  expect(regressions(baseline, measured({ codeBytes: 103, scratchBytes: 8 }))).toHaveLength(2);
  expect(regressions({}, measured({}))).toEqual(["a: not in the baseline"]);
});

it("layers are what their names say", () => {
  for (const shape of layerShapes) {
    if (shape.padding === "same" && shape.stride === 1) {
      expect(outputSize(shape.height, windowOf(shape), 0), shape.id).toBe(shape.height);
      expect(outputSize(shape.width, windowOf(shape), 1), shape.id).toBe(shape.width);
    }
    expect(layerShapes.filter((s) => s.id === shape.id)).toHaveLength(1);
    if (shape.regular !== undefined) expect(layerShapes.some((s) => s.id === shape.regular)).toBe(true);
  }
});

it("layers are the same for the same seed", () => {
  const shape = layerShapes.find((s) => s.id === "dense-784-256")!;
  const [a, b, other] = [1, 1, 2].map((seed) => layerProgram(shape, seed));
  expect(a).toEqual(b);
  expect(a).not.toEqual(other);
  expect(layerInputs(a!, 1)).toEqual(layerInputs(b!, 1));
});

it("random bits are half ones", () => {
  const program = layerProgram(layerShapes[0]!, 1);
  const [first] = layerInputs(program, 1);
  const ones = first!.reduce((sum, bit) => sum + bit, 0) / first!.length;
  expect(Math.abs(ones - 0.5)).toBeLessThan(0.02);
});
