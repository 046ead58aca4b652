/** docs/C-API.md against generated headers: its symbols are theirs, its examples compile and run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { stackHeader, stackHeaderName } from "../../src/emit/index.js";
import { entryPoints } from "../../src/toolchain/library-stack.js";
import { writeLibrary } from "../../src/verify.js";
import { convModel, signalModel } from "../support/conv-model.js";
import { mnistCnn, mnistMlp } from "../support/models.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-c-api-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync(join(repoRoot, "docs/C-API.md"), "utf8");
const image = mnistCnn({ name: "net" });
const pushed = mnistCnn({ name: "net", pushes: true });
/** One output from three samples. */
const sampled = convModel([1, 1, 3], { type: "f32" }, { pushes: true, endless: true });
const headerOf = ({ library }: CompiledModel): string =>
  library.files.find(({ path }) => path === "net.h")!.text;

describe("docs/C-API.md", () => {
  const models = [
    image,
    mnistMlp({ name: "net", input: { type: "i8", affine: { numerator: 1, denominator: 127, zero: -128 } } }),
    mnistMlp({ name: "net", input: { type: "u8", affine: { numerator: 1, denominator: 1, zero: 0 } } }),
    mnistMlp({ name: "net", input: { type: "f32" } }),
    signalModel({ type: "i16", affine: { numerator: 1, denominator: 32768, zero: 0 } }),
    signalModel({ type: "f32" }),
    pushed,
    sampled,
    mnistCnn({ name: "net", banks: [16384, 16384] }),
  ];
  const headers = models.map(headerOf);
  const named = new Set(page.match(/\b(net|NET|bitloom|BITLOOM)_\w+/g));

  it("names nothing that generated files do not have", () => {
    const files = models.flatMap(({ library }) => library.files.map(({ path, text }) => `${path}\n${text}`));
    const entries = entryPoints.map((entry) => ({ entry, bytes: 8, path: [] }));
    const build = { name: "net", version: "1", core: "cortex-m4", compiler: "GCC", flags: [] };
    const all = [...files, stackHeaderName("net"), stackHeader({ ...build, entries })].join("\n");
    // What is not there by intention, and what users write in the examples.
    const apart = ["net_layer", "net_cycles", "BITLOOM_PORTABLE_C", "NET_LAYER_CONV_2"];
    const known = new Set([...apart, ...(all.match(/\w+/g) ?? [])]);
    const isPrefix = (name: string): boolean =>
      name.endsWith("_") && [...known].some((k) => k.startsWith(name));
    expect([...named].filter((name) => !known.has(name) && !isPrefix(name))).toEqual([]);
  });

  it("names everything that headers declare", () => {
    const prefixes = [...page.matchAll(/`(\w+_)…/g)].map(([, prefix]) => prefix!);
    for (const header of headers) {
      const macros = [...header.matchAll(/^#define (NET_\w+)/gm)].map(([, name]) => name!);
      const functions = [...header.matchAll(/^(?:BITLOOM_|static inline).*\b(net_\w+)\(/gm)].map(
        ([, n]) => n!,
      );
      expect(functions.length).toBeGreaterThan(2);
      const all = [...macros, ...functions].filter((n) => n !== "NET_H" && !named.has(n));
      expect(all.filter((n) => !prefixes.some((p) => n.startsWith(p)))).toEqual([]);
    }
    for (const kind of ["image", "pcm"])
      for (const [, name] of headers.join("\n").matchAll(new RegExp(`(net_load_${kind}_\\w+)\\(`, "g")))
        expect(named, name).toContain(name);
  });

  it("has examples that compile for a microcontroller without a warning", async () => {
    const library = writeLibrary(image, mkdtempSync(join(folder, "library-")));
    const [hooks, ...programs] = [...page.matchAll(/```c\n([\s\S]*?)```/g)].map(([, text]) => text!);
    writeFileSync(join(library.dir, "bitloom_hooks.h"), hooks!);
    // Those that need other options of the compiler are compiled below, or tested where these are.
    const own = programs.filter((text) => !/net_push_|arena1/.test(text));
    expect(own).toHaveLength(4);
    for (const [i, text] of own.entries()) writeFileSync(join(library.dir, `example${i}.c`), text);
    const files = own.map((_, i) => `example${i}.c`);
    const warnings = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"];
    const flags = ["-mcpu=cortex-m4", "-mthumb", "-std=c99", "-O2", ...warnings, "-DBITLOOM_HOOKS", "-c"];
    await execa("arm-none-eabi-gcc", [...flags, "net.c", ...files], { cwd: library.dir });
    for (const [model, pattern] of [
      [pushed, /net_push_row/],
      [sampled, /net_push_sample/],
    ] as const) {
      const { dir } = writeLibrary(model, mkdtempSync(join(folder, "library-")));
      writeFileSync(join(dir, "example.c"), programs.find((text) => pattern.test(text))!);
      writeFileSync(join(dir, "bitloom_hooks.h"), "");
      await execa("arm-none-eabi-gcc", [...flags, "net.c", "example.c"], { cwd: dir });
    }
    const { stdout } = await execa("arm-none-eabi-nm", ["-u", join(library.dir, "net.o")]);
    expect(stdout).toContain("net_cycles");
  });
});
