/** Models of every format with one of their files damaged. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ZipArchive } from "../../src/formats/zip.js";
import type { CompileJob } from "./compile-pool.js";
import { mutate } from "./mutants.js";
import { Random } from "./random-graph.js";
import { repoRoot } from "./root.js";
import { zipFile } from "./zip.js";

/** The files of a model, the model itself first. */
type Model = Readonly<Record<string, Uint8Array>>;

const models: Readonly<Record<string, readonly Model[]>> = {
  ONNX: [
    "onnx-maps/torch_mixed.onnx",
    "onnx-maps/residual.onnx",
    "onnx-maps/qdq.onnx",
    "onnx-maps/floats.onnx",
    "onnx-plain/dorefa_w4a4_18.onnx",
    "onnx-plain/idioms.onnx",
  ].map(model),
  QONNX: [
    ...["onnx-maps/brevitas_cnn.onnx", "onnx/scales_w2a2.onnx", "onnx/opset13_constants.onnx"].map(model),
    ...["onnx-qonnx/finn_cnn.onnx", "onnx-qonnx/channels_last.onnx"].map(model),
    {
      ...model("onnx-qonnx/external.onnx"),
      ...model("onnx-qonnx/external.bin"),
      ...model("onnx-qonnx/external.bias.bin"),
    },
  ],
  TFLite: [
    "tflite/groups.tflite",
    "tflite/bits.tflite",
    "tflite/builtins.tflite",
    "tflite/int8_layers.tflite",
    "tflite/int8_arithmetic.tflite",
  ].map(model),
  HDF5: [
    "keras/bnn.h5",
    "keras/qkeras_trained.h5",
    "keras/normalization.h5",
    "keras/around.h5",
    "hdf5/compressed.h5",
  ].map(model),
  Keras: ["keras/signal.keras", "keras/qkeras_objects.keras", "keras/plain.keras"].map(model),
  bundle: [
    { ...model("bundle/sequential.json"), ...model("bundle/sequential.safetensors") },
    { ...model("bundle/branches.json"), ...model("bundle/branches.safetensors") },
    { ...model("bundle/archive.json"), ...model("bundle/archive.npz") },
  ],
};

export const formats: readonly string[] = Object.keys(models);

function model(path: string): Model {
  return { [basename(path)]: readFileSync(join(repoRoot, "test/fixtures", path)) };
}

export interface DamagedModel extends CompileJob {
  /** Seed, file and changes, for messages. */
  readonly title: string;
}

/** A model with one of its files damaged. */
export function damagedModel(format: string, seed: number): DamagedModel {
  const random = new Random(seed);
  const files = random.pick(models[format]!);
  const names = Object.keys(files);
  const name = random.pick(names);
  const original = files[name]!;
  // Checksums stop most damage to an archive, so half of them are damaged before packing.
  const isInside = name.endsWith(".keras") && random.integer(0, 1) === 0;
  const { bytes, changes } = isInside ? mutateMember(original, random) : mutate(original, random);
  return {
    files: { ...files, [name]: bytes },
    model: names[0]!,
    args: random.pick([[], ["--input-type", "f32"], ["--output", "float32"], ["--optimize", "ram"]]),
    title: `seed ${seed}: ${name} with ${changes.join(", ")}`,
  };
}

function mutateMember(archive: Uint8Array, random: Random): ReturnType<typeof mutate> {
  const zip = new ZipArchive(archive, 1e7);
  const wanted = random.pick(["config.json", "config.json", "model.weights.h5"]);
  const mutant = mutate(zip.read(wanted)!, random);
  const members = zip.names.map((name) => ({ name, data: name === wanted ? mutant.bytes : zip.read(name)! }));
  return { bytes: zipFile(members), changes: [wanted, ...mutant.changes] };
}
