import { expect, it } from "vitest";
import type { DeviceProgram } from "../../src/program/index.js";
import { checkMethod } from "../support/methods/check.js";
import { disagreements } from "../support/methods/disagreements.js";
import { buildNet, inputsOf, type MethodNet } from "../support/methods/net.js";
import { kindsOf } from "../support/methods/programs.js";
import { signOnly, xnorPlusPlus } from "./t17-xnor-net-plus-plus.js";

checkMethod(xnorPlusPlus);

/** Extents of the operands that differ between positions. */
function extents({ instructions }: DeviceProgram): readonly (readonly number[])[] {
  return instructions.flatMap((i) =>
    i.kind === "scale" ? i.steps.flatMap(({ extent }) => (extent === undefined ? [] : [extent])) : [],
  );
}

/** The program of a net that agrees with its definition. */
function agreed(net: MethodNet): DeviceProgram {
  const built = buildNet(net, 1);
  expect(disagreements(built, inputsOf(net, 2, 50)), net.name).toEqual([]);
  return built.compiled.program;
}

it.each([
  [1, []],
  [
    2,
    [
      [6, 5, 33],
      [6, 5, 12],
    ],
  ],
  [3, new Array(2).fill([6, 5, 1])],
  [
    4,
    [
      [6, 1, 1],
      [1, 5, 1],
      [6, 1, 1],
      [1, 5, 1],
    ],
  ],
])("case %i: constants as large as Γ's factors", (which, wanted) => {
  expect(extents(buildNet(xnorPlusPlus.nets[which - 1]!, 1).compiled.program)).toEqual(wanted);
});

it("a positive Γ in front of a sign is left out", () => {
  for (const which of [2, 3, 4] as const) {
    const program = agreed(signOnly(which, false));
    expect(kindsOf(program)).toEqual(["threshold", "conv", "threshold", "conv"]);
    expect(extents(program)).toEqual([]);
  }
});

it("a negative Γ is not", () => {
  expect(extents(agreed(signOnly(2, true)))).toEqual([[6, 5, 12]]);
});
