import { describe, expect, it } from "vitest";
import { type FileSpec, floats, graphOf, node, problemOf, run, scalar } from "../../../support/onnx.js";

const constants = {
  zero: scalar(0),
  one: scalar(1),
  minus: scalar(-1),
  c: scalar(0.5),
  slope: scalar(-0.25),
};
const x = [-2, -0.25, 0.5, 3];

/** What is chosen where `x op constant` holds. */
function chosen(comparison: string, branches: string, more: FileSpec["nodes"] = []): FileSpec {
  const [op, ...names] = comparison.split(" ");
  return { nodes: [...more, node(op!, names, {}, "b"), node("Where", `b ${branches}`)], constants };
}

describe("Where between numbers", () => {
  it("is a quantizer, of one bit if they are opposite", () => {
    const [only] = graphOf(chosen("GreaterOrEqual x zero", "one minus")).nodes;
    expect(only!.op).toMatchObject({ quantizer: { kind: "bipolar", signOfZero: 1 } });
    const [other] = graphOf(chosen("Less zero x", "minus one")).nodes;
    expect(other!.op).toMatchObject({
      quantizer: { kind: "bipolar", signOfZero: -1, scale: { data: Float32Array.of(-1) } },
    });
  });

  it.each([
    ["Greater x c", "one zero", [0, 0, 0, 1]],
    ["GreaterOrEqual x c", "zero one", [1, 1, 0, 0]],
    ["Greater x c", "c slope", [-0.25, -0.25, -0.25, 0.5]],
    ["Less x c", "one c", [1, 1, 0.5, 0.5]],
  ])("%s ? %s", (comparison, branches, y) => {
    expect(run(chosen(comparison, branches), x)).toEqual(y);
  });

  it("takes tensors that are full of one number", () => {
    const spec = chosen("Greater x zero", "ones minus");
    const ones = floats([1, 4], [1, 1, 1, 1]);
    expect(run({ ...spec, constants: { ...constants, ones } }, x)).toEqual([-1, -1, 1, 1]);
    const mixed = floats([1, 4], [1, 2, 1, 1]);
    expect(problemOf({ ...spec, constants: { ...constants, ones: mixed } })).toMatch(
      /between computed values/,
    );
  });

  it("may stand in another", () => {
    const outer = chosen("Greater x c", "one inner", [
      node("Less", "x slope", {}, "l"),
      node("Where", "l minus zero", {}, "inner"),
    ]);
    expect(run(outer, x)).toEqual([-1, 0, 0, 1]);
  });

  it("that are the same is refused: nothing is left of the input", () => {
    expect(problemOf(chosen("Greater x zero", "one one"))).toMatch(/it is 1 whatever the input is/);
    const cut = [node("Clip", "x one", {}, "k")];
    expect(problemOf(chosen("Greater k zero", "one minus", cut))).toMatch(/it is 1 whatever/);
  });
});

describe("Where of the compared value", () => {
  const times = [node("Mul", "x slope", {}, "s")];

  it.each([
    ["Greater x zero", "x zero", "relu", [0, 0, 0.5, 3]],
    ["Less x zero", "zero x", "relu", [0, 0, 0.5, 3]],
    ["Greater x c", "x c", "clip", [0.5, 0.5, 0.5, 3]],
    ["GreaterOrEqual x c", "c x", "clip", [-2, -0.25, 0.5, 0.5]],
    ["Greater x zero", "x s", "prelu", [0.5, 0.0625, 0.5, 3]],
    ["LessOrEqual x zero", "s x", "prelu", [0.5, 0.0625, 0.5, 3]],
  ])("%s ? %s is a %s", (comparison, branches, kind, y) => {
    const spec = chosen(comparison, branches, times);
    expect(graphOf(spec).nodes.at(-1)!.op.kind).toBe(kind);
    expect(run(spec, x)).toEqual(y);
  });

  it.each([
    ["Greater x zero", "x one"],
    ["Greater x c", "x s"],
    ["Greater x zero", "s x"],
    ["Greater x zero", "s s"],
  ])("%s ? %s is refused", (comparison, branches) => {
    expect(problemOf(chosen(comparison, branches, times))).toMatch(/chooses between computed values.*Relu/s);
  });
});

describe("Where of a constant condition", () => {
  const bool = { dims: [2n, 1n], dataType: 9, int32Data: [1, 0] };
  const spec = (branches: string): FileSpec => ({
    nodes: [node("Where", `b ${branches}`, {}, "w"), node("Add", "x w")],
    constants: {
      ...constants,
      b: bool,
      row: floats([2], [1, 2]),
      whole: { dims: [], dataType: 7, int64Data: [1n] },
    },
    inputs: { x: [2, 2] },
  });

  it("is folded, with numpy's broadcasting", () => {
    const values = { ...spec("row c"), inputs: { x: [1, 2, 2] } };
    expect(run(values, [0, 0, 0, 0])).toEqual([1, 2, 0.5, 0.5]);
  });

  it("is refused where branches are computed or integers, or it is no boolean", () => {
    const only = (branches: string): string => problemOf({ ...spec(branches), inputs: { x: [1, 2, 2] } });
    expect(only("x c")).toMatch(/condition is a constant/);
    expect(only("whole whole")).toMatch(/among integers/);
    expect(
      problemOf({ nodes: [node("Where", "one one one", {}, "w"), node("Add", "x w")], constants }),
    ).toMatch(/mixes/);
  });

  it("or one that is no comparison is refused", () => {
    expect(problemOf({ nodes: [node("Where", "x one zero")], constants })).toMatch(/no comparison/);
  });
});
