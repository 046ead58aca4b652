import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { mnistTest } from "../../examples/common/images.js";
import { readNpy, writeNpy } from "../../src/formats/npy.js";
import { runBitloom as bitloom } from "../support/bitloom.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(repoRoot, "examples/mnist-mlp/model.onnx");

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe("compile", () => {
  it("writes a library and reports its costs as JSON", async () => {
    const out = join(folder, "library");
    const { stdout, exitCode } = await bitloom([
      "compile",
      model,
      "--name",
      "digits",
      "-o",
      out,
      "--board",
      "microbit",
      "--optimize",
      "ram",
      "--json",
    ]);
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      ok: true,
      name: "digits",
      integerOnly: true,
      arenaBytes: 132,
      arenaLowerBound: 132,
      arenaProven: true,
      fit: { board: "microbit" },
    });
    expect(readdirSync(out).sort()).toEqual([...report.files].sort());
    expect(report.files).toEqual(
      expect.arrayContaining(["digits.h", "digits.c", "digits_weights.c", "digits_selftest.c"]),
    );
  });

  it("plans for several memories, and says how they are given", async () => {
    const out = join(folder, "banks");
    const args = ["compile", model, "-o", out, "--json", "--arena-banks"];
    const { stdout, exitCode } = await bitloom([...args, "128,1K"]);
    expect(exitCode).toBe(0);
    const { arenaBytes, arenaBanks } = JSON.parse(stdout);
    expect(arenaBanks).toHaveLength(2);
    expect(arenaBanks[0] + arenaBanks[1]).toBe(arenaBytes);
    const refused = await bitloom([...args, "4K"]);
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout).diagnostics[0].code).toBe("cli/banks");
  });

  it("gives the same bytes every time", async () => {
    const read = async (name: string): Promise<string[]> => {
      const out = join(folder, name);
      await bitloom(["compile", model, "--name", "same", "-o", out]);
      return readdirSync(out).map((f) => `${f}\n${readFileSync(join(out, f), "utf8")}`);
    };
    expect(await read("first")).toEqual(await read("second"));
  });

  it.each([
    "import",
    "lower",
    "late-pools",
    "fold-flips",
    "plan",
  ])("prints the state after %s", async (stage) => {
    const { stdout, exitCode } = await bitloom(["compile", model, "--print-after", stage]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").length).toBeGreaterThan(5);
  });
});

describe("bad input ends in exit code 2, a clear message, and an untouched folder", () => {
  const original = readFileSync(model);
  const cases: readonly (readonly [string, () => string, RegExp])[] = [
    ["an empty file", () => file("empty.onnx", ""), /file is empty/],
    ["a truncated file", () => file("cut.onnx", original.subarray(0, 5000)), /truncated or damaged/],
    ["a PNG", () => file("image.onnx", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)), /PNG image/],
    [
      "a numpy array",
      () => file("array.onnx", writeNpy({ shape: [1], dtype: "uint8", data: Uint8Array.of(1) })),
      /numpy array/,
    ],
    ["text", () => file("text.onnx", "hello, this is no model at all\n"), /looks like text/],
    [
      "a 4 GB length field",
      () => file("bomb.onnx", Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0a, 0x01)),
      /truncated or damaged/,
    ],
    ["a missing file", () => join(folder, "absent.onnx"), /no such file/],
    ["a folder", () => folder, /is a folder/],
  ];

  it.each(cases)("%s", async (_name, make, message) => {
    const out = join(folder, "never");
    const { stderr, stdout, exitCode } = await bitloom(["compile", make(), "-o", out]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/at .*\.ts:\d+/);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((f) => f.startsWith(".bitloom"))).toEqual([]);
  });

  it.each([
    'a"b',
    "line\nbreak",
    "../escape",
    "int",
    "class",
    "Upper",
    "1st",
    "",
    "x".repeat(60),
    "a b",
  ])("the name %j", async (name) => {
    const out = join(folder, "never");
    const { stderr, exitCode } = await bitloom(["compile", model, "--name", name, "-o", out]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/emit\/name/);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    [["compile", model, "-o", "x", "--board", "microbitt"], /did you mean microbit/],
    [["compile", model, "-o", "x", "--input-type", "u9"], /did you mean u8/],
    [["compile", model, "-o", "x", "--input-type", "i8"], /--input-scale/],
    [["compile", model], /-o DIR/],
    [["compile", model, "-o", "x", "--push", "columns"], /one of rows, samples/],
    [["compile", model, "-o", "x", "--push", "samples"], /only one moment/],
    [["compile", model, "--print-after", "lowr"], /did you mean lower/],
    [["verify", model, "--count", "0"], /--count/],
    [["verify", model, "--emulator", "qemuu"], /did you mean qemu/],
    [["compil", model], /unknown command/],
    [["run", model], /--input/],
  ])("usage %j", async (args, message) => {
    const { stderr, exitCode } = await bitloom(args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it("files with strange names compile under a safe name", async () => {
    const path = file('we"ird int;\n.onnx', original);
    const { stdout, exitCode } = await bitloom(["compile", path, "-o", join(folder, "strange"), "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).name).toBe("we_ird_int");
  });
});

describe("run", () => {
  const { images, labels } = mnistTest();
  const x = file(
    "x.npy",
    writeNpy({ shape: [50, 1, 28, 28], dtype: "uint8", data: images.slice(0, 50 * 784) }),
  );
  const y = file("y.npy", writeNpy({ shape: [50], dtype: "uint8", data: labels.slice(0, 50) }));

  it("compares both references and counts right answers", async () => {
    const { stdout, exitCode } = await bitloom([
      "run",
      model,
      "--input",
      x,
      "--labels",
      y,
      "--reference",
      "both",
      "--json",
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ count: 50, differing: 0, firstDifference: null });
    expect(JSON.parse(stdout).right).toBeGreaterThan(45);
  });

  it("takes pixels as floats too, and writes outputs that numpy reads", async () => {
    const floats = Float32Array.from(images.slice(0, 50 * 784), (p) => p / 255);
    const path = file("f.npy", writeNpy({ shape: [50, 784], dtype: "float32", data: floats }));
    const out = join(folder, "scores.npy");
    const scores = join(folder, "scores2.npy");
    await bitloom(["run", model, "--input", path, "--output", out]);
    await bitloom(["run", model, "--input", x, "--output", scores]);
    expect(readNpy(readFileSync(out))).toEqual(readNpy(readFileSync(scores)));
    expect(readNpy(readFileSync(out)).shape).toEqual([50, 10]);
  });

  it("refuses floats that no pixel stands for", async () => {
    const path = file(
      "odd.npy",
      writeNpy({ shape: [1, 784], dtype: "float32", data: new Float32Array(784).fill(0.3) }),
    );
    const { stderr, exitCode } = await bitloom(["run", model, "--input", path]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--input-type f32/);
  });

  it("refuses inputs of another shape", async () => {
    const path = file("shape.npy", writeNpy({ shape: [2, 100], dtype: "uint8", data: new Uint8Array(200) }));
    const { stderr, exitCode } = await bitloom(["run", model, "--input", path]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/the model takes 1×1×28×28/);
  });
});

describe("verify", () => {
  it("passes on the host, with JSON", async () => {
    const { stdout, exitCode } = await bitloom([
      "verify",
      model,
      "--emulator",
      "host",
      "--count",
      "5",
      "--json",
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, passed: true, inputs: 5, emulator: "host" });
  });

  it("ends in 3 where the compiler is missing, and says how to get it", async () => {
    const { stderr, exitCode } = await bitloom(["verify", model, "--count", "1"], {
      PATH: folder,
    });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/gcc-arm-none-eabi/);
  });

  it("ends in 1 where the emulator does not answer, and says what it saw", async () => {
    const fake = file(
      "fake-qemu.mjs",
      "#!/usr/bin/env node\nprocess.stdout.write('hello'); setTimeout(() => process.exit(7), 300);\n",
    );
    await execa("chmod", ["+x", fake]);
    const { stdout, exitCode } = await bitloom(["verify", model, "--count", "1", "--emulator", "qemu"], {
      BITLOOM_QEMU: fake,
    });
    expect(stdout).toMatch(/FAIL[\s\S]*problem: /);
    expect(exitCode).toBe(1);
  });
});

describe("models of Keras, known by their contents", () => {
  const fixture = (name: string): string => join(repoRoot, "test/fixtures/keras", name);
  const renamed = file("model.bin", readFileSync(fixture("trained.keras")));

  it("are inspected, with the format, the producer and the quantizers", async () => {
    for (const [path, source] of [
      [fixture("quantized_scope.h5"), "Larq (.h5), by Keras 2.15.0"],
      [renamed, "Larq (.keras), by Keras 2.15.0"],
    ] as const) {
      const { stdout, exitCode } = await bitloom(["inspect", path]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(source);
      expect(stdout).toContain("sign(0) = +1");
    }
  });

  it("are run on inputs in their own order, and give their own outputs", async () => {
    const output = join(folder, "keras.npy");
    const args = [
      "--input",
      fixture("bnn.x.npy"),
      "--input-type",
      "f32",
      "--reference",
      "float",
      "--output",
      output,
    ];
    const { exitCode } = await bitloom(["run", fixture("bnn.h5"), ...args]);
    expect(exitCode).toBe(0);
    expect(readNpy(readFileSync(output)).data).toEqual(readNpy(readFileSync(fixture("bnn.y.npy"))).data);
  });

  it("are compiled and verified", async () => {
    const out = join(folder, "keras");
    expect((await bitloom(["compile", renamed, "--board", "microbit", "-o", out])).exitCode).toBe(0);
    const args = ["--board", "microbit", "--emulator", "host", "--count", "3", "--json"];
    const { stdout, exitCode } = await bitloom(["verify", fixture("quantized_scope.h5"), ...args]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });
});

describe("profile", () => {
  it("shows what each layer costs", async () => {
    const page = join(folder, "profile.html");
    const args = ["profile", model, "--board", "microbit", "--count", "1", "--report", page];
    const { stdout, exitCode } = await bitloom(args);
    expect(exitCode).toBe(0);
    // The page has the same figures.
    const [, executed] = /whole run +(\d+)/.exec(stdout)!;
    expect(readFileSync(page, "utf8").replaceAll(",", "")).toContain(`<strong>${executed}</strong>`);
    expect(stdout).toMatch(/^qemu microbit \(cortex-m0\), 1 input\n/);
    expect(stdout).toMatch(/layer1_\w+ +\d+ +0\.\d{4} +\d+/);
    expect(stdout).toMatch(/whole run +\d+/);
    expect(stdout).toContain("Cycles are estimates: Cortex-M0 Technical Reference Manual");
  });

  it("gives exact counts as JSON, the same every time", async () => {
    const args = ["profile", model, "--board", "mps2-an386", "--json"];
    const { stdout, exitCode } = await bitloom(args);
    expect(exitCode).toBe(0);
    const profile = JSON.parse(stdout);
    expect(profile).toMatchObject({ ok: true, emulator: "qemu", core: "cortex-m4", inputs: 2 });
    const layers: { instructions: number; classes: Record<string, number>; macs: number }[] = profile.layers;
    expect(layers.map((l) => l.macs)).toEqual([0, 784 * 256, 256 * 128, 128 * 10]);
    const inLayers = layers.reduce((sum, l) => sum + l.instructions, 0);
    // The rest is the run function's own calls.
    expect(profile.total.instructions - inLayers).toBeGreaterThan(10);
    expect(profile.total.instructions - inLayers).toBeLessThan(100);
    expect((await bitloom(args)).stdout).toBe(stdout);
  });

  it("ends in 3 without a C compiler for the plugin", async () => {
    const env = { BITLOOM_HOST_CC: "/does/not/exist" };
    const { stderr, exitCode } = await bitloom(["profile", model], env);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("BITLOOM_HOST_CC");
  });
});

describe("tune", () => {
  it("measures what profile counts, for compile to read", async () => {
    const lock = join(folder, "model.tune.json");
    const { stdout, exitCode } = await bitloom(["tune", model, "--cpu", "cortex-m4", "-o", lock, "--json"]);
    expect(exitCode).toBe(0);
    const tuned = JSON.parse(stdout);
    expect(tuned).toMatchObject({ ok: true, cpu: "cortex-m4", board: "mps2-an386", file: lock });
    const profile = await bitloom(["profile", model, "--board", "mps2-an386", "--json"]);
    const { layers } = JSON.parse(profile.stdout);
    // The weights are others, but these kernels do not depend on them.
    expect(Object.values(tuned.instructions)).toContain(layers[1].instructions);
    const out = join(folder, "tuned");
    const compiled = await bitloom(["compile", model, "--cpu", "cortex-m4", "--tune", lock, "-o", out]);
    expect(compiled.exitCode).toBe(0);
  });

  it("needs a core and a file", async () => {
    const { stderr, exitCode } = await bitloom(["tune", model, "-o", "x.json"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--cpu cortex-m4");
  });
});

describe("what the system does not permit", () => {
  it("is an error of the user's, not of the program's", async () => {
    const { stderr, exitCode } = await bitloom(["compile", model, "-o", join(folder, "x".repeat(300))]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/error\[file\/enametoolong\]: .*: the name is too long/);
  });
});

describe("the other commands", () => {
  it.each([
    [["inspect", model, "--json"], "layers"],
    [["boards", "--json"], "boards"],
    [["boards", "microbit", "--json"], "board"],
    [["fit", model, "--json"], "boards"],
    [["ops", "--json"], "ops"],
    [["doctor", "--json"], "tools"],
  ])("%j prints one JSON object", async (args, key) => {
    const { stdout } = await bitloom(args);
    expect(JSON.parse(stdout)).toHaveProperty(key);
  });

  it("boards says how one is connected and flashed", async () => {
    const { stdout } = await bitloom(["boards", "raspberry-pi-pico"]);
    for (const text of ["2048 KB (2097152 bytes)", "GPIO0", "QEMU (as qemu-cortex-m0)", "uf2"]) {
      expect(stdout).toContain(text);
    }
  });

  it("doctor says what can be done with the tools that are here", async () => {
    const { stdout } = await bitloom(["doctor"]);
    expect(stdout).toMatch(/^compile, fit, inspect, run: ready/m);
    expect(stdout).toMatch(/^flash: ready for boards that take/m);
  });

  it("boards names a stand-in that cannot stand in", async () => {
    const id = "nucleo-f446re";
    const file = readFileSync(join(repoRoot, "boards", id, "board.json"), "utf8");
    mkdirSync(join(folder, "boards", id), { recursive: true });
    writeFileSync(join(folder, "boards", id, "board.json"), file.replace("mps2-an386", "mps2-an385"));
    const wrong = await bitloom(["boards", id], { BITLOOM_BOARDS: join(folder, "boards") });
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("its stand-in mps2-an385")]);
  });

  it.each([
    "compile",
    "inspect",
    "run",
    "verify",
    "fit",
    "boards",
    "ops",
    "doctor",
  ])("%s --help has an example", async (name) => {
    const { stdout, exitCode } = await bitloom([name, "--help"]);
    expect(stdout).toMatch(/Example:\n {2}bitloom /);
    expect(exitCode).toBe(0);
  });
});
