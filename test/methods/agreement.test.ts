/** The comparison of definitions with programs finds what differs: it is given definitions that are wrong in one place. */
import { expect, it } from "vitest";
import type { Value } from "../support/methods/arithmetic.js";
import { disagreements } from "../support/methods/disagreements.js";
import { type BuiltNet, buildNet, type Defined, inputsOf } from "../support/methods/net.js";
import { bnn } from "./t02-bnn.js";
import { biReal } from "./t15-bi-real.js";

const INPUTS = 8;
const built = buildNet(bnn.nets[0]!, 1);
const inputs = inputsOf(built.net, 2, INPUTS);

/** Disagreements where what is defined of input `which` (or of all) is changed. */
function afterChange(of: BuiltNet, change: (defined: Defined) => Defined, which?: number): string[] {
  let count = 0;
  const define = (x: Value): Defined => {
    const defined = of.define(x);
    return which === undefined || count++ === which ? change(defined) : defined;
  };
  return disagreements({ ...of, define }, inputsOf(of.net, 2, INPUTS));
}

/** With numbers of one value changed. */
function changed(name: string, at: (index: number) => boolean, to: (v: number) => number) {
  return ({ seen, output }: Defined): Defined => {
    const { value, unit } = seen.get(name)!;
    const data = value.data.map((v, i) => (at(i) ? to(v) : v));
    return { output, seen: new Map([...seen, [name, { unit, value: { ...value, data } }]]) };
  };
}

it("nothing, where nothing is changed", () => {
  expect(disagreements(built, inputs)).toEqual([]);
});

it.each([
  ["one bit of one input", "sign2", (i: number) => i === 5, (v: number) => -v],
  ["one sum", "conv3", (i: number) => i === 7, (v: number) => v + 2],
  ["a sum between two that the device can have", "fc1", (i: number) => i === 0, (v: number) => v + 0.5],
])("%s", (_what, name, at, to) => {
  const found = afterChange(built, changed(name, at, to), 3);
  expect(found).toEqual([expect.stringMatching(new RegExp(`^${name} \\[.* where the method has`))]);
});

it("a channel that is turned round on some inputs only; one that is on all may be", () => {
  const pixels = 16;
  const turn = changed(
    "sign2",
    (i) => i < pixels,
    (v) => -v,
  );
  expect(afterChange(built, turn)).toEqual([]);
  expect(afterChange(built, turn, 2)).toEqual([expect.stringMatching(/^sign2/)]);
});

it("an output's last bit", () => {
  const next = ({ seen, output }: Defined): Defined => ({
    seen,
    output: { ...output, data: output.data.map((v, i) => (i === 2 ? v * (1 + 2 ** -23) : v)) },
  });
  expect(afterChange(built, next, 0)).toEqual([expect.stringMatching(/^output 2 is/)]);
});

it("a float that is turned, or has another zero", () => {
  const net = buildNet(biReal.nets[0]!, 1);
  const wrong = (to: (v: number) => number) =>
    afterChange(
      net,
      changed("block1", (i) => i === 0, to),
    );
  expect(wrong((v) => -v)).toEqual([expect.stringMatching(/^block1/)]);
  const zero = changed(
    "stem input",
    () => true,
    (v) => (v === 0 ? -0 : v),
  );
  expect(afterChange(net, zero)).toEqual([expect.stringMatching(/^stem input/)]);
});

it("names that the program does not have, and tensors that nothing is said of", () => {
  const renamed = ({ seen, output }: Defined): Defined => ({
    output,
    seen: new Map([...seen].map(([name, v]) => [name === "sign3" ? "sign9" : name, v])),
  });
  expect(afterChange(built, renamed)).toEqual([
    'the program has 0 tensors "sign9"',
    'the reference does not show tensor "sign3"',
  ]);
});
