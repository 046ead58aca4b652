/** The data of the HTML report against the plans that it is derived from. */
import { describe, expect, it } from "vitest";
import { planReport } from "../src/plan-report.js";
import { macsOf } from "../src/program/index.js";
import { findBoard, findCpu } from "../src/targets/index.js";
import { compileGraph, mnistCnn, mnistMlp } from "./support/models.js";
import { randomConvNet } from "./support/random-conv-net.js";

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
