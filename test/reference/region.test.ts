/** Boxes of heads against an independent definition, with equal scores, full lists and numbers that no net has. */
import { describe, expect, it } from "vitest";
import type { DeviceProgram, Instruction } from "../../src/program/index.js";
import { verifyProgram } from "../../src/program/index.js";
import { runDevice } from "../../src/reference/device.js";
import { exactExp } from "../../src/reference/exact-exp.js";
import { detect, FLOAT64, type HeadRule } from "../support/methods/regions.js";
import { Random } from "../support/random-graph.js";

const SEED = Number(process.env.BITLOOM_SEED ?? 1);
const f = Math.fround;

function randomRule(random: Random): HeadRule {
  const candidates = random.integer(1, 30);
  return {
    anchors: Array.from({ length: random.integer(1, 3) }, () => [
      f(0.5 + 2 * random.next()),
      f(0.5 + 2 * random.next()),
    ]),
    classes: random.integer(1, 4),
    isSoftmax: random.next() < 0.5,
    scoreThreshold: f(random.pick([0, 0.2, 0.4])),
    iouThreshold: f(random.pick([0.2, 0.45, 0.7])),
    anyClass: random.next() < 0.5,
    candidates,
    boxes: random.integer(1, candidates),
  };
}

function programOf(rule: HeadRule, height: number, width: number): DeviceProgram {
  const channels = rule.anchors.length * (5 + rule.classes);
  const f32 = { kind: "scalar", type: "f32" } as const;
  const region: Instruction = {
    kind: "region",
    input: 0,
    output: 1,
    anchors: Float32Array.from(rule.anchors.flat()),
    classes: rule.classes,
    classScores: rule.isSoftmax ? "softmax" : "sigmoid",
    scoreThreshold: rule.scoreThreshold,
    iouThreshold: rule.iouThreshold,
    suppression: rule.anyClass ? "any" : "class",
    candidates: rule.candidates,
  };
  const program: DeviceProgram = {
    name: "head",
    tensors: [
      { name: "x", shape: [height, width, channels], domain: f32 },
      { name: "boxes", shape: [1, rule.boxes, 6], domain: f32 },
    ],
    instructions: [region],
    input: { tensor: 0, modelShape: [1, channels, height, width] },
    output: { tensor: 1, affine: [], order: { kind: "float" }, omitted: [], modelShape: [1, rule.boxes, 6] },
  };
  verifyProgram(program);
  return program;
}

/** Cells that repeat others, so that scores are equal in float64 and in float32. */
function headWithTies(random: Random, cells: number, channels: number): Float32Array {
  const head = new Float32Array(cells * channels);
  for (let cell = 0; cell < cells; cell++) {
    const like = cell > 0 && random.next() < 0.4 ? random.integer(0, cell - 1) : undefined;
    for (let c = 0; c < channels; c++)
      head[cell * channels + c] = like === undefined ? random.normal() : head[like * channels + c]!;
  }
  return head;
}

describe(`the region instruction, BITLOOM_SEED=${SEED}`, () => {
  it("has the boxes of an independent definition, ties in the cells' order, and those of float64 to 1e-6", () => {
    const random = new Random(SEED);
    let [ties, clear, suppressed] = [0, 0, 0];
    for (let run = 0; run < 400; run++) {
      const rule = randomRule(random);
      const [height, width] = [random.integer(1, 4), random.integer(1, 5)];
      const channels = rule.anchors.length * (5 + rule.classes);
      const stored = headWithTies(random, height * width, channels);
      const data = Float64Array.from(
        stored,
        (_, i) => stored[(i % (height * width)) * channels + Math.floor(i / (height * width))]!,
      );
      const head = { shape: [1, channels, height, width], data };
      const found = Array.from(runDevice(programOf(rule, height, width), stored));
      const exact = detect(head, 0, rule, { exp: exactExp, round: f });
      const rows = exact.rows.flat();
      expect(found, `run ${run}`).toEqual([...rows, ...new Array(found.length - rows.length).fill(0)]);
      const scores = exact.rows.map((r) => r[4]);
      if (new Set(scores).size < scores.length) ties++;
      if (exact.rows.length < rule.boxes) suppressed++;
      const double = detect(head, 0, rule, FLOAT64);
      if (double.margin < 1e-6) continue;
      clear++;
      expect(double.rows.length).toBe(exact.rows.length);
      double.rows.flat().forEach((x, i) => {
        expect(Math.abs(rows[i]! - x)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(x)));
      });
    }
    expect(ties).toBeGreaterThan(40);
    expect(suppressed).toBeGreaterThan(40);
    expect(clear).toBeGreaterThan(300);
  });

  it("makes finite boxes of any numbers", () => {
    const rule: HeadRule = {
      anchors: [[4096, 4096]],
      classes: 2,
      isSoftmax: true,
      scoreThreshold: 0,
      iouThreshold: 0.5,
      anyClass: false,
      candidates: 8,
      boxes: 8,
    };
    for (const x of [1e30, -1e30, 88, -88, 3e38]) {
      const boxes = runDevice(programOf(rule, 1, 2), new Float32Array(14).fill(x));
      expect(Array.from(boxes).every(Number.isFinite)).toBe(true);
    }
  });
});
