/** Tensors whose data stand in files beside the model: which bytes are taken, and what is refused. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { companionFiles } from "../../../src/companion-files.js";
import type { CompanionReader } from "../../../src/formats/common/companions.js";
import { FILE_LIMIT } from "../../../src/formats/common/limits.js";
import { readModel } from "../../../src/formats/index.js";
import { runModel } from "../../../src/reference/model.js";
import { errorsOf } from "../../support/errors.js";
import { type FileSpec, node, onnxFile, type TensorInit } from "../../support/onnx.js";

const root = mkdtempSync(join(tmpdir(), "bitloom-external-"));
afterAll(() => rmSync(root, { recursive: true }));
writeFileSync(join(root, "secret"), new Uint8Array(8));

type Place = Readonly<Record<string, string>>;

/** A tensor of two numbers whose data are elsewhere. */
function external(place: Place | readonly (readonly [string, string])[], dataType = 1): TensorInit {
  const entries = Array.isArray(place) ? place : Object.entries(place);
  return {
    dims: [2n],
    dataType,
    dataLocation: 1,
    externalData: entries.map(([key, value]: readonly [string, string]) => ({ key, value })),
  };
}

const bytesOf = (...numbers: number[]): Uint8Array => new Uint8Array(Float32Array.from(numbers).buffer);
const folder = (files: Readonly<Record<string, Uint8Array>>): CompanionReader => {
  const map = new Map(Object.entries(files));
  return (path) => map.get(path);
};
const spec = (...tensors: TensorInit[]): FileSpec => ({
  nodes: tensors.map((_, i) => node("Add", [i === 0 ? "x" : `y${i - 1}`, `c${i}`], {}, `y${i}`)),
  constants: Object.fromEntries(tensors.map((tensor, i) => [`c${i}`, tensor])),
  inputs: { x: [1, 2] },
  outputs: [`y${tensors.length - 1}`],
});

function sumOf(companions: CompanionReader | undefined, ...tensors: TensorInit[]): number[] {
  const options = companions === undefined ? {} : { companions };
  return [...runModel(readModel(onnxFile(spec(...tensors)), "net.onnx", options), Float32Array.of(0, 0))];
}

function problems(companions: CompanionReader | undefined, ...tensors: TensorInit[]): string[] {
  return errorsOf(() => sumOf(companions, ...tensors)).map((e) => `${e.where}: ${e.message} — ${e.remedy}`);
}

describe("data in another file", () => {
  test("are all of it, or a part from an offset on", () => {
    const files = folder({ all: bytesOf(1.5, -2), many: bytesOf(0, 0, 7, 8, 9) });
    expect(sumOf(files, external({ location: "all" }))).toEqual([1.5, -2]);
    expect(sumOf(files, external({ location: "all", checksum: "00", note: "x" }))).toEqual([1.5, -2]);
    expect(sumOf(files, external({ location: "many", offset: "8", length: "8" }))).toEqual([7, 8]);
    expect(sumOf(files, external({ location: "many", offset: "12" }))).toEqual([8, 9]);
  });

  test("of tensors in nodes too", () => {
    const value = external({ location: "all" });
    const nodes = [node("Constant", "", { value: { tensor: value } }, "c"), node("Add", "x c")];
    const file = onnxFile({ nodes, inputs: { x: [1, 2] } });
    const graph = readModel(file, "net.onnx", { companions: folder({ all: bytesOf(3, 4) }) });
    expect([...runModel(graph, Float32Array.of(1, 1))]).toEqual([4, 5]);
  });

  test("are read once, whatever number of tensors stands in the file", () => {
    const asked: string[] = [];
    const companions: CompanionReader = (path) => {
      asked.push(path);
      return bytesOf(1, 2, 3, 4);
    };
    const parts = [0, 4, 8].map((offset) => external({ location: "w", offset: `${offset}`, length: "8" }));
    expect(sumOf(companions, ...parts)).toEqual([6, 9]);
    expect(asked).toEqual(["w"]);
  });

  test("win over raw data in the file, as ONNX has it", () => {
    const tensor = { ...external({ location: "all" }), rawData: bytesOf(9, 9) };
    expect(sumOf(folder({ all: bytesOf(1, 2) }), tensor)).toEqual([1, 2]);
  });
});

describe("are refused", () => {
  const files = folder({ w: bytesOf(1, 2, 3), short: bytesOf(1), none: new Uint8Array(0) });
  test.each<[string, Place | readonly (readonly [string, string])[], RegExp]>([
    ["without a place", {}, /does not say in which.*damaged/],
    ["with an empty place", { location: "" }, /does not say in which/],
    ["in a file that is not there", { location: "v" }, /"v" that it names is not there.*same folder/],
    ["outside the folder", { location: "../w" }, /"\.\.\/w", which is not below the model's folder/],
    ["by a path through another folder", { location: "a/../../w" }, /not below the model's folder/],
    ["at an absolute path", { location: "/etc/passwd" }, /not below the model's folder/],
    ["at a path of Windows", { location: "c:\\w" }, /not below the model's folder/],
    ["at a path with a zero in it", { location: "w\0" }, /not below the model's folder/],
    ["beyond the end", { location: "w", offset: "13" }, /0 bytes from 13 on in "w", which has 12 bytes/],
    ["half beyond the end", { location: "w", offset: "8", length: "8" }, /8 bytes from 8 on.*12 bytes/],
    ["of a length near 2^53", { location: "w", length: "999999999999999" }, /which has 12 bytes.*cut off/],
    ["from a negative offset", { location: "w", offset: "-4" }, /offset of its external data is "-4"/],
    ["of a length in words", { location: "w", length: "eight" }, /length of its external data is "eight"/],
    ["of a length beyond numbers", { location: "w", length: "9".repeat(40) }, /which is no size/],
    [
      "with two places",
      [
        ["location", "w"],
        ["location", "short"],
      ],
      /two entries "location"/,
    ],
    ["with too few bytes", { location: "short" }, /needs 8 bytes, the file has 4/],
    ["with too many bytes", { location: "w" }, /needs 8 bytes, the file has 12/],
    ["with no bytes", { location: "none" }, /needs 8 bytes, the file has 0/],
  ])("%s", (_, place, message) => {
    const found = problems(files, external(place));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^tensor c0: /);
    expect(found[0]).toMatch(message);
  });

  test("where the model came without a folder, once for all tensors of a file", () => {
    const tensors = [0, 8].map((offset) => external({ location: "w", offset: `${offset}`, length: "8" }));
    expect(problems(undefined, ...tensors)).toEqual([
      expect.stringMatching(/"w" that it names is not there/),
    ]);
  });

  test("through links out of the folder", () => {
    const companions = companionFiles(join(root, "net.onnx"));
    const inside = mkdtempSync(join(root, "inside-"));
    symlinkSync(join(root, "secret"), join(inside, "link"));
    expect(sumOf(companions, external({ location: "secret" }))).toEqual([0, 0]);
    const fromInside = companionFiles(join(inside, "net.onnx"));
    expect(problems(fromInside, external({ location: "link" }))[0]).toMatch(/out of the model's folder/);
  });

  test("where files, or tensors that share a file, are more than a model may have", () => {
    const limits: number[] = [];
    const large = new Uint8Array(FILE_LIMIT - 8);
    const companions: CompanionReader = (path, limit) => {
      limits.push(limit);
      return path === "large" ? large : bytesOf(1, 2);
    };
    sumOf(companions, external({ location: "a" }), external({ location: "b" }));
    expect(limits).toEqual([FILE_LIMIT, FILE_LIMIT - 8]);
    const all = Array.from({ length: 2 }, () => ({ ...external({ location: "large" }), dims: [4n] }));
    const found = problems(companions, ...all);
    expect(found).toHaveLength(2);
    expect(found[1]).toMatch(/tensors of more than 268435456 bytes stand in other files/);
  });
});
