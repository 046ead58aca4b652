import { describe, expect, it } from "vitest";
import { compileTrace } from "../../src/reference/device-fast.js";
import { traceModel } from "../../src/reference/model.js";
import { checkMethod } from "../support/methods/check.js";
import { type BuiltNet, buildNet, deviceInput, inputsOf } from "../support/methods/net.js";
import { type Boxes, detect, FLOAT64, type HeadRule } from "../support/methods/regions.js";
import { binaryWeightDetector, darknetRule, mobileRule } from "./t10-binary-weight-detector.js";

checkMethod(binaryWeightDetector);

const SEED = Number(process.env.BITLOOM_SEED ?? 1);
const INPUTS = 100;
/** The model's reference is slow: every so many inputs get its word too. */
const OF_MODEL = 10;
/** What float32 may be off. Where a decision in float64 is closer, it may turn out otherwise. */
const BOUND = 1e-6;

/** Rows of a list up to the first that is 0. */
function rowsOf(list: ArrayLike<number>): number[][] {
  const rows = Array.from({ length: list.length / 6 }, (_, i) =>
    Array.from({ length: 6 }, (_, k) => list[6 * i + k]!),
  );
  const end = rows.findIndex((r) => r[4] === 0);
  return end < 0 ? rows : rows.slice(0, end);
}

/** The numbers of a head as the model has them, and a list of boxes that the device or the model makes of them. */
interface Case {
  readonly head: Float32Array;
  readonly list: ArrayLike<number>;
}

/** Compares lists of boxes with those of float64, and says how many were decided clearly. */
function compare(cases: readonly Case[], rule: HeadRule, size: number): { clear: number; full: number } {
  const channels = rule.anchors.length * (5 + rule.classes);
  let [clear, full] = [0, 0];
  for (const { head, list } of cases) {
    const value = { shape: [1, channels, size, size], data: Float64Array.from(head) };
    const { rows, margin }: Boxes = detect(value, 0, rule, FLOAT64);
    if (margin < BOUND) continue;
    clear++;
    if (rows.length === rule.boxes) full++;
    const found = rowsOf(list);
    expect(found.map((r) => r[5])).toEqual(rows.map((r) => r[5]));
    rows.forEach((row, i) => {
      row.forEach((x, k) => {
        expect(Math.abs(found[i]![k]! - x)).toBeLessThan(BOUND * Math.max(1, Math.abs(x)));
      });
    });
  }
  return { clear, full };
}

/** The device's and the model's word on each input. */
function casesOf({ compiled, net, ...built }: BuiltNet): readonly Case[] {
  const { program, graph } = compiled;
  const trace = compileTrace(program);
  return inputsOf(net, SEED + 2, INPUTS).flatMap((input, at) => {
    const ofDevice = trace(deviceInput({ compiled, net, ...built }, input));
    const id = program.instructions.at(-1)!;
    if (id.kind !== "region") throw new Error("the program ends in a region");
    const [height, width, channels] = program.tensors[id.input]!.shape;
    const stored = ofDevice[id.input]!;
    const head = Float32Array.from(
      stored,
      (_, i) => stored[(i % (height * width)) * channels + Math.floor(i / (height * width))]!,
    );
    const device = { head, list: ofDevice[program.output.tensor]! };
    if (at % OF_MODEL > 0) return [device];
    const ofModel = traceModel(graph, Float32Array.from(input.real.data));
    return [device, { head: ofModel.get("head")!, list: ofModel.get("boxes")! }];
  });
}

describe.each([
  ["binary_weight_detector", darknetRule, 4],
  ["binary_weight_mobile_detector", mobileRule, 3],
] as const)("boxes of %s", (name, rule, size) => {
  it(`are those of float64, to 1e-6 and in the same order, BITLOOM_SEED=${SEED}`, () => {
    const cases = casesOf(buildNet(binaryWeightDetector.nets.find((n) => n.name === name)!, SEED));
    const { clear, full } = compare(cases, rule, size);
    expect(clear).toBeGreaterThan(0.9 * cases.length);
    expect(full).toBeGreaterThan(0);
    expect(full).toBeLessThan(clear);
  });
});
