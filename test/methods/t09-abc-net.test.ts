import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { floatMaps } from "../support/methods/programs.js";
import { abcNet } from "./t09-abc-net.js";

checkMethod(abcNet);

it("three bases by three planes: nine factors for an output, and no map of floats", () => {
  for (const net of abcNet.nets) {
    const { program } = buildNet(net, 1).compiled;
    expect(floatMaps(program)).toEqual([]);
    const layers = program.instructions.flatMap((i) => (i.kind === "conv-bases" ? [i] : []));
    expect(layers.map(({ bases }) => bases.length)).toEqual([3, 3, 3]);
    expect(layers.map(({ coefficients }) => coefficients.length)).toEqual([33, 9, 10].map((n) => 9 * n));
  }
});

it("of eight codes four occur, so that rows of seven thresholds have three numbers", () => {
  const { program } = buildNet(abcNet.nets[1]!, 1).compiled;
  const thresholds = program.instructions.flatMap((i) => (i.kind === "threshold" ? [i] : []));
  for (const { levels, thresholds: rows } of thresholds.slice(1)) {
    expect(levels).toBe(7);
    for (let at = 0; at < rows.length; at += levels)
      expect(new Set(rows.subarray(at, at + levels)).size).toBeLessThanOrEqual(3);
  }
});
