/** Runs an importer on bytes and says how it ended; anything but a graph or a BitloomError fails the test. */
import { BitloomError, type Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { readModel } from "../../src/formats/index.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { runModel } from "../../src/reference/model.js";
import { type ModelParts, onnxFile } from "./onnx-builder.js";

/** The output for one input. */
export function run(parts: ModelParts, x: readonly number[]): number[] {
  return Array.from(runModel(readModel(onnxFile(parts), "test.onnx"), Float32Array.from(x)));
}

/** The graph's output shape. */
export function outputShape(graph: ModelGraph): readonly number[] {
  return graph.values.get(graph.outputs[0]!)!.shape;
}

/** The errors with which a piece of work ends; it must end in a BitloomError with exit code 2. */
export function errorsOf(work: () => unknown): readonly Diagnostic[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    if (error.exitCode !== 2) throw new Error(`exit code ${error.exitCode}`);
    const errors = error.diagnostics.filter((d) => d.severity === "error");
    if (errors.length === 0) throw new Error("a BitloomError without an error in it");
    for (const d of errors) {
      if (d.code === "graph/invalid") throw new Error(`the verifier had to stop it: ${d.message}`);
      if (typeof d.message !== "string" || typeof (d.remedy ?? "") !== "string") throw new Error("not text");
      if (d.message.length > 2000) throw new Error(`a message of ${d.message.length} characters`);
    }
    return errors;
  }
  throw new Error("it was accepted");
}

/** The errors of a model given as parts. */
export function rejected(parts: ModelParts): readonly Diagnostic[] {
  return errorsOf(() => readModel(onnxFile(parts), "test.onnx"));
}
