import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { LEVELS, lqNets } from "./t24-lq-nets.js";

checkMethod(lqNets);

const { program } = buildNet(lqNets.nets[0]!, 1).compiled;

it("levels are sorted otherwise than codes, and a negative one is behind ReLU's reach", () => {
  expect(LEVELS.map(([a, b]) => 2 * a + b)).toEqual([0b01, 0b00, 0b11, 0b10]);
  const codes = program.instructions.flatMap((i) => (i.kind === "threshold" ? [i.table] : []));
  expect(codes.length).toBe(4);
  for (const table of codes) expect(Array.from(table!)).toEqual([0b01, 0b00, 0b11, 0b10]);
});

it("each output has coefficients of its own, of both signs", () => {
  const layers = program.instructions.flatMap((i) => (i.kind === "conv-bases" ? [i] : []));
  expect(layers.map(({ bases }) => bases.length)).toEqual([2, 2, 2, 2]);
  for (const { coefficients, bases } of layers) {
    expect(coefficients.length).toBe(4 * bases[0]!.outputs);
    // [output][basis][plane]: the second plane's coefficient is negative, and the second basis' of output 2.
    const signs = [0, 1, 2, 3].map((n) => Array.from(coefficients.subarray(4 * n, 4 * n + 4), Math.sign));
    const plain = [1, -1, 1, -1];
    expect(signs).toEqual([plain, plain, [1, -1, -1, 1], plain]);
  }
});
