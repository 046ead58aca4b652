/** The generated C as compilers and checkers see it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { type CompiledModel, compileModelFile } from "../../src/compile.js";
import { checkedName, commentText, layerIdentifiers, nameFrom } from "../../src/emit/names.js";
import { RUNTIME_VERSION } from "../../src/emit/view.js";
import { findBoard, listCpus } from "../../src/targets/index.js";
import { buildFirmware, checkArmv6M, readElf } from "../../src/toolchain/index.js";
import { writeLibrary } from "../../src/verify.js";
import { compileGraph, mnistMlp } from "../support/models.js";
import { floats, node, onnxFile, scalar } from "../support/onnx.js";
import { layeredNet, randomFloats } from "../support/random-graph.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-emit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const WARNINGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"];

/** Libraries that between them use every template branch and runtime file. */
const models: readonly (readonly [string, () => CompiledModel])[] = [
  ["mnist-mlp", () => mnistMlp()],
  [
    "planes, f32 input, float output",
    () => compileGraph(layeredNet(5, [40, 33, 7], 3), randomFloats(1, 40), { output: "float32" }),
  ],
  ["planes, scores", () => compileGraph(layeredNet(6, [40, 33, 7], 2), randomFloats(1, 40))],
];

const largePools = onnxFile({
  nodes: [
    node("BipolarQuant", "x s", {}, "q"),
    node("Conv", "q w", {}, "c"),
    node("BipolarQuant", "c s", {}, "r"),
    node("MaxPool", "r", { kernel_shape: [64, 64] }, "m"),
    node("Conv", "m w"),
  ],
  inputs: { x: [1, 1, 300, 300] },
  constants: { s: scalar(1), w: floats([1, 1, 3, 3], [1, -1, 1, -1, 1, -1, 1, -1, 1]) },
});

it("tests constants only where known answers would take long", async () => {
  const model = compileModelFile(largePools, "pools.onnx");
  expect(model.diagnostics.map((d) => d.code)).toContain("compile/self-test");
  const library = writeLibrary(model, mkdtempSync(join(folder, "library-")));
  const source = join(library.dir, "pools_selftest.c");
  expect(readFileSync(source, "utf8")).not.toMatch(/known/i);
  await execa("gcc", [...WARNINGS, "-c", source, "-o", join(folder, "x.o")]);
});

describe.each(models)("the library of %s", (name, make) => {
  const model = make();
  const library = writeLibrary(model, mkdtempSync(join(folder, "library-")));
  const compilers: readonly (readonly [string, string, readonly string[]])[] = [
    ["gcc", "gcc", []],
    ["clang", "clang", []],
    ...listCpus().map((cpu) => [`gcc for ${cpu.id}`, "arm-none-eabi-gcc", cpu.gccFlags] as const),
  ];

  it.each(compilers)("compiles without a warning: %s", async (_label, compiler, flags) => {
    for (const trace of [[], ["-DBITLOOM_TRACE"]]) {
      for (const source of library.sources) {
        await execa(compiler, [
          ...flags,
          ...WARNINGS,
          ...trace,
          "-c",
          join(library.dir, source),
          "-o",
          join(folder, "x.o"),
        ]);
      }
    }
  });

  it("is clean under cppcheck", async () => {
    const files = library.sources.map((s) => join(library.dir, s));
    const checks = [
      "--enable=warning,style,performance,portability",
      "--error-exitcode=1",
      "--quiet",
      "--suppress=unusedStructMember",
    ];
    const { stderr } = await execa("cppcheck", [...checks, ...files]);
    expect(stderr).toBe("");
  });

  it("can be included from C++", async () => {
    const source = join(folder, "include.cpp");
    writeFileSync(
      source,
      `#include "${library.name}.h"\nint main() { ${library.name}_context c; return ${library.name}_init(&c, nullptr); }\n`,
    );
    await execa("g++", [
      "-Wall",
      "-Wextra",
      "-Wconversion",
      "-Wpedantic",
      "-Werror",
      `-I${library.dir}`,
      "-c",
      source,
      "-o",
      join(folder, "x.o"),
    ]);
  });

  it("has no float arithmetic unless it returns floats", async () => {
    const objects = join(folder, "m0.o");
    const sources = library.sources
      .filter((s) => s !== `${library.name}_selftest.c`)
      .map((s) => join(library.dir, s));
    const flags = ["-mcpu=cortex-m0", "-mthumb", "-std=c99", "-O2", "-r", "-nostdlib"];
    await execa("arm-none-eabi-gcc", [...flags, ...sources, "-o", objects]);
    const { stdout } = await execa("arm-none-eabi-nm", ["-u", objects]);
    const floatCalls = stdout.split("\n").filter((line) => /__aeabi_(f|i2f|ui2f|cf)/.test(line));
    expect(floatCalls.length > 0).toBe(name.includes("float output"));
  });

  it("has no instruction outside Armv6-M when built for a Cortex-M0", async () => {
    const outDir = mkdtempSync(join(folder, "m0-"));
    const firmware = await buildFirmware({
      library,
      board: findBoard("qemu-cortex-m0"),
      outDir,
      trace: false,
    });
    expect(await checkArmv6M(firmware.elf)).toEqual([]);
    expect((await readElf(firmware.elf)).sections.length).toBeGreaterThan(3);
  });

  it("exports its API and nothing else from a shared library with hidden symbols", async () => {
    const shared = join(folder, "shared.so");
    const sources = library.sources.map((s) => join(library.dir, s));
    await execa("gcc", ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", ...sources, "-o", shared]);
    const { stdout } = await execa("nm", ["-D", "--defined-only", shared]);
    const exported = stdout.split("\n").map((line) => line.split(" ").at(-1)!);
    const { scale, byRanks } = model.library.facts.output;
    const data = [...(scale ? ["output_scale"] : []), ...(byRanks ? ["output_rank"] : [])];
    expect(exported.sort()).toEqual(
      ["init", "run", "selftest", ...data].map((part) => `${library.name}_${part}`).sort(),
    );
  });

  it("builds with its own Makefile", async () => {
    await execa("make", ["-C", library.dir]);
    expect(
      readFileSync(join(library.dir, `lib${library.name}.a`))
        .subarray(0, 7)
        .toString(),
    ).toBe("!<arch>");
  });
});

describe("float code is not contracted", () => {
  it("keeps products and sums apart under the flags that users build with", async () => {
    const source = join(folder, "fma.c");
    writeFileSync(
      source,
      '#include "bitloom_scale.h"\nfloat f(const bitloom_scale *s, int32_t x);\nfloat f(const bitloom_scale *s, int32_t x) { return bitloom_scale_value(s, x, 0U); }\n' +
        "float g(float a, float b, float c);\nfloat g(float a, float b, float c) { return bitloom_rounded(bitloom_rounded(a * b) + c); }\n" +
        "float contracted(float a, float b, float c);\nfloat contracted(float a, float b, float c) { return a * b + c; }\n",
    );
    const softmax = packageFile("runtime-c/bitloom_softmax.c");
    const flags = [
      "-mcpu=cortex-m4",
      "-mthumb",
      "-mfloat-abi=hard",
      "-mfpu=fpv4-sp-d16",
      "-O3",
      `-I${packageFile("runtime-c")}`,
      "-S",
      "-o",
      "-",
    ];
    const { stdout: own } = await execa("arm-none-eabi-gcc", [...flags, source]);
    // The control shows that this compiler does contract where nothing stops it.
    const [before, control] = own.split("contracted:");
    expect(control).toMatch(/vfma/);
    expect(before).not.toMatch(/vfm[as]|vfnm/);
    const { stdout: kernel } = await execa("arm-none-eabi-gcc", [...flags, softmax]);
    expect(kernel).toMatch(/vmul/);
    expect(kernel).not.toMatch(/vfm[as]|vfnm/);
  });
});

describe("names", () => {
  it("of the runtime version agree in C and TypeScript", () => {
    const header = readFileSync(packageFile("runtime-c/bitloom_runtime.h"), "utf8");
    expect(header).toContain(`#define BITLOOM_RUNTIME_VERSION ${RUNTIME_VERSION}\n`);
  });

  it("made from any text are valid names", () => {
    for (const text of [
      "TFC_1W1A.onnx",
      "int.onnx",
      "9lives",
      "../../etc/passwd",
      "ünïcode",
      "",
      "a b\nc",
      "model.onnx.gz",
      "x".repeat(500),
    ]) {
      expect(checkedName(nameFrom(text)), text).toBe(nameFrom(text));
    }
  });

  it("of two libraries never meet, the reserved ones included", () => {
    const { files } = compileGraph(layeredNet(6, [40, 33, 7], 2)).library;
    const reserved = ["net_push_row", "net_push_sample", "net_reset"];
    const own = files.filter(({ path }) => path.startsWith("net")).map(({ path }) => path);
    const text = files.filter(({ path }) => own.includes(path) && path.endsWith(".h")).map((f) => f.text);
    const words = text.flatMap((t) => t.match(/\b(net|NET)_\w+/g) ?? []);
    let met = 0;
    for (const names of [
      own,
      [...reserved, ...words.filter((w) => w.startsWith("net_"))],
      words.filter((w) => w.startsWith("NET_")),
    ]) {
      const endings = [...new Set(names.map((n) => n.slice(3)))];
      for (const ending of endings)
        for (const shorter of endings.filter((e) => e !== ending && ending.endsWith(e))) {
          // A library of this name would have a name of `net`.
          const other = `net${ending.slice(0, -shorter.length)}`.toLowerCase();
          expect(() => checkedName(other), `${other}: net${ending}`).toThrow();
          met++;
        }
    }
    expect(met).toBeGreaterThan(2);
  });

  it("that end like files and functions of another library are refused with one that does not", () => {
    for (const [name, usable] of [
      ["best_weights", "best"],
      ["a_selftest_layer", "a"],
    ] as const) {
      expect(() => checkedName(name)).toThrow(/inside another library/);
      expect(nameFrom(name)).toBe(usable);
    }
    expect(nameFrom("weights.h5")).toBe("weights");
  });

  it("of layers become different C identifiers", () => {
    const names = ["/a/conv.1", "a_conv_1", "count", "", "ünï", "a_conv_1_1", "*/", "9"];
    const made = layerIdentifiers(names);
    expect(new Set([...made, "COUNT"]).size).toBe(names.length + 1);
    for (const name of made) expect(`X_${name}`).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect(made[0]).toBe("A_CONV_1");
  });

  it("in comments cannot end the comment", () => {
    expect(commentText('*/ int x; /* "\n\\')).not.toMatch(/\*\/|\n|\\/);
  });
});
