/** What users have beside a whole model says how to get one (fixtures/generate/keras_fragments.py). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { refuseFolder } from "../../../src/cli/model-folder.js";
import { readModel } from "../../../src/formats/index.js";
import { fragmentOf } from "../../../src/formats/keras/fragments.js";
import { errorsOf } from "../../support/errors.js";
import { repoRoot } from "../../support/root.js";
import { zipFile } from "../../support/zip.js";

const fixtures = join(repoRoot, "test/fixtures");
const read = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(fixtures, name)));
const problem = (work: () => unknown): string =>
  errorsOf(work)
    .map((d) => `${d.message} — ${d.remedy}`)
    .join("\n");

test.each<[string, RegExp]>([
  ["config.json", /config of a Keras model without its weights.*model\.save/],
  ["old.h5", /weights of a Keras model only.*load_weights/],
  ["new.weights.h5", /weights of a Keras model only.*load_weights/],
  ["saved_model.pb", /SavedModel.*load_model.*model\.save.*tflite/],
  ["keras_metadata.pb", /SavedModel.*load_model/],
  ["graph.pb", /graph of TensorFlow.*load_model/],
  ["w.index", /checkpoint.*weights only.*load_weights/],
])("%s", (name, message) =>
  expect(problem(() => readModel(read(`keras-fragments/${name}`), name))).toMatch(message));

test("models and other files are none of them", () => {
  const files = [
    "keras/bnn.h5",
    "keras/signal.keras",
    "hdf5/pages.h5",
    "keras/bnn.x.npy",
    "keras/versions.json",
  ];
  for (const name of files) expect(fragmentOf(read(name))).toBeUndefined();
  for (const bytes of [[], [8], [8, 1, 18], [10], [10, 255, 255, 255, 255, 255], [123]])
    expect(fragmentOf(Uint8Array.from(bytes))).toBeUndefined();
});

test("HDF5 of others is not called weights", () => {
  expect(problem(() => readModel(read("hdf5/special.h5"), "m.h5"))).toMatch(/no model_config, so it is not/);
});

test("weights in several files", () => {
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);
  const file = zipFile([
    { name: "config.json", data: text("{}") },
    { name: "model.weights.json", data: text("{}") },
  ]);
  expect(problem(() => readModel(file, "m.keras"))).toMatch(/in several files.*max_shard_size/);
});

describe("folders", () => {
  const made: string[] = [];
  afterAll(() => {
    for (const path of made) rmSync(path, { recursive: true });
  });
  const folder = (names: readonly string[]): string => {
    const path = mkdtempSync(join(tmpdir(), "bitloom-folder-"));
    made.push(path);
    for (const name of names) writeFileSync(join(path, name), "");
    return path;
  };
  test.each<[string, readonly string[], RegExp]>([
    ["a SavedModel", ["saved_model.pb", "keras_metadata.pb"], /SavedModel.*model\.save/],
    ["a checkpoint", ["w.index", "w.data-00000-of-00001"], /checkpoint.*load_weights/],
    [
      "an unpacked archive",
      ["config.json", "metadata.json", "model.weights.h5"],
      /unpacked.*\.keras file itself/,
    ],
    ["another", ["x"], /is a folder.*pass the model file in it/],
  ])("%s", (_, names, message) => expect(problem(() => refuseFolder(folder(names)))).toMatch(message));

  test("files and nothing are left to who reads them", () => {
    const path = folder(["x"]);
    mkdirSync(join(path, "y"));
    refuseFolder(join(path, "x"));
    refuseFolder(join(path, "nothing"));
    expect(problem(() => refuseFolder(join(path, "y")))).toMatch(/is a folder/);
  });
});
