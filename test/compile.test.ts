import { expect, test } from "vitest";
import { compileModelFile } from "../src/compile.js";
import { errorsOf } from "./support/errors.js";
import { floats, node, onnxFile, scalar } from "./support/onnx.js";

/** A float layer of weights up to this one, no few levels, and the sign of each of its outputs. */
function signNet(weight: number): Uint8Array {
  const weights = [1, 0.317, 0.733, -1, 0.113, 1, 0.917, 0.557].map((part) => part * weight);
  const bipolar = { ...node("BipolarQuant", "v one"), domain: "qonnx.custom_op.general" };
  return onnxFile({
    nodes: [node("MatMul", "x w", {}, "v"), bipolar],
    constants: { w: floats([4, 2], weights), one: scalar(1) },
    inputs: { x: [1, 4] },
  });
}

test("a net whose float layer overflows on an ordinary input is refused, with the likely cause", () => {
  expect(compileModelFile(signNet(2.5), "net.onnx").library.sources).toContain("net.c");
  expect(errorsOf(() => compileModelFile(signNet(3e38), "net.onnx"))).toMatchObject([
    { code: "compile/overflow", remedy: expect.stringMatching(/training may have diverged/) },
  ]);
});
