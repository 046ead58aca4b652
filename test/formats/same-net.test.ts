/** One trained net in every format gives the same C: see fixtures/generate/same_net.py. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { companionFiles } from "../../src/companion-files.js";
import { type CompiledModel, type CompileOptions, compileModelFile } from "../../src/compile.js";
import { hostEmulator } from "../../src/emulators/index.js";
import { evaluate } from "../../src/evaluate.js";
import { type NpyArray, readNpy } from "../../src/formats/npy.js";
import { ModelProtoSchema } from "../../src/formats/onnx/onnx_pb.js";
import { batchFromArray, type InputBatch } from "../../src/inputs.js";
import { findBoard, findCpu } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { repoRoot } from "../support/root.js";

const files = ["net.h5", "net.keras", "net.tflite", "brevitas.onnx", "torch.onnx", "net.json"];
/** Float32 roundings of the scores, relative to the largest: the interpreter of TFLite adds in an order of its own. */
const TOLERANCE = 2 ** -18;

const folder = join(repoRoot, "test/fixtures/same-net");
const read = (name: string): Uint8Array => readFileSync(join(folder, name));

const input = { type: "u8", affine: { numerator: 1, denominator: 1, zero: 0 } } as const;

function compile(file: string, options: CompileOptions = {}): CompiledModel {
  return compileBytes(read(file), options);
}

function compileBytes(bytes: Uint8Array, options: CompileOptions = {}): CompiledModel {
  const companions = companionFiles(join(folder, "net.json"));
  return compileModelFile(bytes, "model", { name: "net", input, companions, ...options });
}

/** Images, with channels in front where the file has them there. */
function images(model: CompiledModel, file: string): InputBatch {
  const array = readNpy(read("x.npy"));
  return batchFromArray(
    model.program,
    file.endsWith(".onnx") || file === "net.json" ? channelsFirst(array) : array,
    "x.npy",
  );
}

function channelsFirst({ shape, data, dtype }: NpyArray): NpyArray {
  const [count, height, width, channels] = shape as [number, number, number, number];
  const area = height * width;
  const moved = data.map((_, i) => {
    const [n, c, pixel] = [Math.floor(i / (channels * area)), Math.floor(i / area) % channels, i % area];
    return data[(n * area + pixel) * channels + c]!;
  });
  return { shape: [count, channels, height, width], data: moved, dtype };
}

/** C without what has the names of the model's layers: comments, arguments of hooks, indices by name. */
function withoutNames(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(BITLOOM_LAYER_(?:BEGIN|END)\(net, \d+, )".*"\)/g, "$1name)")
    .replace(/(X\(\d+, )".*?"/g, "$1name")
    .replace(/(too small for layer \d+) \(.*?\)/g, "$1")
    .replace(/(constants of layer \d+) \(.*?\)/g, "$1")
    .replace(/NET_LAYER_(?!COUNT)\w+ (\d+)$/gm, "NET_LAYER $1");
}

const core = (name: string): CompileOptions => ({ cpu: findCpu(name) });

describe.each<[string, CompileOptions]>([
  ["for speed", {}],
  ["for a Cortex-M0", core("cortex-m0")],
  ["for a Cortex-M55", core("cortex-m55")],
  ["for size", { goal: "size" }],
  ["for RAM", { goal: "ram" }],
  ["with float scores", { output: "float32" }],
])("compiled %s", (_, options) => {
  const [first, ...others] = files.map((file) => ({ file, library: compile(file, options).library }));

  test.each(others)("$file gives the C of net.h5", ({ library }) => {
    expect(library.modelCrc).toBe(first!.library.modelCrc);
    expect(library.files.map((f) => f.path)).toEqual(first!.library.files.map((f) => f.path));
    for (const [i, { path, text }] of library.files.entries()) {
      const wanted = first!.library.files[i]!.text;
      // All constants stand in these two, which name no layer.
      const isData = path === "net_weights.c" || path === "net_selftest.c";
      expect([path, isData ? text : withoutNames(text)]).toEqual([
        path,
        isData ? wanted : withoutNames(wanted),
      ]);
    }
  });
});

test("the arrays compared are those of a net: weights, thresholds, scales and known answers", () => {
  const { library } = compile("net.h5");
  const text = library.files.map((f) => f.text).join("");
  for (const name of ["lookups", "starts", "weights", "thresholds", "output_scale_operand0", "known_outputs"])
    expect(text).toMatch(new RegExp(`${name}\\[.* = \\{`));
});

test("another net gives other C", () => {
  const model = fromBinary(ModelProtoSchema, Uint8Array.from(read("brevitas.onnx")));
  const bias = model.graph!.initializer.find((t) => t.name === "bn2.bias")!;
  // The sign of its first number, of four bytes.
  bias.rawData[3] = bias.rawData[3]! ^ 0x80;
  const changed = compileBytes(toBinary(ModelProtoSchema, model));
  expect(changed.library.modelCrc).not.toBe(compile("brevitas.onnx").library.modelCrc);
});

describe.each(files)("%s", (file) => {
  const model = compile(file);
  const batch = images(model, file);
  const expected = readNpy(read(`${file}.y.npy`)).data;

  test("gives the outputs of what wrote it", () => {
    for (const which of ["integer", "float"] as const) {
      const { floats } = evaluate(model, batch, which);
      const largest = Math.max(...Array.from(expected, Math.abs));
      const difference = Array.from(expected, (y, i) => Math.abs(y - floats[i]!));
      expect(Math.max(...difference) / largest).toBeLessThan(TOLERANCE);
    }
  });

  test("gives the same bits on the device and in the model", () => {
    expect(evaluate(model, batch, "both").differing).toBe(0);
  });
});

test("the C gives the reference's outputs on this machine, every tensor of it", async () => {
  const model = compile("net.tflite");
  const result = await verifyModel(model, images(model, "net.tflite"), {
    emulator: hostEmulator,
    board: findBoard("microbit"),
  });
  expect(result.builds.map((b) => [b.vectors, b.failedVectors, b.differingBits, b.problems])).toEqual([
    [16, 0, 0, []],
    [16, 0, 0, []],
  ]);
  expect(result.passed).toBe(true);
});
