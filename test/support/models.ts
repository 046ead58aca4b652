/** Models and data that tests share. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { mnistTest } from "../../examples/common/images.js";
import { type CompiledModel, type CompileOptions, compileModelFile } from "../../src/compile.js";
import { emitLibrary } from "../../src/emit/index.js";
import { readNpy } from "../../src/formats/npy.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { batchFromArray, type InputBatch, randomBatch } from "../../src/inputs.js";
import { type LoweringOptions, lowerGraph } from "../../src/passes/registry.js";
import { type PlanOptions, planProgram, verifyPlan } from "../../src/plan/index.js";
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

/** The model of examples/mnist-cnn. */
export function mnistCnn(options: CompileOptions = {}): CompiledModel {
  const path = join(repoRoot, "examples/mnist-cnn/model.onnx");
  return compileModelFile(readFileSync(path), "mnist_cnn.onnx", options);
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

/** Bytes of a model made by others, in a test that is skipped where `sharedModel` finds none. */
export function readShared(file: string): Uint8Array {
  const path = sharedModel(file);
  if (path === undefined) throw new Error(`${file} is absent: set BITLOOM_FIXTURES`);
  return readFileSync(path);
}

/** Bytes of a file in test/fixtures/onnx. */
export function onnxFixture(file: string): Uint8Array {
  return readFileSync(join(repoRoot, "test/fixtures/onnx", file));
}

/** The rows of a .npy file's first axis, flattened. */
export function rowsOf(bytes: Uint8Array): Float32Array[] {
  const { shape, data } = readNpy(bytes);
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) =>
    Float32Array.from(data.subarray(i * size, (i + 1) * size)),
  );
}

/** Compiles a graph made in a test, with one known answer: for the input given, else for a random one. */
export function compileGraph(
  graph: ModelGraph,
  wanted?: TensorValues,
  options: LoweringOptions = {},
  planning: PlanOptions = {},
): CompiledModel {
  const { program, diagnostics } = lowerGraph(graph, options);
  const plan = planProgram(program, planning);
  verifyPlan(plan);
  const input = wanted ?? randomBatch(program, 1, 1).stored(0);
  const answer = {
    input: canonicalBytes(program.tensors[program.input.tensor]!, input),
    output: canonicalBytes(program.tensors[program.output.tensor]!, runDevice(program, input)),
  };
  const library = emitLibrary(plan, { name: "net", version: "0.1.0", arch: "", knownAnswers: [answer] });
  return { graph, program: plan.program, plan, library, diagnostics: diagnostics.all };
}
