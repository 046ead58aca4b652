/** The data of the HTML report against the plans that it is derived from. */
import { describe, expect, it } from "vitest";
import { planCurve } from "../src/plan/index.js";
import { planReport } from "../src/plan-report.js";
import { macsOf } from "../src/program/index.js";
import { findBoard, findCpu } from "../src/targets/index.js";
import { compileGraph, mnistCnn, mnistMlp } from "./support/models.js";
import { randomConvNet } from "./support/random-conv-net.js";
import { randomStreamNet } from "./support/random-stream-net.js";

const cpu = findCpu("cortex-m0");

describe.each([
  ["mnist-mlp", mnistMlp],
  ["mnist-cnn", mnistCnn],
] as const)("%s", (_, compile) => {
  describe.each(["speed", "ram"] as const)("for %s", (goal) => {
    const model = compile({ cpu, goal });
    const { plan, program } = model;
    const report = planReport(model, { cpu, goal, board: findBoard("microbit") });

    it("has every buffer at its place, under its own name", () => {
      expect(report.buffers.map(({ offset, bytes, from, to }) => ({ offset, bytes, from, to }))).toEqual(
        plan.memory.buffers.map(({ offset, bytes, from, to, overInputUntil }) => ({
          ...{ offset, bytes, to },
          // Where outputs lie over inputs a box begins when the one beneath it ends.
          from: overInputUntil === undefined ? from : overInputUntil + 1,
        })),
      );
      plan.memory.buffers.forEach(({ holds }, i) => {
        const { kind, name, shape } = report.buffers[i]!;
        if (holds.kind === "scratch") {
          expect([kind, name, shape]).toEqual(["scratch", plan.steps[holds.step]!.symbol, []]);
        } else {
          const tensor = program.tensors[holds.tensor]!;
          expect([kind, name, shape]).toEqual(["tensor", tensor.name, tensor.shape]);
        }
      });
    });

    it("has steps that add up to the plan", () => {
      const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
      expect(report.steps.map((s) => s.layer)).toEqual(plan.steps.map((s) => s.symbol));
      expect(sum(report.steps.map((s) => s.macs))).toBe(
        sum(program.instructions.map((i) => macsOf(program, i))),
      );
      expect(sum(report.steps.map((s) => s.constantBytes))).toBe(report.weightBytes);
      expect(Math.max(...report.steps.map((s) => s.live.tensors + s.live.scratch))).toBe(
        plan.memory.lowerBound,
      );
    });

    it("names what it is about, and survives JSON", () => {
      expect(report).toMatchObject({ goal, core: "Cortex-M0", board: { name: findBoard("microbit").name } });
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    });

    it("knows the context that the header declares", () => {
      const { name, files } = model.library;
      const header = files.find((f) => f.path === `${name}.h`)!.text;
      const [, fields] = new RegExp(`typedef struct \\{([^}]*)\\} ${name}_context;`).exec(header)!;
      const pointers = fields!.replace(/\/\*.*?\*\//g, "").match(/[a-z0-9_]+ \*[a-z]+;/g)!;
      expect(fields!.match(/;/g)).toHaveLength(pointers.length);
      expect(report.contextBytes).toBe(4 * pointers.length);
    });
  });
});

describe("what is not one arena for a whole input", () => {
  const input = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };

  it("has the banks, which are the arena together", () => {
    const report = planReport(mnistCnn({ banks: [10_240, 4096] }), { cpu, goal: "speed" });
    expect(report.banks).toHaveLength(2);
    expect(report.banks![0]! + report.banks![1]!).toBe(report.arenaBytes);
    expect(planReport(mnistCnn(), { cpu, goal: "speed" }).banks).toBeUndefined();
  });

  it("has the row that is given at a time, and the curve of plans that take rows", () => {
    const model = mnistCnn({ cpu, pushes: true });
    const curve = planCurve(model.program, { cpu, pushes: true });
    const report = planReport(model, { cpu, goal: "speed", curve });
    expect(report.input.given).toEqual({ what: "row", bytes: report.input.bytes / 28 });
    const { points } = report.curve!;
    const sum = report.steps.reduce((all, s) => all + s.instructions, 0);
    expect(points[0]).toMatchObject({ ramBytes: report.arenaBytes, lowerBound: report.lowerBound });
    expect(Math.abs(points[0]!.instructions - sum)).toBeLessThan(report.steps.length);
    expect(points.every((p) => p.rolledSteps > 0)).toBe(true);
  });

  it.each([76_001, 76_002, 76_003])("has the state of a stream and what fills it, seed %d", (seed) => {
    const model = compileGraph(
      randomStreamNet(seed),
      undefined,
      { input, pushes: true },
      { endless: true, cpu },
    );
    const report = planReport(model, { cpu, goal: "speed" });
    const { stream, steps, buffers } = report;
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.input.given).toEqual({ what: "sample", bytes: report.input.bytes / stream!.window });
    const kept = [stream!.input, ...stream!.steps.flatMap((s) => (s.output === undefined ? [] : [s.output]))];
    expect(kept.toSorted((a, b) => a - b)).toEqual(
      buffers.flatMap((b, i) => (b.kind === "tensor" ? [i] : [])),
    );
    expect(kept.reduce((sum, i) => sum + buffers[i]!.bytes, 0)).toBe(stream!.stateBytes);
    stream!.steps.forEach(({ output }, i) => {
      if (output !== undefined) expect(buffers[output]!.name).toBe(steps[i]!.writes);
    });
    expect(stream!.steps.at(-1)).toMatchObject({ every: stream!.perOutput });
    expect(stream!.stateBytes).toBeLessThanOrEqual(report.arenaBytes);
  });
});

it("has no box over another where outputs lie over inputs", () => {
  const input = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
  const model = compileGraph(randomConvNet(90_013), undefined, { input });
  const { memory } = model.plan;
  const { buffers, steps } = planReport(model, { cpu, goal: "speed" });
  expect(memory.buffers.some((b) => b.overInputUntil !== undefined)).toBe(true);
  expect(Math.max(...steps.map((s) => s.live.tensors + s.live.scratch))).toBe(memory.lowerBound);
  buffers.forEach((a, i) => {
    for (const b of buffers.slice(i + 1)) {
      const isApart = a.to < b.from || b.to < a.from;
      expect(isApart || a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
    }
  });
});
