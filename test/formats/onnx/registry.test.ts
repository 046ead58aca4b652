/** One graph that works and one that must be refused, for every supported operator. */
import { describe, expect, test } from "vitest";
import { onnxOps } from "../../../src/formats/onnx/registry.js";
import { rejected, run } from "../../support/import.js";
import {
  type Attributes,
  floats,
  ints,
  type ModelParts,
  node,
  QONNX,
  scalar,
} from "../../support/onnx-builder.js";

interface Case {
  readonly good: ModelParts;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly bad: ModelParts;
}

const four = [1, 2, 3, 4];

/** y = x + f(c) on two constants. */
function folded(op: string, values: readonly number[], results: readonly number[], bad?: ModelParts): Case {
  return {
    good: {
      nodes: [node(op, ["c"], ["f"]), node("Add", ["x", "f"], ["y"])],
      constants: [floats("c", [2], values)],
      input: [1, 2],
    },
    x: [0, 10],
    y: [results[0]!, 10 + results[1]!],
    bad: bad ?? { nodes: [node(op, ["x"], ["y"])] },
  };
}

/** x ∘ c elementwise; wrong where two computed values meet. */
function binary(op: string, y: readonly number[]): Case {
  return {
    good: { nodes: [node(op, ["x", "c"], ["y"])], constants: [floats("c", [4], [2, 4, -8, 0.5])] },
    x: four,
    y,
    bad: { nodes: [node("Relu", ["x"], ["r"]), node(op, ["x", "r"], ["y"])] },
  };
}

/** A node on x alone whose output has the same numbers; `bad` are attributes that cannot be. */
function moves(op: string, inputs: ModelParts["constants"], attributes: Attributes, bad: ModelParts): Case {
  return {
    good: {
      nodes: [node(op, ["x", ...(inputs ?? []).map((t) => t.name)], ["y"], attributes)],
      constants: inputs ?? [],
    },
    x: four,
    y: four,
    bad,
  };
}

const sizes: ModelParts = {
  nodes: [
    node("Shape", ["x"], ["s"]),
    node("Gather", ["s", "zero"], ["n"]),
    node("Unsqueeze", ["n", "axes"], ["n1"]),
    node("Concat", ["n1", "rest"], ["target"], { axis: { int: 0 } }),
    node("Reshape", ["x", "target"], ["y"]),
  ],
  constants: [ints("zero", [], [0]), ints("axes", [1], [0]), ints("rest", [1], [-1])],
  input: ["N", 2, 2],
};

const cases: Readonly<Record<string, Case>> = {
  BipolarQuant: {
    good: {
      nodes: [node("BipolarQuant", ["x", "s"], ["y"], {}, { domain: QONNX })],
      constants: [scalar("s", 0.25)],
    },
    x: [-1, 0, 3, -0],
    y: [-0.25, 0.25, 0.25, 0.25],
    bad: {
      nodes: [node("BipolarQuant", ["x", "s"], ["y"], {}, { domain: QONNX })],
      constants: [scalar("s", 0)],
    },
  },
  Quant: {
    good: {
      nodes: [node("Quant", ["x", "s", "z", "b"], ["y"], {}, { domain: QONNX })],
      constants: [scalar("s", 0.5), scalar("z", 0), scalar("b", 3)],
    },
    x: [-9, 0.3, 0.6, 9],
    y: [-2, 0.5, 0.5, 1.5],
    bad: {
      nodes: [node("Quant", ["x", "s", "z", "b"], ["y"], {}, { domain: QONNX })],
      constants: [scalar("s", 0.5), scalar("z", 0), scalar("b", 2.5)],
    },
  },
  IntQuant: {
    good: {
      nodes: [node("IntQuant", ["x", "s", "z", "b"], ["y"], {}, { domain: QONNX })],
      constants: [scalar("s", 0.5), scalar("z", 0), scalar("b", 3)],
    },
    x: [-9, 0.3, 0.6, 9],
    y: [-2, 0.5, 0.5, 1.5],
    bad: {
      nodes: [node("IntQuant", ["x", "s", "z", "b"], ["y"], {}, { domain: QONNX })],
      constants: [scalar("s", 0.5), scalar("z", 0), scalar("b", 2.5)],
    },
  },
  MatMul: {
    good: {
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      constants: [floats("w", [4, 2], [1, -1, 1, 1, -1, 1, 1, 1])],
    },
    x: four,
    y: [1 + 2 - 3 + 4, -1 + 2 + 3 + 4],
    bad: {
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      constants: [floats("w", [3, 2], [1, -1, 1, 1, -1, 1])],
    },
  },
  Gemm: {
    good: {
      nodes: [
        node("Gemm", ["x", "w", "c"], ["y"], {
          alpha: { float: 0.5 },
          beta: { float: 2 },
          transB: { int: 1 },
        }),
      ],
      constants: [floats("w", [2, 4], [1, 1, -1, 1, -1, 1, 1, 1]), floats("c", [2], [10, 20])],
    },
    x: four,
    y: [0.5 * (1 + 2 - 3 + 4) + 20, 0.5 * (-1 + 2 + 3 + 4) + 40],
    bad: {
      nodes: [node("Gemm", ["x", "w"], ["y"], { transA: { int: 1 } })],
      constants: [floats("w", [4, 1], [1, 1, 1, 1])],
    },
  },
  BatchNormalization: {
    good: {
      nodes: [node("BatchNormalization", ["x", "g", "b", "m", "v"], ["y"], { epsilon: { float: 0.25 } })],
      constants: [
        floats("g", [2], [3, -1]),
        floats("b", [2], [0, 1]),
        floats("m", [2], [1, 0]),
        floats("v", [2], [2, 0.75]),
      ],
      input: [1, 2],
    },
    x: [2.5, 4],
    // (2.5 − 1) · 3 / √2.25 = 3; 4 · −1 / √1 + 1 = −3
    y: [3, -3],
    bad: {
      nodes: [node("BatchNormalization", ["x", "g", "g", "g", "v"], ["y"])],
      constants: [floats("g", [2], [1, 1]), floats("v", [2], [1, -2])],
      input: [1, 2],
    },
  },
  Add: binary("Add", [3, 6, -5, 4.5]),
  Sub: binary("Sub", [-1, -2, 11, 3.5]),
  Mul: binary("Mul", [2, 8, -24, 2]),
  Div: binary("Div", [0.5, 0.5, -0.375, 8]),
  Relu: {
    good: { nodes: [node("Relu", ["x"], ["y"])] },
    x: [-1, 0, 2, -3],
    y: [0, 0, 2, 0],
    bad: { nodes: [node("Relu", [], ["y"])] },
  },
  Softmax: {
    good: { nodes: [node("Softmax", ["x"], ["y"])], input: [1, 2] },
    x: [7, 7],
    y: [0.5, 0.5],
    bad: { nodes: [node("Softmax", ["x"], ["y"], { axis: { int: 2 } })] },
  },
  ArgMax: {
    good: { nodes: [node("ArgMax", ["x"], ["y"], { axis: { int: 1 } })] },
    x: [1, 5, 5, 2],
    y: [1],
    bad: { nodes: [node("ArgMax", ["x"], ["y"], { axis: { int: 0 } })] },
  },
  Reshape: moves(
    "Reshape",
    [ints("t", [2], [2, -1])],
    {},
    {
      nodes: [node("Reshape", ["x", "t"], ["y"])],
      constants: [ints("t", [2], [3, -1])],
    },
  ),
  Flatten: moves("Flatten", [], {}, { nodes: [node("Flatten", ["x"], ["y"], { axis: { int: 3 } })] }),
  Squeeze: moves(
    "Squeeze",
    [ints("a", [1], [0])],
    {},
    {
      nodes: [node("Squeeze", ["x", "a"], ["y"])],
      constants: [ints("a", [1], [1])],
    },
  ),
  Unsqueeze: moves(
    "Unsqueeze",
    [ints("a", [1], [-1])],
    {},
    {
      nodes: [node("Unsqueeze", ["x", "a"], ["y"])],
      constants: [ints("a", [2], [1, 1])],
    },
  ),
  Transpose: moves(
    "Transpose",
    [],
    { perm: { ints: [1, 0] } },
    {
      nodes: [node("Transpose", ["x"], ["y"], { perm: { ints: [0, 2, 1] } })],
      input: [1, 2, 2],
    },
  ),
  Identity: moves("Identity", [], {}, { nodes: [node("Identity", [""], ["y"])] }),
  Dropout: moves("Dropout", [], {}, { nodes: [node("Dropout", [], ["y"])] }),
  Cast: moves("Cast", [], { to: { int: 1 } }, { nodes: [node("Cast", ["x"], ["y"], { to: { int: 7 } })] }),
  Shape: { good: sizes, x: four, y: four, bad: { nodes: [node("Shape", ["x"], ["y"])] } },
  Gather: {
    good: sizes,
    x: four,
    y: four,
    bad: { nodes: [node("Gather", ["x", "i"], ["y"])], constants: [ints("i", [], [0])] },
  },
  Concat: {
    good: sizes,
    x: four,
    y: four,
    bad: { nodes: [node("Concat", ["x", "x"], ["y"], { axis: { int: 1 } })] },
  },
  Pow: {
    good: {
      nodes: [node("Pow", ["c", "two"], ["f"]), node("Add", ["x", "f"], ["y"])],
      constants: [floats("c", [2], [3, -1.5]), scalar("two", 2)],
      input: [1, 2],
    },
    x: [0, 1],
    y: [9, 3.25],
    bad: { nodes: [node("Pow", ["x", "two"], ["y"])], constants: [scalar("two", 2)] },
  },
  Sqrt: folded("Sqrt", [9, 0.25], [3, 0.5], {
    nodes: [node("Sqrt", ["c"], ["f"]), node("Add", ["x", "f"], ["y"])],
    constants: [floats("c", [1], [-1])],
  }),
  Neg: folded("Neg", [9, -2], [-9, 2]),
  Reciprocal: folded("Reciprocal", [4, -0.5], [0.25, -2], {
    nodes: [node("Reciprocal", ["c"], ["f"]), node("Add", ["x", "f"], ["y"])],
    constants: [floats("c", [1], [0])],
  }),
  Abs: folded("Abs", [-4, 3], [4, 3]),
  Exp: folded("Exp", [0, 1], [1, Math.fround(Math.fround(Math.E) + 10) - 10], {
    nodes: [node("Exp", ["c"], ["f"]), node("Add", ["x", "f"], ["y"])],
    constants: [floats("c", [1], [1000])],
  }),
  Constant: {
    good: {
      nodes: [node("Constant", [], ["c"], { value_float: { float: 2.5 } }), node("Add", ["x", "c"], ["y"])],
    },
    x: four,
    y: [3.5, 4.5, 5.5, 6.5],
    bad: {
      nodes: [node("Constant", [], ["c"], { value_string: { text: "a" } }), node("Add", ["x", "c"], ["y"])],
    },
  },
};

describe.each([...new Set([...onnxOps.map((entry) => entry.op), "Constant"])])("%s", (op) => {
  test("has a case here", () => expect(Object.keys(cases)).toContain(op));

  test("computes what it is defined to compute", () => {
    const { good, x, y } = cases[op]!;
    const result = run(good, x);
    expect(result).toHaveLength(y.length);
    for (const [i, value] of y.entries()) expect(result[i]! + 0).toBe(value + 0);
  });

  test("is refused where it cannot be imported, in the user's words", () => {
    const [first, ...rest] = rejected(cases[op]!.bad);
    expect(rest).toEqual([]);
    expect(first!.message).toMatch(/^[a-z][^\n]{15,}$/);
    expect(first!.remedy).toMatch(/^[a-z\d`(A-Z].{10,}/);
    expect(first!.where ?? "").not.toBe("");
  });
});
