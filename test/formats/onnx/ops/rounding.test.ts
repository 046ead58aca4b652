import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../../../src/passes/registry.js";
import { type FileSpec, floats, graphOf, node, problemOf, run, scalar } from "../../../support/onnx.js";

const constants = {
  zero: scalar(0),
  three: scalar(3),
  minus: scalar(-4),
  seven: scalar(7),
  many: scalar(256),
  half: scalar(0.5),
  step: scalar(0.3),
};
const spec = (...nodes: FileSpec["nodes"]): FileSpec => ({ nodes, constants });

/** IEEE 754's rounding to whole numbers, by strings of decimals: written apart from the importer's. */
function halfEven(x: number): number {
  const [low, high] = [Math.floor(x), Math.ceil(x)];
  if (x - low !== high - x) return x - low < high - x ? low : high;
  return low % 2 === 0 ? low : high;
}

const functions = { Round: halfEven, Floor: Math.floor, Ceil: Math.ceil } as const;

describe.each(Object.entries(functions))("%s", (op, apply) => {
  const four = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 4, maxLength: 4 });
  const ties = fc.array(
    fc.integer({ min: -40, max: 40 }).map((n) => n / 4),
    { minLength: 4, maxLength: 4 },
  );
  const clip = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

  it("behind a clip, before one, or both, is one quantizer", () => {
    const before = spec(node("Clip", "x minus seven", {}, "c"), node(op, "c"));
    const after = spec(node(op, "x", {}, "r"), node("Clip", "r minus seven"));
    const both = spec(node("Clip", "x minus many", {}, "c"), node(op, "c", {}, "r"), node("Min", "r seven"));
    for (const each of [before, after, both]) {
      const graph = graphOf(each);
      expect(graph.nodes.filter((n) => n.op.kind === "quantize")).toHaveLength(1);
      expect(graph.nodes.at(-1)!.op).toMatchObject({ quantizer: { qmin: -4, qmax: 7 } });
    }
    fc.assert(
      fc.property(fc.oneof(four, ties), (x) => {
        const wanted = x.map((v) => clip(apply(v), -4, 7) + 0);
        for (const each of [before, after, both]) expect(run(each, x).map((v) => v + 0)).toEqual(wanted);
      }),
    );
  });

  it("with a zero point before the clip is the same quantizer without it", () => {
    const nodes = [
      node("Div", "x step", {}, "d"),
      node(op, "d", {}, "r"),
      node("Add", "r three", {}, "z"),
      node("Clip", "z zero seven", {}, "q"),
      node("Sub", "q three", {}, "w"),
      node("Mul", "w step"),
    ];
    expect(graphOf(spec(...nodes)).nodes.map((n) => n.op.kind)).toEqual([
      "arithmetic",
      "quantize",
      "arithmetic",
    ]);
    fc.assert(
      fc.property(fc.oneof(four, ties), (x) => {
        const step = Math.fround(0.3);
        const wanted = x.map((v) => {
          const q = clip(apply(Math.fround(v / step)) + 3, 0, 7);
          return Math.fround((q - 3) * step) + 0;
        });
        expect(run(spec(...nodes), x).map((v) => v + 0)).toEqual(wanted);
      }),
    );
  });

  it("of constants is folded, and of whole numbers does nothing", () => {
    const x = [0.5, 1.5, -2.5, 2.25];
    const folded = {
      nodes: [node(op, "c", {}, "r"), node("Add", "zeros r")],
      constants: { c: floats([4], x) },
      inputs: { zeros: [1, 4] },
    };
    expect(run(folded, [0, 0, 0, 0])).toEqual(x.map(apply));
    const twice = spec(node(op, "x", {}, "r"), node("Ceil", "r", {}, "s"), node("Clip", "s minus seven"));
    expect(run(twice, x).map((v) => v + 0)).toEqual(x.map((v) => apply(v) + 0));
  });

  it("without bounds, or with too many numbers between them, is refused", () => {
    expect(problemOf(spec(node(op, "x")))).toMatch(/no bounds are known.*Clip/s);
    expect(problemOf(spec(node("Relu", "x", {}, "r"), node(op, "r")))).toMatch(/no bounds are known/);
    const wide = spec(node("Clip", "x minus many", {}, "c"), node(op, "c"));
    expect(problemOf(wide)).toMatch(/rounds to 261 whole numbers.*8 bits/s);
    expect(problemOf(spec(node("Clip", "x three three", {}, "c"), node(op, "c")))).toMatch(/it is always 3/);
    // Half a number as a bound is a level of its own.
    expect(problemOf(spec(node(op, "x", {}, "r"), node("Clip", "r minus half")))).toMatch(/no bounds/);
  });
});

it("bounds follow from relu, scales and hard sigmoids", () => {
  const levels = (...nodes: FileSpec["nodes"]): unknown => {
    const op = graphOf(spec(...nodes, node("Round", "c"))).nodes.at(-1)!.op;
    return (
      op.kind === "quantize" && op.quantizer.kind === "uniform" && [op.quantizer.qmin, op.quantizer.qmax]
    );
  };
  expect(levels(node("Relu", "x", {}, "r"), node("Min", "r seven", {}, "c"))).toEqual([0, 7]);
  expect(levels(node("HardSigmoid", "x", {}, "h"), node("Mul", "h seven", {}, "c"))).toEqual([0, 7]);
  expect(levels(node("Clip", "x minus zero", {}, "k"), node("Mul", "k minus", {}, "c"))).toEqual([0, 16]);
});

describe("fake quantization", () => {
  /** A layer of ±1 behind the activation. */
  const layer = (...act: FileSpec["nodes"]): FileSpec => ({
    nodes: [...act, node("MatMul", "a w")],
    constants: {
      ...constants,
      w: floats([4, 2], [1, -1, -1, 1, 1, 1, -1, -1]),
      n: scalar(3),
      alpha: scalar(1.7),
    },
  });

  it.each([
    [
      "DoReFa",
      [
        node("Clip", "x zero half", {}, "c"),
        node("Mul", "c n", {}, "m"),
        node("Round", "m", {}, "r"),
        node("Div", "r n", {}, "a"),
      ],
    ],
    [
      "PACT",
      [
        node("Relu", "x", {}, "r"),
        node("Min", "r alpha", {}, "c"),
        node("Mul", "c n", {}, "m"),
        node("Div", "m alpha", {}, "d"),
        node("Round", "d", {}, "q"),
        node("Mul", "q alpha", {}, "s"),
        node("Div", "s n", {}, "a"),
      ],
    ],
    [
      "LSQ",
      [
        node("Div", "x step", {}, "d"),
        node("Clip", "d zero three", {}, "c"),
        node("Round", "c", {}, "r"),
        node("Sub", "r c", {}, "g"),
        node("Add", "g c", {}, "q"),
        node("Mul", "q step", {}, "a"),
      ],
    ],
  ])("of %s is a layer on integers", (_, act) => {
    const { program, diagnostics } = lowerGraph(graphOf(layer(...act)));
    expect(program.instructions.map((i) => i.kind)).toEqual(["threshold", "conv"]);
    expect(diagnostics.all.map((d) => d.code)).not.toContain("lowering/float-layer");
  });
});
