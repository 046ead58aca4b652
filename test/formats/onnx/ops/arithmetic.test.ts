import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type FileSpec,
  floats,
  graphOf,
  ints,
  node,
  problemOf,
  run as runSpec,
  scalar,
} from "../../../support/onnx.js";

const x = Float32Array.of(1.1, -2.7, 0, 3.3);
const c = [0.1, 0.7, -1.3, 2.9];

function run(spec: FileSpec, input = x): number[] {
  return runSpec(spec, input);
}

/** float32 arithmetic written in numbers of JavaScript: exact in float64, rounded once. */
const operators = {
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Div: (a: number, b: number) => a / b,
} as const;

describe.each(Object.entries(operators))("%s", (op, apply) => {
  const constants = { c: floats([1, 4], c) };
  const expected = (swap: boolean): number[] =>
    Array.from(x, (v, i) => {
      const k = Math.fround(c[i]!);
      return Math.fround(swap ? apply(k, v) : apply(v, k));
    });

  it("takes the constant on the right", () => {
    expect(run({ nodes: [node(op, "x c")], constants })).toEqual(expected(false));
  });

  it("takes the constant on the left", () => {
    expect(run({ nodes: [node(op, "c x")], constants })).toEqual(expected(true));
  });

  it("repeats a scalar", () => {
    const scaled = run({ nodes: [node(op, "x c")], constants: { c: scalar(0.3) } });
    expect(scaled).toEqual(Array.from(x, (v) => Math.fround(apply(v, Math.fround(0.3)))));
  });

  it("folds constants as it computes values: the same operation twice, bit for bit", () => {
    fc.assert(
      fc.property(
        float32(),
        float32().filter((b) => b !== 0),
        (a, b) => {
          const value = Math.fround(apply(a, b));
          fc.pre(Number.isFinite(value) && value !== 0);
          const constants = { a: floats([1, 1], [a]), b: scalar(b) };
          const nodes = [node(op, "a b", {}, "folded"), node("Mul", "x folded")];
          const folded = graphOf({ nodes, constants, inputs: { x: [1, 1] } }).nodes[0]!.op;
          expect(folded.kind === "arithmetic" && folded.operand.data[0]).toBe(value);
          expect(
            run({ nodes: [node(op, "x b")], constants, inputs: { x: [1, 1] } }, Float32Array.of(a)),
          ).toEqual([value]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("takes two computed values that broadcast, but for a division", () => {
    const nodes = [node("ReduceMean", "x", { axes: [1] }, "m"), node(op, "x m")];
    const inputs = { x: [1, 4, 1, 1] };
    if (op === "Div") expect(problemOf({ nodes, inputs })).toMatch(/divides by a computed value/);
    else {
      const mean = Math.fround(Math.fround(x.reduce((a, b) => a + b, 0)) / 4);
      expect(run({ nodes, inputs })).toEqual(Array.from(x, (v) => Math.fround(apply(v, mean))));
      const vanished = [node("ReduceMean", "x", { axes: [1], keepdims: 0 }, "m"), node(op, "m x")];
      expect(run({ nodes: vanished, inputs })).toEqual(Array.from(x, (v) => Math.fround(apply(mean, v))));
    }
  });

  it("refuses computed values of other shapes, integers and shapes that do not fit", () => {
    const longer = [node("Concat", "x x", { axis: 1 }, "t"), node(op, "x t")];
    const two = op === "Div" ? /divides by a computed value/ : /joins the shapes 1×4 and 1×8/;
    expect(problemOf({ nodes: longer })).toMatch(two);
    expect(problemOf({ nodes: [node(op, "x c")], constants: { c: ints(1, 2, 3, 4) } })).toMatch(/mixes/);
    expect(problemOf({ nodes: [node(op, "x c")], constants: { c: floats([3], [1, 2, 3]) } })).toMatch(
      /do not fit.*inputs 1×4, 3/s,
    );
    expect(problemOf({ nodes: [node(op, "x c")], constants: { c: floats([2, 4], [...c, ...c]) } })).toMatch(
      /do not fit/,
    );
    expect(problemOf({ nodes: [node(op, "x")] })).toMatch(/input 1 is missing/);
  });
});

describe("constants", () => {
  it.each([
    ["Sqrt", 2, Math.fround(Math.sqrt(2))],
    ["Neg", 2, -2],
    ["Abs", -2, 2],
    ["Reciprocal", 3, Math.fround(1 / 3)],
    ["Exp", 0, 1],
    ["Relu", -2, 0],
    ["Identity", 2, 2],
  ])("%s of %d is folded to %d", (op, from, to) => {
    const graph = graphOf({
      nodes: [node(op, "c", {}, "folded"), node("Add", "x folded")],
      constants: { c: scalar(from) },
    });
    const [only] = graph.nodes;
    expect(graph.nodes).toHaveLength(1);
    expect(only?.op.kind === "arithmetic" && only.op.operand.data[0]! + 0).toBe(to);
  });

  it("Pow is folded, with a float or an integer exponent", () => {
    for (const exponent of [scalar(-3), { dims: [], dataType: 7, int64Data: [-3n] }]) {
      const nodes = [node("Pow", "two e", {}, "p"), node("Mul", "x p")];
      expect(run({ nodes, constants: { two: scalar(2), e: exponent } })).toEqual(Array.from(x, (v) => v / 8));
    }
  });

  it.each([
    ["Pow", "x c", /works on a computed value/],
    ["Sqrt", "x", /works on a computed value/],
    ["Exp", "x", /works on a computed value/],
  ])("%s of computed values is refused", (op, inputs, message) => {
    expect(problemOf({ nodes: [node(op, inputs)], constants: { c: scalar(2) } })).toMatch(message);
  });

  it("NaN and infinities from folding are refused", () => {
    const of = (op: string, a: number, b: number): string =>
      problemOf({
        nodes: [node(op, "a b", {}, "c"), node("Add", "x c")],
        constants: { a: scalar(a), b: scalar(b) },
      });
    expect(of("Div", 1, 0)).toMatch(/gives a NaN or an infinity/);
    expect(of("Mul", 1e38, 1e38)).toMatch(/gives a NaN or an infinity/);
    expect(of("Pow", -1, 0.5)).toMatch(/gives a NaN or an infinity/);
  });

  it("division of computed values by 0 is refused", () => {
    expect(problemOf({ nodes: [node("Div", "x c")], constants: { c: scalar(0) } })).toMatch(/divides by 0/);
  });

  it("integers divide towards zero, and not by 0", () => {
    const nodes = [node("Div", "a b", {}, "shape"), node("Reshape", "x shape")];
    const graph = graphOf({ nodes, constants: { a: ints(5, 9), b: ints(2, 4) } });
    expect(graph.values.get("y")?.shape).toEqual([2, 2]);
    expect(problemOf({ nodes, constants: { a: ints(4, 1), b: ints(0, 1) } })).toMatch(/out of range/);
    const power = [node("Pow", "a b", {}, "shape"), node("Reshape", "x shape")];
    expect(problemOf({ nodes: power, constants: { a: ints(0), b: ints(-1) } })).toMatch(/Pow/);
  });
});

it("Relu keeps what is above 0", () => {
  expect(run({ nodes: [node("Relu", "x")] })).toEqual([Math.fround(1.1), 0, 0, Math.fround(3.3)]);
});

describe("Sum", () => {
  it("adds its inputs one after another, each sum rounded", () => {
    const constants = { a: scalar(0.1), b: scalar(0.7) };
    const graph = graphOf({ nodes: [node("Sum", "x a b")], constants });
    expect(graph.nodes.map((n) => n.op.kind)).toEqual(["arithmetic", "arithmetic"]);
    const [a, b] = [Math.fround(0.1), Math.fround(0.7)];
    const sums = Array.from(x, (v) => Math.fround(Math.fround(v + a) + b));
    expect(run({ nodes: [node("Sum", "x a b")], constants })).toEqual(sums);
  });

  it("of one value is that value, and of several computed values their sum", () => {
    expect(run({ nodes: [node("Sum", "x", {}, "s"), node("Relu", "s")] })).toEqual(
      run({ nodes: [node("Relu", "x")] }),
    );
    const nodes = [node("Relu", "x", {}, "r"), node("Sum", "x r c")];
    const wanted = Array.from(x, (v) => Math.fround(Math.fround(v + Math.max(v, 0)) + 0.5));
    expect(run({ nodes, constants: { c: scalar(0.5) } })).toEqual(wanted);
    expect(problemOf({ nodes: [node("Sum", [])] })).toMatch(/no inputs/);
  });
});

it("Neg of a computed value changes its sign", () => {
  expect(run({ nodes: [node("Neg", "x")] }).map((v) => v + 0)).toEqual(Array.from(x, (v) => -v + 0));
});

function float32(): fc.Arbitrary<number> {
  return fc.float({ noNaN: true, noDefaultInfinity: true });
}
