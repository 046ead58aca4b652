import { expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, deviceInput, inputsOf, loweringOf } from "../support/methods/net.js";
import { wideningSqueezing } from "./t14-widening-squeezing.js";

checkMethod(wideningSqueezing);

it("channels behind gates of 0 are gone, and the result is the same", () => {
  const built = buildNet(wideningSqueezing.nets[0]!, 1);
  const stages = new Map<string, DeviceProgram>();
  lowerGraph(built.compiled.graph, loweringOf(built.net), (pass, program) => stages.set(pass, program));
  const [before, after] = [stages.get("fold-flips")!, stages.get("dead-channels")!];
  const widthsOf = ({ tensors }: DeviceProgram): number[] =>
    ["conv1", "conv2", "conv3"].map((name) => tensors.find((t) => t.name === name)!.shape[2]);
  expect(widthsOf(before)).toEqual([37, 91, 13]);
  const live = widthsOf(after);
  for (const [i, width] of widthsOf(before).entries()) expect(live[i]).toBeLessThan(0.85 * width);
  const [wide, narrow] = [compileDevice(before), compileDevice(after)];
  for (const input of inputsOf(built.net, 2, 50))
    expect(narrow(deviceInput(built, input))).toEqual(wide(deviceInput(built, input)));
});
