import { describe, expect, it } from "vitest";
import { type FileSpec, floats, graphOf, node, problemOf, run, scalar } from "../../../support/onnx.js";

const c = Math.fround(0.3);
/** The threshold, its neighbours, zeros and numbers that are almost 0. */
const xs = [c, c - 2 ** -25, c + 2 ** -25, -c, 0, -0, 1e-45, -1e-45];
const inputs = { x: [1, xs.length] };

const relations = {
  Greater: (a: number, b: number) => a > b,
  GreaterOrEqual: (a: number, b: number) => a >= b,
  Less: (a: number, b: number) => a < b,
  LessOrEqual: (a: number, b: number) => a <= b,
} as const;

describe.each(Object.entries(relations))("%s", (op, holds) => {
  it.each([c, 0, -c, 1e-45])("of a computed value and %d is exact on either side", (number) => {
    const at = Math.fround(number);
    for (const [names, of] of [
      ["x c", (x: number) => holds(x, at)],
      ["c x", (x: number) => holds(at, x)],
    ] as const) {
      const nodes = [node(op, names, {}, "b"), node("Cast", "b", { to: 1 })];
      const result = run({ nodes, inputs, constants: { c: scalar(number) } }, xs);
      expect(result).toEqual(Array.from(Float32Array.from(xs), (x) => Number(of(x))));
    }
  });

  it("takes a number for each element", () => {
    const numbers = xs.map((_, i) => (i % 3) - 0.5);
    const nodes = [node(op, "x c", {}, "b"), node("Cast", "b", { to: 1 })];
    const result = run({ nodes, inputs, constants: { c: floats([1, xs.length], numbers) } }, xs);
    expect(result).toEqual(xs.map((x, i) => Number(holds(x, numbers[i]!))));
  });

  it("of constants is folded", () => {
    const nodes = [node(op, "c d", {}, "b"), node("Where", "b one zero", {}, "w"), node("Add", "x w")];
    const constants = {
      c: floats([4], [1, 2, 3, 4]),
      d: floats([1], [2]),
      one: scalar(1),
      zero: scalar(0),
    };
    expect(run({ nodes, constants }, [0, 0, 0, 0])).toEqual([1, 2, 3, 4].map((a) => Number(holds(a, 2))));
  });

  it("of two computed values, of other types or of shapes that do not fit is refused", () => {
    const of = (names: string, constants: FileSpec["constants"] = {}): string =>
      problemOf({ nodes: [node("Relu", "x", {}, "r"), node(op, names, {}, "b")], constants, outputs: ["b"] });
    expect(of("x r")).toMatch(/compares two computed values/);
    expect(of("x c", { c: floats([3], [1, 2, 3]) })).toMatch(/shapes of its operands do not fit/);
    expect(of("x c", { c: { dims: [], dataType: 7, int64Data: [1n] } })).toMatch(/mixes/);
  });
});

describe("booleans", () => {
  const constants = { zero: scalar(0), one: scalar(1), c: scalar(c), minus: scalar(-1) };
  const compare = [node("Greater", "x zero", {}, "a"), node("Greater", "x c", {}, "b")];
  const choosing = (...nodes: FileSpec["nodes"]): FileSpec => ({
    nodes: [...compare, ...nodes, node("Where", "d one minus")],
    inputs,
    constants,
  });
  const signs = (holds: (x: number) => boolean): number[] =>
    Array.from(Float32Array.from(xs), (x) => (holds(x) ? 1 : -1));

  it("are joined and turned round", () => {
    expect(run(choosing(node("And", "a b", {}, "d")), xs)).toEqual(signs((x) => x > c));
    expect(run(choosing(node("Or", "a b", {}, "d")), xs)).toEqual(signs((x) => x > 0));
    expect(run(choosing(node("Not", "b", {}, "d")), xs)).toEqual(signs((x) => !(x > c)));
    expect(run(choosing(node("Xor", "a b", {}, "e"), node("Xor", "e b", {}, "d")), xs)).toEqual(
      signs((x) => x > 0),
    );
  });

  it("that are true in the middle only are refused", () => {
    const nodes = [node("Xor", "a b", {}, "d")];
    expect(problemOf(choosing(...nodes))).toMatch(/do not rise or fall in equal steps/);
  });

  it("are no numbers, and numbers are no booleans", () => {
    const of = (...nodes: FileSpec["nodes"]): string =>
      problemOf({ nodes: [...compare, ...nodes], inputs, constants });
    expect(of(node("Relu", "a"))).toMatch(/mixes/);
    expect(of(node("Transpose", "a"))).toMatch(/Greater_0 .*computes booleans/s);
    expect(of(node("And", "a x"))).toMatch(/no comparisons/);
    expect(of(node("Not", "x"))).toMatch(/no comparisons/);
    expect(of(node("And", "a one"))).toMatch(/mixes/);
  });

  it("of different values are refused", () => {
    const nodes = [
      node("Add", "x one", {}, "z"),
      node("Greater", "z zero", {}, "e"),
      node("And", "a e", {}, "d"),
    ];
    expect(problemOf(choosing(...nodes))).toMatch(/no comparisons of one value/);
  });

  it("as integers are computed with, and cast to float32", () => {
    const whole = (n: number) => ({ dims: [], dataType: 7, int64Data: [BigInt(n)] });
    const nodes = [
      compare[0]!,
      node("Cast", "a", { to: 7 }, "i"),
      node("Mul", "i two", {}, "m"),
      node("Sub", "m one64", {}, "s"),
      node("Cast", "s", { to: 1 }),
    ];
    const spec = { nodes, inputs, constants: { ...constants, two: whole(2), one64: whole(1) } };
    expect(run(spec, xs)).toEqual(signs((x) => x > 0));
    expect(graphOf(spec).nodes).toHaveLength(1);
  });
});

describe("Equal", () => {
  it("of what Sign gives decides its 0", () => {
    const constants = { zero: scalar(0), minus: scalar(-1) };
    const nodes = [node("Sign", "x", {}, "s"), node("Equal", "s zero", {}, "e"), node("Where", "e minus s")];
    expect(run({ nodes, inputs, constants }, xs)).toEqual(xs.map((x) => (x > 0 ? 1 : -1)));
  });

  it("of a computed value is refused: no quantizer has one number apart", () => {
    const nodes = [node("Equal", "x c", {}, "e"), node("Cast", "e", { to: 1 })];
    expect(problemOf({ nodes, constants: { c: scalar(c) } })).toMatch(/do not rise or fall/);
  });
});
