import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../../../src/passes/registry.js";
import { errorsOf } from "../../../support/errors.js";
import {
  type FileSpec,
  floats,
  graphOf,
  node,
  problemOf,
  problemsOf,
  run,
  scalar,
} from "../../../support/onnx.js";

const x = [-3, -0, 0, 1e-40];
const constants = {
  tenth: scalar(0.1),
  one: scalar(1),
  minus: scalar(-1),
  zero: scalar(0),
  half: scalar(0.5),
};
const plain = { nodes: [node("Sign", "x")] };

describe("Sign of a computed value", () => {
  it("is ambiguous at 0, and asks", () => {
    expect(problemOf(plain)).toMatch(/^Sign_0 .*gives 0 for 0.*--sign-of-zero \+1 or -1/s);
  });

  it.each([
    [1, [-1, 1, 1, 1]],
    [-1, [-1, -1, -1, 1]],
    [0, [-1, 0, 0, 1]],
  ] as const)("is with --sign-of-zero %d what was asked for", (signOfZero, y) => {
    expect(run(plain, x, { signOfZero }).map((v) => v + 0)).toEqual(y);
  });

  it.each([
    ["Add", [-1, 1, 1, 1]],
    ["Sub", [-1, -1, -1, 1]],
  ])("is sure where %s moves its 0 and another Sign follows, whatever the option says", (op, y) => {
    const nodes = [node("Sign", "x", {}, "s"), node(op, "s tenth", {}, "a"), node("Sign", "a")];
    for (const signOfZero of [1, -1, 0] as const)
      expect(run({ nodes, constants }, x, { signOfZero })).toEqual(y);
    expect(graphOf({ nodes, constants }).nodes).toHaveLength(1);
  });

  it("is sure where the value cannot be 0", () => {
    const nodes = [
      node("GreaterOrEqual", "x zero", {}, "b"),
      node("Where", "b half minus", {}, "w"),
      node("Sign", "w", {}, "s"),
      node("Mul", "s half"),
    ];
    expect(run({ nodes, constants }, x)).toEqual([-0.5, 0.5, 0.5, 0.5]);
  });

  it("of what is never below 0 is 0 or 1", () => {
    const nodes = [node("Relu", "x", {}, "r"), node("Sign", "r")];
    expect(run({ nodes }, x).map((v) => v + 0)).toEqual([0, 0, 0, 1]);
  });

  it("that nothing needs is no problem, and one that several nodes need is one problem", () => {
    const nodes = [
      node("Sign", "x", {}, "s"),
      node("Flatten", "s", {}, "f"),
      node("Transpose", "s", {}, "t"),
    ];
    expect(graphOf({ nodes: [...nodes, node("Relu", "x")] }).nodes).toHaveLength(1);
    expect(problemsOf({ nodes, outputs: ["f", "t"] })).toHaveLength(1);
  });

  it("keeps the file's name, in whatever it becomes", () => {
    const graph = graphOf({ nodes: [{ ...node("Sign", "x"), name: "act" }] }, { signOfZero: 1 });
    expect(graph.nodes.map((n) => [n.name, n.output])).toEqual([["act", "y"]]);
  });
});

describe("Sign of constants", () => {
  const of = (w: readonly number[]): FileSpec => ({
    nodes: [node("Sign", "w", {}, "s"), node("Add", "x s")],
    constants: { w: floats([4], w) },
  });

  it("is folded", () => {
    expect(run(of([0.3, -0.2, 1e-40, -5]), [0, 0, 0, 0])).toEqual([1, -1, 1, -1]);
  });

  it("that are 0 asks, and takes what was said", () => {
    expect(problemOf(of([0.3, 0, 1, -5]))).toMatch(/some are exactly 0.*--sign-of-zero/s);
    for (const signOfZero of [1, -1, 0] as const)
      expect(run(of([0.3, 0, 1, -0]), [0, 0, 0, 0], { signOfZero })).toEqual([1, signOfZero, 1, signOfZero]);
  });
});

describe("in front of a Sign", () => {
  const layers = (...between: FileSpec["nodes"]): FileSpec => ({
    nodes: [
      node("BipolarQuant", "x one", {}, "q"),
      node("MatMul", "q w", {}, "m"),
      node("Add", "m b", {}, "a"),
      ...between,
      node("MatMul", "s v"),
    ],
    constants: {
      ...constants,
      w: floats([4, 3], [1, -1, 1, 1, 1, -1, -1, 1, 1, 1, -1, -1]),
      b: floats([3], [0.5, -1.5, 0.25]),
      v: floats([3, 2], [1, -1, -1, 1, 1, 1]),
    },
  });
  const instructions = (spec: FileSpec): unknown =>
    lowerGraph(graphOf(spec, { signOfZero: 1 })).program.instructions;
  const bare = layers(node("Sign", "a", {}, "s"));

  it.each([
    ["hardtanh", [node("Clip", "a minus one", {}, "c"), node("Sign", "c", {}, "s")]],
    ["tanh", [node("Tanh", "a", {}, "c"), node("Sign", "c", {}, "s")]],
    ["a positive factor", [node("Mul", "a half", {}, "c"), node("Sign", "c", {}, "s")]],
  ])("%s costs nothing", (_, between) => {
    expect(instructions(layers(...between))).toEqual(instructions(bare));
  });

  it.each([
    [
      "where(x >= 0, 1, -1)",
      [node("GreaterOrEqual", "a zero", {}, "c"), node("Where", "c one minus", {}, "s")],
    ],
    [
      "2 · (x >= 0) − 1",
      [
        node("GreaterOrEqual", "a zero", {}, "c"),
        node("Cast", "c", { to: 1 }, "d"),
        node("Add", "d d2", {}, "e"),
        node("Sub", "e one", {}, "s"),
      ],
    ],
    [
      "tanh(x) >= 0",
      [
        node("Tanh", "a", {}, "t"),
        node("LessOrEqual", "zero t", {}, "c"),
        node("Where", "c one minus", {}, "s"),
      ],
    ],
  ])("%s is the same layer", (_, between) => {
    const spec = layers(
      ...between.map((n) => ({ ...n, in: n.in.map((name) => (name === "d2" ? "d" : name)) })),
    );
    expect(instructions(spec)).toEqual(instructions(bare));
  });

  it("0 is an exact sum where it can occur, and belongs where the option says", () => {
    const spec = layers(node("Sub", "a b", {}, "c"), node("Sign", "c", {}, "s"));
    const of = (signOfZero: 1 | -1): unknown =>
      lowerGraph(graphOf(spec, { signOfZero })).program.instructions;
    expect(of(1)).not.toEqual(of(-1));
  });

  it("tanh is refused where its value is needed", () => {
    const nodes = [node("Tanh", "x", {}, "t")];
    const of = (...after: FileSpec["nodes"]): string =>
      errorsOf(() => graphOf({ nodes: [...nodes, ...after], constants }))[0]!.message;
    expect(of(node("Mul", "t half"))).toMatch(/more than its sign/);
    expect(of(node("Greater", "t half", {}, "b"), node("Cast", "b", { to: 1 }))).toMatch(
      /more than its sign/,
    );
    expect(of(node("Sign", "t", {}, "s"), node("Add", "s t"))).toMatch(/gives 0 for 0|more than its sign/);
  });
});
