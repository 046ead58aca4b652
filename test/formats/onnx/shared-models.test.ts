/** Trained models made by others, with outputs computed by others. They are not part of the repository. */
import { describe, expect, it } from "vitest";
import { mnistTest } from "../../../examples/mnist-mlp/images.js";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { printGraph } from "../../../src/graph/print.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { hasSharedModels, needsShared, sharedModel } from "./support/fixtures.js";
import { problemsOf } from "./support/onnx-file.js";

describe.skipIf(!hasSharedModels)(`shared models${needsShared}`, () => {
  it.each([
    "TFC_1W1A",
    "TFC_2W2A",
  ])("%s: 200 images give the float32 logits of the file, in every bit", (name) => {
    const graph = readModel(sharedModel(`${name}.onnx`), name);
    const x = readNpy(sharedModel(`${name}.x.npy`)).data as Float32Array;
    const y = readNpy(sharedModel(`${name}.y.npy`)).data as Float32Array;
    expect(compileModel(graph)(x)).toEqual(y);
    for (let i = 0; i < 200; i++) {
      expect(runModel(graph, x.subarray(i * 784, (i + 1) * 784))).toEqual(y.subarray(i * 10, (i + 1) * 10));
    }
  });

  it.each([
    ["TFC_1W1A", 9296],
    ["TFC_2W2A", 9660],
  ])("%s: %d of MNIST's 10,000 test images are right, as whoever shared it counted", (name, right) => {
    const run = compileModel(readModel(sharedModel(`${name}.onnx`), name));
    const { images, labels } = mnistTest();
    const logits = run(Float32Array.from(images, (byte) => byte / 255));
    const isRight = (label: number, i: number): boolean => {
      const scores = logits.subarray(10 * i, 10 * i + 10);
      return scores.indexOf(Math.max(...scores)) === label;
    };
    expect(Array.from(labels).filter(isRight)).toHaveLength(right);
  });

  it.each(["lfcW1A1_mnist", "lfcW1A1_mnist.bn"])("%s: 100 images give the exact integer logits", (name) => {
    const graph = readModel(sharedModel(`${name}.onnx.gz`), name);
    const pixels = sharedModel("lfcW1A1_mnist.inputs.bin");
    const { logits } = JSON.parse(sharedModel("lfcW1A1_mnist.expected.json").toString()) as {
      logits: number[][];
    };
    const x = Float32Array.from(pixels, (byte) => byte / 255);
    expect([...compileModel(graph)(x)]).toEqual(logits.flat());
    expect([...runModel(graph, x.subarray(0, 784))]).toEqual(logits[0]);
  });

  it("TFC_1W1A prints as expected", () => {
    expect(printGraph(readModel(sharedModel("TFC_1W1A.onnx"), "TFC_1W1A.onnx"))).toMatchInlineSnapshot(`
      "torch-jit-export (QONNX, opset 9, by pytorch 1.7)
        input 0 1×1×28×28 float32
        Reshape_5              1×784  reshape
        Mul_7                  1×784  multiply 2
        Sub_9                  1×784  subtract 1
        BipolarQuant_11        1×784  quantize to 1 bit ±1, scale 1, sign(0) = +1
        MatMul_16              1×64   dense 784×64, weights 1 bit ±1, scale 1
        BatchNormalization_17  1×64   batch normalization, 64 channels, epsilon 0.00001
        BipolarQuant_19        1×64   quantize to 1 bit ±1, scale 1, sign(0) = +1
        MatMul_24              1×64   dense 64×64, weights 1 bit ±1, scale 1
        BatchNormalization_25  1×64   batch normalization, 64 channels, epsilon 0.00001
        BipolarQuant_27        1×64   quantize to 1 bit ±1, scale 1, sign(0) = +1
        MatMul_32              1×64   dense 64×64, weights 1 bit ±1, scale 1
        BatchNormalization_33  1×64   batch normalization, 64 channels, epsilon 0.00001
        BipolarQuant_35        1×64   quantize to 1 bit ±1, scale 1, sign(0) = +1
        MatMul_40              1×10   dense 64×10, weights 1 bit ±1, scale 1
        Sub_41                 1×10   subtract 0.4488643
        Div_44                 1×10   divide 17.83807
        Mul_45                 1×10   multiply 0.7341181
        Add_46                 1×10   add −1.143661
        output 74 1×10 float32
      "
    `);
  });

  it("every convolution of a conv net is named in one message", () => {
    const problems = problemsOf(new Uint8Array(sharedModel("cnvW1A1_svhn.onnx.gz")));
    const ops = problems.map((p) => /operator (\w+)/.exec(p.message)?.[1]);
    expect(ops.filter((op) => op === "Conv")).toHaveLength(6);
    expect(ops.filter((op) => op === "MaxPool")).toHaveLength(2);
    expect(problems.every((p) => p.code === "onnx/unsupported-op" && p.remedy !== undefined)).toBe(true);
  });
});
