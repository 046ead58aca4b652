import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { writeFolder } from "../../src/cli/write-folder.js";
import { errorsOf } from "../support/errors.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-write-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("writing a folder", () => {
  it("makes folders, replaces files, keeps other files, and leaves nothing beside it", () => {
    const target = join(folder, "made/new");
    writeFolder(target, [{ path: "a/b/c.txt", content: "one" }]);
    writeFileSync(join(target, "a/own.txt"), "mine");
    writeFolder(target, [
      { path: "a/b/c.txt", content: "two" },
      { path: "d.bin", content: Uint8Array.of(0, 255) },
    ]);
    expect(readdirSync(target, { recursive: true }).sort()).toEqual([
      "a",
      "a/b",
      "a/b/c.txt",
      "a/own.txt",
      "d.bin",
    ]);
    expect(readFileSync(join(target, "a/b/c.txt"), "utf8")).toBe("two");
    expect([...readFileSync(join(target, "d.bin"))]).toEqual([0, 255]);
    expect(readdirSync(join(folder, "made"))).toEqual(["new"]);
  });

  it.each([
    "../up.txt",
    "/root.txt",
    "a/../../up.txt",
    "a//b",
    "a\\b",
    ".hidden",
    "a/.git/config",
    "",
    "a/",
    "c:x",
  ])("refuses the path %j before it writes anything", (path) => {
    const target = join(folder, "refused");
    const [error] = errorsOf(() =>
      writeFolder(target, [
        { path: "good.txt", content: "" },
        { path, content: "" },
      ]),
    );
    expect(error).toMatchObject({ code: "file/name" });
    expect(existsSync(target)).toBe(false);
  });

  it("a folder that could not be filled is not made, nor those around it", () => {
    const target = join(folder, "around/not-made");
    const clash = [
      { path: "src", content: "a file" },
      { path: "src/a.c", content: "" },
    ];
    expect(() => writeFolder(target, clash)).toThrow(/EEXIST|ENOTDIR/);
    expect(existsSync(join(folder, "around"))).toBe(false);
  });

  it("leaves nothing beside a folder in which a file is in the way", () => {
    const target = join(folder, "blocked/x");
    writeFolder(target, [{ path: "src", content: "a file" }]);
    expect(() => writeFolder(target, [{ path: "src/a.c", content: "" }])).toThrow(/EEXIST|ENOTDIR/);
    expect(readdirSync(join(folder, "blocked"))).toEqual(["x"]);
    expect(readdirSync(target)).toEqual(["src"]);
  });
});
