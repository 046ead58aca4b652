import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { batsCells } from "./t20-bats.js";

checkMethod(batsCells);

const { program } = buildNet(batsCells.nets[0]!, 1).compiled;

it("operations are in groups of three channels", () => {
  const inGroups = program.instructions.flatMap((i) => (i.kind === "conv" && i.groups > 1 ? [i] : []));
  expect(inGroups.length).toBeGreaterThan(7);
  for (const { input, groups } of inGroups) expect(program.tensors[input]!.shape[2] / groups).toBe(3);
});

it("PReLUs with a negative slope keep no order: they are float32, and no threshold stands in for them", () => {
  const slopes = program.instructions.flatMap((i) =>
    i.kind === "scale"
      ? i.steps.flatMap(({ operator, operand }) => (operator === "prelu" ? [operand] : []))
      : [],
  );
  expect(slopes.length).toBeGreaterThan(7);
  for (const slope of slopes) expect(slope.some((s) => s < 0)).toBe(true);
});

it("none leaves nothing: its edges' nodes are the other edge", () => {
  const names = program.tensors.map(({ name }) => name);
  for (const node of ["normal.node1", "reduction.node3"]) expect(names).not.toContain(node);
});
