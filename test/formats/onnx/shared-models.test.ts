/** Trained models made by others, with outputs computed by others. They are not part of the repository. */
import { describe, expect, test } from "vitest";
import { mnistTest } from "../../../examples/common/images.js";
import { compileModelFile } from "../../../src/compile.js";
import { readModel } from "../../../src/formats/index.js";
import { printGraph } from "../../../src/graph/print.js";
import { batchFromArray } from "../../../src/inputs.js";
import { runDevice } from "../../../src/reference/device.js";
import { compileDevice } from "../../../src/reference/device-fast.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { full, readShared, rowsOf, sharedModel } from "../../support/models.js";

const absent = (...files: string[]): boolean => files.some((file) => sharedModel(file) === undefined);

describe.each([
  ["TFC_1W1A", 9296],
  ["TFC_2W2A", 9660],
])("%s", (name, right) => {
  const [model, x, y] = [`${name}.onnx`, `${name}.x.npy`, `${name}.y.npy`] as const;

  test.skipIf(absent(model, x, y))("200 images give the file's float32 logits in every bit", () => {
    const graph = readModel(readShared(model), name);
    const [inputs, logits] = [rowsOf(readShared(x)), rowsOf(readShared(y))];
    expect(inputs).toHaveLength(200);
    expect(inputs.map((image) => runModel(graph, image))).toEqual(logits);
    const flat = (rows: Float32Array[]): Float32Array => Float32Array.from(rows.flatMap((row) => [...row]));
    expect(compileModel(graph)(flat(inputs))).toEqual(flat(logits));
  });

  test.skipIf(absent(model))(`${right} of MNIST's 10,000 test images are right, as published`, () => {
    const run = compileModel(readModel(readShared(model), name));
    const { images, labels } = mnistTest();
    const logits = run(Float32Array.from(images, (byte) => byte / 255));
    const isRight = (label: number, i: number): boolean => {
      const scores = logits.subarray(10 * i, 10 * i + 10);
      return scores.indexOf(Math.max(...scores)) === label;
    };
    expect(Array.from(labels).filter(isRight)).toHaveLength(right);
  });
});

describe.each(["lfcW1A1_mnist", "lfcW1A1_mnist.bn"])("%s", (name) => {
  const files = [`${name}.onnx.gz`, "lfcW1A1_mnist.inputs.bin", "lfcW1A1_mnist.expected.json"] as const;

  test.skipIf(absent(...files))("100 images give the exact integer logits, model and device alike", () => {
    const [file, pixels, expected] = files.map(readShared) as [Uint8Array, Uint8Array, Uint8Array];
    const { logits } = JSON.parse(new TextDecoder().decode(expected)) as { logits: number[][] };
    expect([logits.length, pixels.length]).toEqual([100, 78_400]);

    const graph = readModel(file, name);
    const x = Float32Array.from(pixels, (byte) => byte / 255);
    expect([...compileModel(graph)(x)]).toEqual(logits.flat());
    const { program } = compileModelFile(file, `${name}.onnx.gz`);
    const device = compileDevice(program);
    const image = (i: number): Int32Array => Int32Array.from(pixels.subarray(i * 784, (i + 1) * 784));
    expect(logits.map((_, i) => Array.from(device(image(i))))).toEqual(logits);
    // The readable references on one: they are the definition, but slow.
    expect([...runModel(graph, x.subarray(0, 784))]).toEqual(logits[0]);
    expect(Array.from(runDevice(program, image(99)))).toEqual(logits[99]);
  });
});

test.skipIf(absent("TFC_1W1A.onnx"))("TFC_1W1A prints as expected", () => {
  expect(printGraph(readModel(readShared("TFC_1W1A.onnx"), "TFC_1W1A.onnx"))).toMatchInlineSnapshot(`
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

describe.each(["cnvW1A1_svhn", "cnvW1A1_svhn.bn"])("%s", (name) => {
  const files = [`${name}.onnx.gz`, "cnvW1A1_svhn.inputs.bin", "cnvW1A1_svhn.expected.json"] as const;
  const count = full ? 100 : 6;

  test.skipIf(absent(...files))(
    `${count} images give the exact integer logits, model and device alike`,
    () => {
      const [file, pixels, expected] = files.map(readShared) as [Uint8Array, Uint8Array, Uint8Array];
      const { logits } = JSON.parse(new TextDecoder().decode(expected)) as { logits: number[][] };
      expect([logits.length, pixels.length]).toEqual([100, 307_200]);
      const graph = readModel(file, name);
      const x = Float32Array.from(pixels.subarray(0, count * 3072), (byte) => byte / 255);
      expect([...compileModel(graph)(x)]).toEqual(logits.slice(0, count).flat());
      const { program } = compileModelFile(file, `${name}.onnx.gz`);
      const images = {
        shape: [count, 3, 32, 32],
        dtype: "uint8",
        data: pixels.slice(0, count * 3072),
      } as const;
      const batch = batchFromArray(program, images, "SVHN");
      const device = compileDevice(program);
      const scores = Array.from({ length: count }, (_, i) => [...device(batch.stored(i))]);
      expect(scores).toEqual(logits.slice(0, count));
      // The readable reference on one: it is the definition, but slow.
      expect([...runModel(graph, x.subarray(0, 3072))]).toEqual(logits[0]);
    },
  );
});
