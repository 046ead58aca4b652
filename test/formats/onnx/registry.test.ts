/** One graph that works and one that must be refused, for every supported operator. */
import { describe, expect, test } from "vitest";
import { onnxOps } from "../../../src/formats/onnx/registry.js";
import {
  type FileSpec,
  floats,
  ints,
  type NodeSpec,
  node,
  problemsOf,
  run,
  scalar,
} from "../../support/onnx.js";

interface Case {
  readonly good: FileSpec;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly bad: FileSpec;
}

const four = [1, 2, 3, 4];
const pair = { x: [1, 2] };
const map = { x: [1, 1, 2, 2] };

/** y = x + f(c) on two constants; wrong on the constant `bad` or, without one, on computed values. */
function folded(op: string, values: readonly number[], results: readonly number[], bad?: number): Case {
  const of = (data: readonly number[]): FileSpec => ({
    nodes: [node(op, "c", {}, "f"), node("Add", "x f")],
    constants: { c: floats([data.length], data) },
    inputs: pair,
  });
  return {
    good: of(values),
    x: [0, 10],
    y: [results[0]!, 10 + results[1]!],
    bad: bad === undefined ? { nodes: [node(op, "x")] } : of([bad]),
  };
}

/** x ∘ c elementwise; wrong where two computed values meet that do not broadcast, and for Div wherever they meet. */
function binary(op: string, y: readonly number[]): Case {
  const other = op === "Div" ? node("Relu", "x", {}, "r") : node("Concat", "x x", { axis: 1 }, "r");
  return {
    good: { nodes: [node(op, "x c")], constants: { c: floats([4], [2, 4, -8, 0.5]) } },
    x: four,
    y,
    bad: { nodes: [other, node(op, "x r")] },
  };
}

/** A node on x whose output has the same numbers, and a graph that cannot be. */
function moves(good: NodeSpec, bad: FileSpec, constants: FileSpec["constants"] = {}): Case {
  return { good: { nodes: [good], constants }, x: four, y: four, bad };
}

/** The target of a Reshape, computed from the sizes of x. */
function sizes(bad: NodeSpec, constants: FileSpec["constants"] = {}): Case {
  return {
    good: {
      nodes: [
        node("Shape", "x", {}, "s"),
        node("Gather", "s zero", {}, "n"),
        node("Unsqueeze", "n axes", {}, "n1"),
        node("Concat", "n1 rest", { axis: 0 }, "target"),
        node("Reshape", "x target"),
      ],
      constants: { zero: { ...ints(0), dims: [] }, axes: ints(0), rest: ints(-1) },
      inputs: { x: [0, 2, 2] },
    },
    x: four,
    y: four,
    bad: { nodes: [bad], constants },
  };
}

/** Windows of one row and two columns over [[1, 2], [3, 4]]. */
function pool(op: string, y: readonly number[]): Case {
  const nodes = (kernel: number[]): NodeSpec[] => [node(op, "x", { kernel_shape: kernel, strides: [1, 2] })];
  return {
    good: { nodes: nodes([1, 2]), inputs: map },
    x: four,
    y,
    bad: { nodes: nodes([3, 2]), inputs: map },
  };
}

function wholeMap(op: string, y: number, attributes: NodeSpec["with"] = {}, bad?: FileSpec): Case {
  return {
    good: { nodes: [node(op, "x", attributes)], inputs: map },
    x: four,
    y: [y],
    bad: bad ?? { nodes: [node(op, "x")] },
  };
}

/** Over channels and rows, but not columns. */
const rows = (op: string): FileSpec => ({
  nodes: [node(op, "x", { axes: [1, 2] })],
  inputs: { x: [1, 2, 3, 2] },
});

/** x through int8 and back; what follows QuantizeLinear otherwise is refused. */
function integers(bad: NodeSpec): Case {
  const first = node("QuantizeLinear", "x s z", {}, "q");
  const zero = { dims: [], dataType: 3, int32Data: [126] };
  const constants = { s: scalar(0.5), s2: scalar(0.25), z: zero };
  return {
    good: { nodes: [first, node("DequantizeLinear", "q s z")], constants },
    x: [0.25, 0.75, 9, -4],
    y: [0, 0.5, 0.5, -4],
    bad: { nodes: [first, bad], constants },
  };
}

function quant(op: string): Case {
  const nodes = [node(op, "x s z b")];
  const constants = { s: scalar(0.5), z: scalar(0), b: scalar(3) };
  return {
    good: { nodes, constants },
    x: [-9, 0.3, 0.6, 9],
    y: [-2, 0.5, 0.5, 1.5],
    bad: { nodes, constants: { ...constants, b: scalar(2.5) } },
  };
}

const tenth = { c: scalar(Math.fround(0.1)) };

/** Between bounds of −3 and 2.5; without bounds it is refused. */
function rounding(op: string, y: readonly number[]): Case {
  return {
    good: {
      nodes: [node("Clip", "x low high", {}, "c"), node(op, "c")],
      constants: { low: scalar(-3), high: scalar(2) },
    },
    x: [0.5, 1.75, -1.75, 9],
    y,
    bad: { nodes: [node(op, "x")] },
  };
}

/** x compared with 2, as 0 and 1; a boolean is no output. */
function comparison(op: string, y: readonly number[]): Case {
  const compare = node(op, "x c", {}, "b");
  const constants = { c: scalar(2) };
  return {
    good: { nodes: [compare, node("Cast", "b", { to: 1 })], constants },
    x: four,
    y,
    bad: { nodes: [compare, node("Relu", "b")], constants },
  };
}

/** b, made of `a`: x > 2, and `d`: x > 3. */
function logic(nodes: readonly NodeSpec[], y: readonly number[], bad: NodeSpec): Case {
  const constants = { two: scalar(2), three: scalar(3) };
  const before = [node("Greater", "x two", {}, "a"), node("Greater", "x three", {}, "d")];
  const after = node("Cast", "b", { to: 1 });
  return {
    good: { nodes: [...before, ...nodes, after], constants },
    x: four,
    y,
    bad: { nodes: [...before, bad, after], constants },
  };
}

const cases: Readonly<Record<string, Case>> = {
  BipolarQuant: {
    good: { nodes: [node("BipolarQuant", "x s")], constants: { s: scalar(0.25) } },
    x: [-1, 0, 3, -0],
    y: [-0.25, 0.25, 0.25, 0.25],
    bad: { nodes: [node("BipolarQuant", "x s")], constants: { s: scalar(0) } },
  },
  Quant: quant("Quant"),
  IntQuant: quant("IntQuant"),
  MatMul: {
    good: { nodes: [node("MatMul", "x w")], constants: { w: floats([4, 2], [1, -1, 1, 1, -1, 1, 1, 1]) } },
    x: four,
    y: [1 + 2 - 3 + 4, -1 + 2 + 3 + 4],
    bad: { nodes: [node("MatMul", "x w")], constants: { w: floats([3, 2], [1, -1, 1, 1, -1, 1]) } },
  },
  Gemm: {
    good: {
      nodes: [node("Gemm", "x w c", { alpha: { float: 0.5 }, beta: { float: 2 }, transB: 1 })],
      constants: { w: floats([2, 4], [1, 1, -1, 1, -1, 1, 1, 1]), c: floats([2], [10, 20]) },
    },
    x: four,
    y: [0.5 * (1 + 2 - 3 + 4) + 20, 0.5 * (-1 + 2 + 3 + 4) + 40],
    bad: { nodes: [node("Gemm", "x w", { transA: 1 })], constants: { w: floats([4, 1], [1, 1, 1, 1]) } },
  },
  Conv: {
    good: {
      nodes: [node("Conv", "x w b", { pads: [1, 0, 0, 1] })],
      constants: { w: floats([1, 1, 2, 2], [1, -1, 1, 1]), b: floats([1], [100]) },
      inputs: map,
    },
    x: four,
    y: [100 + 1 + 2, 100 + 2, 100 + 1 - 2 + 3 + 4, 100 + 2 + 4],
    bad: {
      nodes: [node("Conv", "x w", { group: 2 })],
      constants: { w: floats([1, 1, 1, 1], [1]) },
      inputs: map,
    },
  },
  MaxPool: pool("MaxPool", [2, 4]),
  AveragePool: pool("AveragePool", [1.5, 3.5]),
  GlobalAveragePool: wholeMap("GlobalAveragePool", 2.5),
  GlobalMaxPool: wholeMap("GlobalMaxPool", 4),
  ReduceMean: wholeMap("ReduceMean", 2.5, { axes: [2, 3] }, rows("ReduceMean")),
  ReduceMax: wholeMap("ReduceMax", 4, { axes: [-1, -2] }),
  QuantizeLinear: integers(node("Relu", "q")),
  DequantizeLinear: integers(node("DequantizeLinear", "q s2 z")),
  BatchNormalization: {
    good: {
      nodes: [node("BatchNormalization", "x g b m v", { epsilon: { float: 0.25 } })],
      constants: {
        g: floats([2], [3, -1]),
        b: floats([2], [0, 1]),
        m: floats([2], [1, 0]),
        v: floats([2], [2, 0.75]),
      },
      inputs: pair,
    },
    x: [2.5, 4],
    // (2.5 − 1) · 3 / √2.25 = 3; 4 · −1 / √1 + 1 = −3
    y: [3, -3],
    bad: {
      nodes: [node("BatchNormalization", "x g g g v")],
      constants: { g: floats([2], [1, 1]), v: floats([2], [1, -2]) },
      inputs: pair,
    },
  },
  Add: binary("Add", [3, 6, -5, 4.5]),
  Sub: binary("Sub", [-1, -2, 11, 3.5]),
  Mul: binary("Mul", [2, 8, -24, 2]),
  Div: binary("Div", [0.5, 0.5, -0.375, 8]),
  Relu: {
    good: { nodes: [node("Relu", "x")] },
    x: [-1, 0, 2, -3],
    y: [0, 0, 2, 0],
    bad: { nodes: [node("Relu", "")] },
  },
  LeakyRelu: {
    good: { nodes: [node("LeakyRelu", "x", { alpha: { float: 0.25 } })] },
    x: [-4, 0, 2, -1],
    y: [-1, 0, 2, -0.25],
    bad: { nodes: [node("LeakyRelu", "x", { alhpa: 1 })] },
  },
  PRelu: {
    good: { nodes: [node("PRelu", "x s")], constants: { s: floats([4], [0.5, 1, 1, -2]) } },
    x: [-4, 0, 2, -1],
    y: [-2, 0, 2, 2],
    bad: { nodes: [node("PRelu", "x s")], constants: { s: floats([2, 1], [1, 1]) } },
  },
  Clip: {
    good: { nodes: [node("Clip", "x - high")], constants: { high: scalar(2) } },
    x: [-4, 0, 2, 7],
    y: [-4, 0, 2, 2],
    bad: { nodes: [node("Clip", "x low high")], constants: { low: scalar(3), high: scalar(2) } },
  },
  Softmax: {
    good: { nodes: [node("Softmax", "x")], inputs: pair },
    x: [7, 7],
    y: [0.5, 0.5],
    bad: { nodes: [node("Softmax", "x", { axis: 2 })] },
  },
  ArgMax: {
    good: { nodes: [node("ArgMax", "x", { axis: 1 })] },
    x: [1, 5, 5, 2],
    y: [1],
    bad: { nodes: [node("ArgMax", "x", { axis: 0 })] },
  },
  Reshape: moves(
    node("Reshape", "x t"),
    { nodes: [node("Reshape", "x t")], constants: { t: ints(3, -1) } },
    { t: ints(2, -1) },
  ),
  Flatten: moves(node("Flatten", "x"), { nodes: [node("Flatten", "x", { axis: 3 })] }),
  Squeeze: moves(
    node("Squeeze", "x a"),
    { nodes: [node("Squeeze", "x a")], constants: { a: ints(1) } },
    { a: ints(0) },
  ),
  Unsqueeze: moves(
    node("Unsqueeze", "x a"),
    { nodes: [node("Unsqueeze", "x a")], constants: { a: ints(1, 1) } },
    { a: ints(-1) },
  ),
  Transpose: {
    good: { nodes: [node("Transpose", "x", { perm: [0, 2, 1] })], inputs: { x: [1, 2, 2] } },
    x: four,
    y: [1, 3, 2, 4],
    bad: { nodes: [node("Transpose", "x", { perm: [0, 2] })] },
  },
  Identity: moves(node("Identity", "x"), { nodes: [node("Identity", "-")] }),
  Dropout: moves(node("Dropout", "x"), { nodes: [node("Dropout", "")] }),
  Cast: moves(node("Cast", "x", { to: 1 }), { nodes: [node("Cast", "x", { to: 7 })] }),
  Shape: sizes(node("Shape", "x")),
  ConstantOfShape: {
    good: {
      nodes: [
        node("ConstantOfShape", "two", { value: { tensor: ints(2) } }, "target"),
        node("Reshape", "x target"),
      ],
      constants: { two: ints(2) },
    },
    x: four,
    y: four,
    bad: {
      nodes: [node("ConstantOfShape", "n", {}, "c"), node("Reshape", "x c")],
      constants: { n: ints(-1) },
    },
  },
  Gather: sizes(node("Gather", "x i"), { i: { ...ints(0), dims: [] } }),
  Concat: sizes(node("Concat", "x x", { axis: 2 })),
  Slice: {
    good: {
      nodes: [node("Slice", "x from to axes steps")],
      constants: { from: ints(-3), to: ints(100), axes: ints(1), steps: ints(2) },
    },
    x: four,
    y: [2, 4],
    bad: { nodes: [node("Slice", "x from to")], constants: { from: ints(0, 3), to: ints(1, 3) } },
  },
  Split: {
    good: {
      nodes: [{ ...node("Split", "x sizes", { axis: 1 }), out: ["a", "y"] }],
      constants: { sizes: ints(1, 3) },
    },
    x: four,
    y: [2, 3, 4],
    bad: {
      nodes: [{ ...node("Split", "x sizes", { axis: 1 }), out: ["a", "y"] }],
      constants: { sizes: ints(1, 2) },
    },
  },
  Pad: {
    good: { nodes: [node("Pad", "x p v")], constants: { p: ints(0, 1, 0, 2), v: scalar(-1) } },
    x: four,
    y: [-1, 1, 2, 3, 4, -1, -1],
    bad: { nodes: [node("Pad", "x p", { mode: "reflect" })], constants: { p: ints(0, 1, 0, 1) } },
  },
  MultiThreshold: {
    good: {
      nodes: [
        node("MultiThreshold", "x t", {
          out_scale: { float: 2 },
          out_bias: { float: -1 },
          out_dtype: "INT4",
        }),
      ],
      constants: { t: floats([1, 3], [4, 2, 2]) },
    },
    x: four,
    y: [-1, 3, 3, 5],
    bad: { nodes: [node("MultiThreshold", "x t")], constants: { t: floats([3, 1], [1, 2, 3]) } },
  },
  Trunc: {
    good: {
      nodes: [node("Trunc", "x s z in out")],
      constants: { s: scalar(0.5), z: scalar(0), in: scalar(5), out: scalar(3) },
    },
    x: [1.5, 2, 5.5, -0.5],
    y: [0, 0.5, 1, -0.5],
    bad: { nodes: [node("Trunc", "x s s s s")], constants: { s: scalar(0.5) } },
  },
  QuantAvgPool2d: {
    good: {
      nodes: [node("QuantAvgPool2d", "x", { kernel: 2, stride: 1, ibits: 2, obits: 3, signed: 0 })],
      inputs: map,
    },
    x: [3, 3, 2, 1],
    y: [4],
    bad: { nodes: [node("QuantAvgPool2d", "x", { kernel: 3, stride: 1, ibits: 2, obits: 2 })], inputs: map },
  },
  XnorPopcountMatMul: {
    good: {
      nodes: [node("XnorPopcountMatMul", "x w")],
      constants: { w: floats([4, 2], [1, 0, 1, 0, 1, 0, 0, 1]) },
    },
    x: [1, 0, 1, 0],
    y: [3, 1],
    bad: { nodes: [node("XnorPopcountMatMul", "x w")], constants: { w: floats([4, 1], [1, -1, 1, 1]) } },
  },
  MaxPoolNHWC: {
    good: {
      nodes: [node("MaxPoolNHWC", "x", { kernel_shape: [1, 2], strides: [1, 2] })],
      inputs: { x: [1, 1, 2, 2] },
    },
    x: four,
    y: [3, 4],
    bad: { nodes: [node("MaxPoolNHWC", "x", { kernel_shape: [3, 3], strides: [1, 1] })], inputs: map },
  },
  Pow: {
    good: {
      nodes: [node("Pow", "c two", {}, "f"), node("Add", "x f")],
      constants: { c: floats([2], [3, -1.5]), two: scalar(2) },
      inputs: pair,
    },
    x: [0, 1],
    y: [9, 3.25],
    bad: { nodes: [node("Pow", "x two")], constants: { two: scalar(2) } },
  },
  Sqrt: folded("Sqrt", [9, 0.25], [3, 0.5], -1),
  Neg: {
    good: { nodes: [node("Neg", "x")] },
    x: four,
    y: [-1, -2, -3, -4],
    bad: { nodes: [node("ArgMax", "x", { axis: 1 }, "a"), node("Neg", "a")] },
  },
  Reciprocal: folded("Reciprocal", [4, -0.5], [0.25, -2], 0),
  Abs: {
    good: { nodes: [node("Abs", "x")] },
    x: [1, -2, 0, -4],
    y: [1, 2, 0, 4],
    bad: { nodes: [node("ArgMax", "x", { axis: 1 }, "i"), node("Abs", "i")] },
  },
  Exp: folded("Exp", [0, 1], [1, Math.fround(Math.fround(Math.E) + 10) - 10], 1000),
  Sign: {
    good: {
      nodes: [node("Sign", "x", {}, "s"), node("Add", "s c", {}, "a"), node("Sign", "a")],
      constants: tenth,
    },
    x: [-2, -0, 0, 1e-9],
    y: [-1, 1, 1, 1],
    bad: { nodes: [node("Sign", "x")] },
  },
  Tanh: {
    good: {
      nodes: [node("Tanh", "x", {}, "t"), node("BipolarQuant", "t one")],
      constants: { one: scalar(1) },
    },
    x: [-2, -0, 0, 1e-9],
    y: [-1, 1, 1, 1],
    bad: { nodes: [node("Tanh", "x")] },
  },
  Round: rounding("Round", [0, 2, -2, 2]),
  Floor: rounding("Floor", [0, 1, -2, 2]),
  Ceil: rounding("Ceil", [1, 2, -1, 2]),
  Greater: comparison("Greater", [0, 0, 1, 1]),
  GreaterOrEqual: comparison("GreaterOrEqual", [0, 1, 1, 1]),
  Less: comparison("Less", [1, 0, 0, 0]),
  LessOrEqual: comparison("LessOrEqual", [1, 1, 0, 0]),
  Equal: {
    good: {
      nodes: [node("Sign", "x", {}, "s"), node("Equal", "s zero", {}, "e"), node("Where", "e one s")],
      constants: { zero: scalar(0), one: scalar(1) },
    },
    x: [-2, -0, 0, 1e-9],
    y: [-1, 1, 1, 1],
    bad: {
      nodes: [node("Equal", "x c", {}, "e"), node("Cast", "e", { to: 1 })],
      constants: { c: scalar(2) },
    },
  },
  Not: logic([node("Not", "a", {}, "b")], [1, 1, 0, 0], node("Not", "x", {}, "b")),
  And: logic([node("And", "a d", {}, "b")], [0, 0, 0, 1], node("And", "a x", {}, "b")),
  Or: logic([node("Or", "a d", {}, "b")], [0, 0, 1, 1], node("Or", "a x", {}, "b")),
  Xor: logic(
    [node("Xor", "a d", {}, "d2"), node("Xor", "d2 a", {}, "b")],
    [0, 0, 0, 1],
    node("Xor", "x a", {}, "b"),
  ),
  Where: {
    good: {
      nodes: [node("GreaterOrEqual", "x c", {}, "a"), node("Where", "a c d")],
      constants: { c: scalar(2), d: scalar(-0.5) },
    },
    x: four,
    y: [-0.5, 2, 2, 2],
    bad: {
      nodes: [node("Greater", "x c", {}, "a"), node("Relu", "x", {}, "r"), node("Where", "a x r")],
      constants: { c: scalar(2) },
    },
  },
  Max: {
    good: { nodes: [node("Max", "x c d")], constants: { c: scalar(2), d: scalar(3) } },
    x: four,
    y: [3, 3, 3, 4],
    bad: { nodes: [node("Relu", "x", {}, "r"), node("Max", "x r")] },
  },
  Min: {
    good: { nodes: [node("Min", "c x")], constants: { c: scalar(2) } },
    x: four,
    y: [1, 2, 2, 2],
    bad: { nodes: [node("Min", "x c")], constants: { c: floats([4], [1, 2, 3, 4]) } },
  },
  Sum: {
    good: { nodes: [node("Sum", "x c x")], constants: { c: scalar(10) } },
    x: four,
    y: [12, 14, 16, 18],
    bad: { nodes: [node("Sum", "x c")], constants: { c: floats([3], [1, 2, 3]) } },
  },
  HardSigmoid: {
    good: { nodes: [node("HardSigmoid", "x", { alpha: { float: 0.25 }, beta: { float: 0.25 } })] },
    x: [-4, 1, 2, 9],
    y: [0, 0.5, 0.75, 1],
    bad: { nodes: [node("HardSigmoid", "x", { gamma: 1 })] },
  },
  ReduceSum: wholeMap("ReduceSum", 10, { axes: [1, 2, 3] }, rows("ReduceSum")),
  ReduceMin: folded("ReduceMin", [-4, 3], [-4, -4]),
  ReduceL1: folded("ReduceL1", [-4, 3], [7, 7]),
  ReduceL2: folded("ReduceL2", [-4, 3], [5, 5]),
  Expand: {
    good: {
      nodes: [node("Expand", "c shape", {}, "e"), node("Add", "x e")],
      constants: { c: scalar(2), shape: ints(1, 4) },
    },
    x: four,
    y: [3, 4, 5, 6],
    bad: { nodes: [node("Expand", "x shape")], constants: { shape: ints(2, 4) } },
  },
  Tile: {
    good: {
      nodes: [node("Tile", "c twice", {}, "t"), node("Add", "x t")],
      constants: { c: floats([2], [10, 20]), twice: ints(2) },
    },
    x: four,
    y: [11, 22, 13, 24],
    bad: { nodes: [node("Tile", "x twice")], constants: { twice: ints(1, 2) } },
  },
  Constant: {
    good: { nodes: [node("Constant", "", { value_float: { float: 2.5 } }, "c"), node("Add", "x c")] },
    x: four,
    y: [3.5, 4.5, 5.5, 6.5],
    bad: { nodes: [node("Constant", "", { value_string: "a" }, "c"), node("Add", "x c")] },
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
    const [first, ...rest] = problemsOf(cases[op]!.bad);
    expect(rest).toEqual([]);
    expect(first!.message).toMatch(/^[a-z][^\n]{15,}$/);
    expect(first!.remedy).toMatch(/^[a-z\d`(A-Z].{10,}/);
    expect(first!.where ?? "").not.toBe("");
  });
});
