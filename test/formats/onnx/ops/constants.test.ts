import { describe, expect, it } from "vitest";
import { floats, graphOf, ints, type NodeSpec, node, problemOf, run } from "../../../support/onnx.js";

const x = [1, 1];
const inputs = { x: [1, 2] };

describe("Constant", () => {
  it.each<[string, NodeSpec["with"], number[]]>([
    ["value", { value: { tensor: floats([1], [2]) } }, [2, 2]],
    ["value_float", { value_float: { float: 2 } }, [2, 2]],
    ["value_floats", { value_floats: { floats: [2, 3] } }, [2, 3]],
  ])("holds %s", (_, attributes, expected) => {
    const nodes = [node("Constant", "", attributes, "c"), node("Mul", "x c")];
    expect(run({ nodes, inputs }, x)).toEqual(expected);
  });

  it.each<[string, NodeSpec["with"]]>([
    ["value", { value: { tensor: ints(2, 1) } }],
    ["value_ints", { value_ints: [2, 1] }],
  ])("holds integers in %s and value_int", (_, attributes) => {
    const nodes = [
      node("Constant", "", attributes, "shape"),
      node("Constant", "", { value_int: 1 }, "one"),
      node("Mul", "shape one", {}, "target"),
      node("Reshape", "x target"),
    ];
    expect(graphOf({ nodes, inputs }).values.get("y")?.shape).toEqual([2, 1]);
  });

  it.each<[string, NodeSpec["with"], RegExp]>([
    ["nothing", {}, /exactly one value/],
    ["two values", { value_int: 1, value_float: { float: 1 } }, /exactly one value/],
    ["text", { value_string: "x" }, /exactly one value/],
    ["NaN", { value_float: { float: Number.NaN } }, /NaN|finite/],
    ["infinities", { value_floats: { floats: [1, Number.NEGATIVE_INFINITY] } }, /Infinity|finite/],
    ["NaN in a tensor", { value: { tensor: floats([2], [1, Number.NaN]) } }, /NaN|finite/],
    ["a broken tensor", { value: { tensor: { dims: [2n], dataType: 1 } } }, /needs 2 elements/],
  ])("refuses %s", (_, attributes, message) => {
    const nodes = [node("Constant", "", attributes, "c"), node("Mul", "x c")];
    expect(problemOf({ nodes, inputs })).toMatch(message);
  });
});
