import { expect, it } from "vitest";
import { problemOf } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { countOf } from "../support/methods/programs.js";
import { leastSquaresMethod } from "./t13-least-squares.js";

checkMethod(leastSquaresMethod);

const programOf = (name: string) =>
  buildNet(leastSquaresMethod.nets.find((net) => net.name === name)!, 1).compiled.program;

it("scales that an input would decide are refused, and the message says what there is instead", () => {
  const problem = problemOf({ input: [3, 4, 4], layers: [{ type: "residual_sign", sign_of_zero: 1 }] });
  expect(problem).toMatch(/^layers\[0\]\.scales: it is missing/);
  expect(problem).toMatch(/moving_average_mode "off".* not supported.*saved averages.*"abs", "mean"/);
});

it.each([
  ["least_squares_ls_2", 2],
  ["least_squares_gf_3", 3],
])("%s: bases on both sides", (name, levels) => {
  const layers = programOf(name).instructions.flatMap((i) => (i.kind === "conv-bases" ? [i] : []));
  for (const { bases, coefficients } of layers)
    expect([bases.length, coefficients.length / bases[0]!.outputs]).toEqual([levels, levels * levels]);
  expect(layers.length).toBe(3);
});

it("ls-T: −2v, 0 and 2v are ternary codes on both sides", () => {
  const { instructions, tensors } = programOf("least_squares_ls_t");
  const ternary = { bits: 2, step: 1, offset: -1 };
  const layers = instructions.flatMap((i) => (i.kind === "conv" ? [i] : []));
  expect(layers.length).toBe(3);
  for (const { input, weights } of layers) {
    expect(tensors[input]!.domain).toEqual({ kind: "codes", ...ternary });
    expect(weights).toMatchObject(ternary);
  }
});

it("ls-1 of the input: one sum over everything for a layer", () => {
  expect(countOf(programOf("least_squares_ls_1_dynamic"), "reduce")).toBe(3);
});
