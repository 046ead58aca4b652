/** Published trained models: their own outputs, bit for bit and integer for integer. */
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { readModel } from "../../../src/formats/index.js";
import { runDevice } from "../../../src/reference/device.js";
import { compileDevice } from "../../../src/reference/device-fast.js";
import { runModel } from "../../../src/reference/model.js";
import { missingModels, readShared, rowsOf } from "../../support/fixtures.js";

const tfc = ["TFC_1W1A", "TFC_2W2A"].map((name) => ({
  name,
  missing: missingModels(`${name}.onnx`, `${name}.x.npy`, `${name}.y.npy`),
}));

for (const { name, missing } of tfc) {
  describe.skipIf(missing)(name, () => {
    test("the model reference equals 200 published outputs bit for bit", () => {
      const graph = readModel(readShared(`${name}.onnx`), `${name}.onnx`);
      const inputs = rowsOf(readShared(`${name}.x.npy`));
      expect(inputs).toHaveLength(200);
      expect(inputs.map((x) => runModel(graph, x))).toEqual(rowsOf(readShared(`${name}.y.npy`)));
    });
  });
}

const lfc = ["lfcW1A1_mnist", "lfcW1A1_mnist.bn"].map((name) => ({
  name,
  missing: missingModels(`${name}.onnx.gz`, "lfcW1A1_mnist.inputs.bin", "lfcW1A1_mnist.expected.json"),
}));

for (const { name, missing } of lfc) {
  describe.skipIf(missing)(name, () => {
    test("the device program's scores are the 100 published integer logits", () => {
      const { program } = compileModelFile(readShared(`${name}.onnx.gz`), `${name}.onnx.gz`);
      const pixels = readShared("lfcW1A1_mnist.inputs.bin");
      const { logits } = JSON.parse(new TextDecoder().decode(readShared("lfcW1A1_mnist.expected.json"))) as {
        logits: number[][];
      };
      expect([logits.length, pixels.length]).toEqual([100, 78_400]);
      const device = compileDevice(program);
      const image = (i: number): Int32Array => Int32Array.from(pixels.subarray(i * 784, (i + 1) * 784));
      expect(logits.map((_, i) => Array.from(device(image(i))))).toEqual(logits);
      // The readable reference on one: it is the definition, but slow.
      expect(Array.from(runDevice(program, image(99)))).toEqual(logits[99]);
    });
  });
}
