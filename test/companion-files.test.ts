import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { companionFiles } from "../src/companion-files.js";
import { companionPath, readCompanion } from "../src/formats/common/companions.js";

const root = mkdtempSync(join(tmpdir(), "bitloom-companions-"));
afterAll(() => rmSync(root, { recursive: true }));
const folder = join(root, "model");
mkdirSync(join(folder, "parts"), { recursive: true });
writeFileSync(join(root, "secret"), "outside");
writeFileSync(join(folder, "weights"), "0123456789");
writeFileSync(join(folder, "parts", "a"), "in a folder");
symlinkSync("weights", join(folder, "alias"));
symlinkSync("../secret", join(folder, "leak"));
const companions = companionFiles(join(folder, "net.json"));
const read = (path: string, limit = 1000): string =>
  new TextDecoder().decode(readCompanion(companions, path, limit));

test("files beside the model and below it are read, links within the folder too", () => {
  expect(read("weights")).toBe("0123456789");
  expect(read("parts/a")).toBe("in a folder");
  expect(read("alias")).toBe("0123456789");
});

test("nothing outside the folder is read, whatever the path or link says", () => {
  const hostile = [
    "../secret",
    "parts/../../secret",
    "/etc/hostname",
    "",
    "parts//a",
    "c:secret",
    "..\\secret",
    "a\0b",
  ];
  for (const path of hostile) expect(() => companionPath(path), path).toThrow(/not below the model's folder/);
  expect(() => read("leak")).toThrow(/leads out of the model's folder/);
});

test("files that are missing or too large are named", () => {
  expect(() => read("absent")).toThrow(/"absent" that it names is not there/);
  expect(() => readCompanion(undefined, "weights", 10)).toThrow(/is not there/);
  expect(read("weights", 10)).toHaveLength(10);
  expect(() => read("weights", 9)).toThrow(/10 bytes; at most 9/);
  for (const folder of ["parts", "."]) expect(() => read(folder)).toThrow(/that it names is not there/);
});
