import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { horq } from "./t22-horq.js";

checkMethod(horq);

it.each([
  ["frozen", []],
  ["of the input", new Array(4).fill("all")],
  ["per position", new Array(4).fill("channels")],
])("β %s: sums for every order of both layers", (what, wanted) => {
  const net = horq.nets[["frozen", "of the input", "per position"].indexOf(what)]!;
  const { instructions } = buildNet(net, 1).compiled.program;
  expect(instructions.flatMap((i) => (i.kind === "reduce" ? [i.over] : []))).toEqual(wanted);
});
