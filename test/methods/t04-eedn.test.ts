import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf } from "../support/methods/net.js";
import { eedn } from "./t04-eedn.js";

checkMethod(eedn);

it("spikes where the normalized sum is exactly 0", () => {
  const built = buildNet(eedn.nets[0]!, 1);
  const conv = built.compiled.program.tensors.findIndex((t) => t.name === "spatial");
  const threshold = built.compiled.program.instructions.find(
    (i) => i.kind === "threshold" && i.input === conv,
  )!;
  if (threshold.kind !== "threshold") throw new Error("no threshold");
  // Sums that are thresholds occur: at them the spike is decided by 0 ≥ 0 or by a step further.
  const sums = inputsOf(built.net, 2, 20).map(
    ({ real }) => built.define(real).seen.get("spatial")!.value.data,
  );
  const pixels = 100;
  const met = Array.from(threshold.thresholds).filter((t, c) =>
    sums.some((data) => data.subarray(c * pixels, (c + 1) * pixels).includes(t)),
  );
  expect(met.length).toBeGreaterThan(10);
});

it("weights are ternary in groups of fewer inputs than a word has bits, and features are bits", () => {
  const { tensors, instructions } = buildNet(eedn.nets[0]!, 1).compiled.program;
  const grouped = instructions.flatMap((i) => (i.kind === "conv" && i.groups > 1 ? [i] : []));
  expect(grouped.map(({ weights }) => [weights.bits, weights.step, weights.offset])).toEqual(
    new Array(3).fill([2, 1, -1]),
  );
  for (const { input, groups } of grouped) expect(tensors[input]!.shape[2] / groups).toBeLessThan(32);
  for (const { input } of grouped)
    expect(tensors[input]!.domain).toEqual({ kind: "codes", bits: 1, step: 1, offset: 0 });
});
