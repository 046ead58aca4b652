import { describe, expect, it } from "vitest";
import { traceModel } from "../../src/reference/model.js";
import { boxesOfDevice, compareBoxes, type HeadCase } from "../support/methods/boxes.js";
import { checkMethod } from "../support/methods/check.js";
import { type BuiltNet, buildNet, deviceInput, inputsOf } from "../support/methods/net.js";
import { binaryWeightDetector, darknetRule, mobileRule } from "./t10-binary-weight-detector.js";

checkMethod(binaryWeightDetector);

const SEED = Number(process.env.BITLOOM_SEED ?? 1);
const INPUTS = 100;
/** The model's reference is slow: every so many inputs get its word too. */
const OF_MODEL = 10;
/** The device's and the model's word on each input. */
function casesOf({ compiled, net, ...built }: BuiltNet): readonly HeadCase[] {
  const { program, graph } = compiled;
  const boxes = boxesOfDevice(program);
  return inputsOf(net, SEED + 2, INPUTS).flatMap((input, at) => {
    const device = boxes(deviceInput({ compiled, net, ...built }, input));
    if (at % OF_MODEL > 0) return [device];
    const ofModel = traceModel(graph, Float32Array.from(input.real.data));
    return [device, { head: ofModel.get("head")!, list: ofModel.get("boxes")! }];
  });
}

describe.each([
  ["binary_weight_detector", darknetRule],
  ["binary_weight_mobile_detector", mobileRule],
] as const)("boxes of %s", (name, rule) => {
  it(`are those of float64, to 1e-6 and in the same order, BITLOOM_SEED=${SEED}`, () => {
    const cases = casesOf(buildNet(binaryWeightDetector.nets.find((n) => n.name === name)!, SEED));
    const { clear, full } = compareBoxes(cases, rule);
    expect(clear).toBeGreaterThan(0.9 * cases.length);
    expect(full).toBeGreaterThan(0);
    expect(full).toBeLessThan(clear);
  });
});
