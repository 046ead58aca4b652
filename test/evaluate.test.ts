/** What `run` says of the two references: equal, or how far apart, and what a softmax at the end does to either. */
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../src/compile.js";
import { evaluate } from "../src/evaluate.js";
import { batchFromArray } from "../src/inputs.js";
import { type FileSpec, floats, node, onnxFile, scalar } from "./support/onnx.js";

const ROWS = Float32Array.of(0.31, -0.72, 0.95, 0.11, -0.2, 0.6, 0.4, -0.9);

/** Values in steps of `step`, three outputs, and what `tail` adds. */
function evaluated(step: number, weight: number, tail: FileSpec["nodes"], which: "float" | "both") {
  const signs = [1, -1, 1, 1, 1, -1, -1, 1, 1, 1, -1, -1];
  const nodes = [node("Quant", "x step zero bits", {}, "q"), node("MatMul", "q w", {}, "m"), ...tail];
  const file = onnxFile({
    nodes,
    constants: {
      step: scalar(step),
      zero: scalar(0),
      bits: scalar(4),
      w: floats(
        [4, 3],
        signs.map((s) => s * weight),
      ),
    },
    outputs: [nodes.at(-1)!.out![0]!],
  });
  const model = compileModelFile(file, "test.onnx", { input: { type: "f32" } });
  const batch = batchFromArray(model.program, { shape: [2, 4], dtype: "float32", data: ROWS }, "x");
  return evaluate(model, batch, which);
}

describe("both references", () => {
  test("are equal where float32 sums are exact", () => {
    const { differing, greatestDifference, otherClasses } = evaluated(0.125, 0.5, [], "both");
    expect([differing, greatestDifference, otherClasses]).toEqual([0, 0, 0]);
  });

  test("differ in the last bits where they are not, by how much is told", () => {
    const { differing, greatestDifference, otherClasses, floats } = evaluated(0.1, 0.3, [], "both");
    expect(differing).toBeGreaterThan(0);
    expect(greatestDifference).toBeGreaterThan(0);
    expect(greatestDifference).toBeLessThan(2 ** -22 * Math.max(...floats.map(Math.abs)));
    expect(otherClasses).toBe(0);
  });
});

describe("a softmax at the end", () => {
  const softmax = [node("Softmax", "m")];
  const sums = (values: Float32Array): number[] =>
    [0, 3].map((at) => values.subarray(at, at + 3).reduce((a, b) => a + b, 0));

  test("is computed by the float reference alone", () => {
    for (const sum of sums(evaluated(0.125, 0.5, softmax, "float").floats)) expect(sum).toBeCloseTo(1, 6);
  });

  test("is left out of the comparison", () => {
    const { differing, floats } = evaluated(0.125, 0.5, softmax, "both");
    expect(differing).toBe(0);
    expect(floats).toEqual(evaluated(0.125, 0.5, [], "both").floats);
  });
});
