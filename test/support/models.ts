/** Models and data that tests share. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { mnistTest } from "../../examples/mnist-mlp/images.js";
import { type CompiledModel, type CompileOptions, compileModelFile } from "../../src/compile.js";
import { emitLibrary } from "../../src/emit/index.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { batchFromArray, type InputBatch } from "../../src/inputs.js";
import { type LoweringOptions, lowerGraph } from "../../src/passes/registry.js";
import { planProgram, verifyPlan } from "../../src/plan/index.js";
import { canonicalBytes, type TensorValues } from "../../src/program/index.js";
import { runDevice } from "../../src/reference/device.js";
import { repoRoot } from "./root.js";

/** Whether the long version of the tests was asked for (`npm run test:full`). */
export const full = process.env.BITLOOM_FULL === "1";

/** The model of examples/mnist-mlp. */
export function mnistMlp(options: CompileOptions = {}): CompiledModel {
  const path = join(repoRoot, "examples/mnist-mlp/model.onnx");
  return compileModelFile(readFileSync(path), "mnist_mlp.onnx", options);
}

/** MNIST's test images, the first `count` of them, as inputs for a model. */
export function mnistBatch(model: CompiledModel, count: number): InputBatch {
  const { images } = mnistTest();
  const data = images.slice(0, count * 784);
  return batchFromArray(model.program, { shape: [count, 1, 28, 28], dtype: "uint8", data }, "MNIST");
}

/** Path of a model made by others, from BITLOOM_FIXTURES (by default `../shared`); undefined where it is absent. */
export function sharedModel(file: string): string | undefined {
  const folder = resolve(repoRoot, process.env.BITLOOM_FIXTURES ?? "../shared");
  const path = join(folder, "models", file);
  return existsSync(path) ? path : undefined;
}

/** Compiles a graph made in a test, with one known answer. */
export function compileGraph(
  graph: ModelGraph,
  input: TensorValues,
  options: LoweringOptions = {},
): CompiledModel {
  const { program, diagnostics } = lowerGraph(graph, options);
  const plan = planProgram(program);
  verifyPlan(plan);
  const answer = {
    input: canonicalBytes(program.tensors[program.input.tensor]!, input),
    output: canonicalBytes(program.tensors[program.output.tensor]!, runDevice(program, input)),
  };
  const library = emitLibrary(plan, { name: "net", version: "0.1.0", arch: "", knownAnswers: [answer] });
  return { graph, program, plan, library, diagnostics: diagnostics.all };
}
