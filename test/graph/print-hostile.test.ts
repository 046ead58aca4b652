import { expect, test } from "vitest";
import { readModel } from "../../src/formats/index.js";
import { printGraph } from "../../src/graph/print.js";
import { smallNet } from "../support/onnx-builder.js";

test("a small net reads as what it is", () => {
  const lines = printGraph(readModel(smallNet({ softmax: true }), "m.onnx"))
    .trimEnd()
    .split("\n");
  expect(lines[0]).toBe("graph (QONNX, opset 11, by builder)");
  expect(lines[1]).toMatch(/^ {2}input x 1×8/);
  const rows = lines.slice(2, 9).map((line) => line.trim().split(/ {2,}/));
  expect(rows.map(([, shape]) => shape)).toEqual(["1×8", "1×6", "1×6", "1×6", "1×3", "1×3", "1×3"]);
  const texts = rows.map(([, , text]) => text);
  expect(texts[0]).toMatch(/^quantize .*±1, scale 1, sign\(0\) = \+1$/);
  expect(texts[1]).toMatch(/^dense 8×6, weights .*±1, scale 1$/);
  expect(texts[2]).toMatch(/^batch normalization, 6 channels, epsilon 0.00001$/);
  expect(texts[3]).toMatch(/^quantize .*0…3, scale 0.5, rounding half-even$/);
  expect(texts[4]).toMatch(/^dense 6×3, weights .*−1…1, scale 0.25$/);
  expect(texts[5]).toMatch(/^add /);
  expect(texts[6]).toBe("softmax over axis 1");
});

test.each([
  "new\nline",
  "\u001b[2J",
  "\u0000",
  "\u2028",
  "tab\t",
  "\u009b31m",
  "a".repeat(100_000),
])("names like %j keep the text printable and one line per node", (name) => {
  const plain = printGraph(readModel(smallNet(), "m.onnx")).split("\n").length;
  const graph = readModel(smallNet({ names: name }), "m.onnx");
  const text = printGraph({ ...graph, name, source: name });
  expect(text.split("\n")).toHaveLength(plain);
  expect(text.length).toBeLessThan(3000);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
});
