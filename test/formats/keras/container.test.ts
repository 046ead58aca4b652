/** HDF5 and ZIP: what is read of them, and what is refused. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isHdf5, openHdf5 } from "../../../src/formats/hdf5/file.js";
import { readModel } from "../../../src/formats/index.js";
import { ZipArchive } from "../../../src/formats/zip.js";
import { originText } from "../../../src/graph/index.js";
import { errorsOf } from "../../support/errors.js";
import { repoRoot } from "../../support/root.js";
import { zipFile } from "../../support/zip.js";

const read = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(join(repoRoot, "test/fixtures/keras", name)));
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const problem = (bytes: Uint8Array, name = "m.h5"): string =>
  errorsOf(() => readModel(bytes, name))
    .map((d) => `${d.code} ${d.message} — ${d.remedy}`)
    .join("\n");

describe("HDF5", () => {
  const bytes = read("quantized_scope.h5");
  const root = openHdf5(bytes);

  test("groups, attributes and datasets", () => {
    expect(isHdf5(bytes)).toBe(true);
    expect(root.names).toEqual(["model_weights"]);
    expect(root.text("keras_version")).toMatch(/^2\.15/);
    expect(root.text("none")).toBeUndefined();
    const weights = root.find("model_weights")!;
    const [first] = weights.texts("layer_names")!;
    const names = weights.find(first!)!.texts("weight_names")!;
    const kernel = weights.find(`${first}/${names[0]}`)!;
    expect(kernel.isDataset).toBe(true);
    expect(kernel.read().shape).toEqual([3, 3, 5, 12]);
    expect([...new Set(kernel.read().data)].sort()).toEqual([-1, 1]);
    expect(weights.find("nothing/here")).toBeUndefined();
    expect(weights.find("flatten")?.texts("weight_names") ?? []).toEqual([]);
  });

  test("a file within gzip", () => {
    expect(originText(readModel(gzipSync(bytes), "m.h5.gz").origin)).toBe("Larq (.h5), by Keras 2.15.0");
  });

  test.each<[string, (b: Uint8Array) => Uint8Array, RegExp]>([
    ["a signature alone", (b) => b.subarray(0, 8), /no HDF5 file/],
    ["a version of the future", (b) => b.fill(9, 8, 9), /has version 9/],
    ["addresses of three bytes", (b) => b.fill(3, 13, 14), /addresses of 3 bytes/],
    ["a root beyond the file", (b) => b.fill(0x7f, 64, 70), /outside the file/],
    ["half of it", (b) => b.subarray(0, b.length / 2), /outside the file|missing/],
  ])("refuses %s", (_, change, message) => expect(problem(change(bytes.slice()))).toMatch(message));

  test("a group that holds itself is no circle for a path", () => {
    // The root's address in place of that of the one group in it: model_weights is the root again.
    const view = new DataView(bytes.slice().buffer);
    const rootAddress = view.getBigUint64(64, true);
    let changed = 0;
    for (let at = 0; at + 8 < view.byteLength; at++) {
      const isEntry =
        view.getUint32(at, false) === 0x534e4f44 && view.getUint16(at + 6, true) === 1 && changed++ === 0;
      if (isEntry) view.setBigUint64(at + 16, rootAddress, true);
    }
    expect(changed).toBeGreaterThan(0);
    expect(problem(new Uint8Array(view.buffer))).not.toBe("");
  });

  test("weights alone say how to save the model", () => {
    const archive = new ZipArchive(read("signal.keras"), 1e7);
    expect(problem(archive.read("model.weights.h5")!)).toMatch(/no model_config.*model\.save/);
  });
});

describe("ZIP", () => {
  const members = [
    { name: "config.json", data: text("{}") },
    { name: "model.weights.h5", data: text("x".repeat(1000)), deflate: true },
  ];
  const file = zipFile(members);

  test("members, stored and deflated", () => {
    const archive = new ZipArchive(file, 2000);
    expect(archive.names).toEqual(["config.json", "model.weights.h5"]);
    expect(archive.read("config.json")).toEqual(text("{}"));
    expect(archive.read("model.weights.h5")).toHaveLength(1000);
    expect(archive.read("../config.json")).toBeUndefined();
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "more than the limit",
      () => new ZipArchive(file, 999).read("model.weights.h5"),
      /unpacks to 1000 bytes/,
    ],
    [
      "more than the limit in all",
      () => {
        const archive = new ZipArchive(file, 1500);
        archive.read("model.weights.h5");
        archive.read("model.weights.h5");
      },
      /unpacks to 1000 bytes/,
    ],
    [
      "a member that unpacks to more than it says",
      () =>
        new ZipArchive(
          zipFile([{ name: "a", data: new Uint8Array(1e6), deflate: true, claims: 100 }]),
          1e7,
        ).read("a"),
      /damaged or cut off/,
    ],
    [
      "a member that says more than it has",
      () =>
        new ZipArchive(zipFile([{ name: "a", data: text("abc"), deflate: true, claims: 1e6 }]), 1e7).read(
          "a",
        ),
      /damaged or cut off/,
    ],
    [
      "a password",
      () => new ZipArchive(zipFile([{ name: "a", data: text("b"), flags: 1 }]), 1e7).read("a"),
      /encrypted/,
    ],
    ["two members of one name", () => new ZipArchive(zipFile([members[0]!, members[0]!]), 1e7), /twice/],
    ["no directory", () => new ZipArchive(file.subarray(0, 60), 1e7), /no directory/],
    [
      "a directory outside",
      () => new ZipArchive(Uint8Array.from(file).fill(0xff, file.length - 6, file.length - 2), 1e7),
      /no directory/,
    ],
  ])("refuses %s", (_, work, message) => expect(work).toThrow(message));

  test.each<[string, Uint8Array, RegExp]>([
    [
      "a config that is no JSON",
      zipFile([{ name: "config.json", data: text("{") }, members[1]!]),
      /damaged|no HDF5/,
    ],
    ["weights that are no HDF5", file, /no HDF5 file/],
    [
      "no weights",
      zipFile([members[0]!, { name: "model.weights.npz", data: text("x") }]),
      /no model\.weights\.h5/,
    ],
    [
      "a config of 20 MB",
      zipFile([{ name: "config.json", data: new Uint8Array(2e7), deflate: true }, members[1]!]),
      /more than 8388608 bytes/,
    ],
    [
      "another archive",
      zipFile([{ name: "notes.txt", data: text("x") }]),
      /zip archive.*without a Keras model/,
    ],
  ])("refuses %s", (_, bytes, message) => expect(problem(bytes, "m.keras")).toMatch(message));
});

describe("small files that ask for much work end within 5 seconds:", () => {
  const weights = new ZipArchive(read("signal.keras"), 1e7).read("model.weights.h5")!;
  const archive = (config: string): Uint8Array =>
    zipFile([
      { name: "config.json", data: text(config), deflate: true },
      { name: "model.weights.h5", data: weights },
    ]);
  const sequential = (layers: readonly string[]): string =>
    `{"class_name": "Sequential", "config": {"layers": [${layers.join(",")}]}}`;
  const input = '{"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 4]}}';
  const many = (count: number, make: (i: number) => string): readonly string[] =>
    Array.from({ length: count }, (_, i) => make(i));

  test.each<[string, string]>([
    ["lists in lists", `{"config": ${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`],
    ["objects in objects", `${'{"config":'.repeat(500_000)}1${"}".repeat(500_000)}`],
    [
      "9000 layers",
      sequential([input, ...many(9000, (i) => `{"class_name": "ReLU", "config": {"name": "r${i}"}}`)]),
    ],
    [
      "9000 layers with weights",
      sequential([
        input,
        ...many(9000, (i) => `{"class_name": "QuantDense", "config": {"name": "d${i}", "units": 4}}`),
      ]),
    ],
    [
      "20,000 layers",
      sequential([input, ...many(20_000, (i) => `{"class_name": "ReLU", "config": {"name": "r${i}"}}`)]),
    ],
    [
      "a layer used 100,000 times",
      `{"class_name": "Functional", "config": {"layers": [${input.replace("{", '{"name": "x", ')}, {"class_name": "ReLU", "name": "r", "config": {}, "inbound_nodes": [${many(100_000, () => '[["x", 0, 0]]').join(",")}]}], "output_layers": [["r", 0, 0]]}}`,
    ],
    ["a class of 1 MB", sequential([input, `{"class_name": "${"aB".repeat(500_000)}", "config": {}}`])],
    [
      "50,000 settings",
      sequential([
        input,
        `{"class_name": "ReLU", "config": {${many(50_000, (i) => `"s${i}": 1`).join(",")}}}`,
      ]),
    ],
  ])("%s", (_, config) => {
    const start = process.cpuUsage();
    try {
      readModel(archive(config), "m.keras");
    } catch (error) {
      errorsOf(() => {
        throw error;
      });
    }
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).toBeLessThan(5);
  });
});
