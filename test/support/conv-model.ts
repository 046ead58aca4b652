import { type CompiledModel, type CompileOptions, compileModelFile } from "../../src/compile.js";
import type { InputFormat } from "../../src/passes/lowering.js";
import { floats, node, onnxFile, scalar } from "./onnx.js";

/** A convolution's model `net` of an image [1, C, H, W] or a signal [1, C, L]. */
export function convModel(
  shape: readonly number[],
  input?: InputFormat,
  options: CompileOptions = {},
): CompiledModel {
  const kernel = shape.length === 4 ? [2, shape[1]!, 3, 3] : [2, shape[1]!, 3];
  const size = kernel.reduce((a, b) => a * b, 1);
  const weights = Array.from({ length: size }, (_, i) => (i % 3 === 0 ? -1 : 1));
  const file = onnxFile({
    nodes: [node("BipolarQuant", "x s", {}, "q"), node("Conv", "q w")],
    inputs: { x: [...shape] },
    constants: { s: scalar(1), w: floats(kernel, weights) },
  });
  return compileModelFile(file, "net.onnx", {
    name: "net",
    ...(input === undefined ? {} : { input }),
    ...options,
  });
}

/** The model of a signal of 50 samples. */
export function signalModel(input: InputFormat): CompiledModel {
  return convModel([1, 1, 50], input);
}
