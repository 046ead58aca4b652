/** Counted calls against instructions counted by hand. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { qemuEmulator } from "../../src/emulators/index.js";
import { pluginApi } from "../../src/emulators/qemu-plugin.js";
import { HookReader, profileHooks } from "../../src/emulators/renode-profile.js";
import { measureCalls } from "../../src/measure.js";
import { findBoard } from "../../src/targets/index.js";
import { codeBytes, returnAddresses } from "../../src/toolchain/call-sites.js";
import {
  armBinutil,
  buildFirmware,
  findFunction,
  findOnPath,
  functionAddress,
  type LibraryOnDisk,
  readElf,
  runTool,
} from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy, toyInputs } from "../toolchain/toy.js";

const folder = temporaryFolder();

/**
 * The toy library with functions of known length: 100 turns of a loop, a call of it from another function, and a jump to
 * it as another function's last act, BL as a far jump that never returns. Armv6-M instructions only.
 */
const known = `
void counted(void);
__attribute__((naked, noinline, used)) void counted(void) {
    __asm volatile(".syntax unified\\n"
                   "movs r0, #100\\n1: subs r0, #1\\n bne 1b\\n bx lr");
}
void caller(void);
__attribute__((naked, noinline, used)) void caller(void) {
    __asm volatile(".syntax unified\\n"
                   "push {r4, lr}\\n ldr r1, [sp]\\n ldr r2, [sp, #4]\\n str r1, [sp]\\n movs r3, #0\\n"
                   "bl counted\\n bl counted\\n pop {r4, pc}");
}
void far(void);
__attribute__((naked, noinline, used)) void far(void) {
    __asm volatile(".syntax unified\\n"
                   "push {r4, lr}\\n movs r3, #3\\n1: bl 2f\\n nop\\n2: subs r3, #1\\n bne 1b\\n bl counted\\n pop {r4, pc}");
}
void jumper(void);
__attribute__((naked, noinline, used)) void jumper(void) {
    __asm volatile(".syntax unified\\n"
                   "nop\\n b counted");
}
`;

function library(): LibraryOnDisk {
  const dir = join(folder, "library");
  if (existsSync(dir)) return { ...toy, dir };
  cpSync(toy.dir, dir, { recursive: true });
  const source = readFileSync(join(dir, "toy.c"), "utf8");
  const [head, rest] = source.split("int toy_run(");
  const calls = "sums(input, sum);\n    far();\n    caller();\n    jumper();";
  writeFileSync(
    join(dir, "toy.c"),
    `${head}${known}int toy_run(${rest!.replace("sums(input, sum);", calls)}`,
  );
  return { ...toy, dir };
}

async function image(id: string): Promise<string> {
  const outDir = join(folder, id);
  const path = join(outDir, "toy.elf");
  if (existsSync(path)) return path;
  const board = findBoard(id);
  return (await buildFirmware({ library: library(), board, outDir, trace: false, link: "semihosting" })).elf;
}

const LOOP = 1 + 200 + 1;
const functions = ["counted", "far", "caller", "jumper", "sums", "toy_run"];

describeWith(["arm-none-eabi-gcc", "qemu-system-arm", "cc"], "calls counted in QEMU", () => {
  it.each(["qemu-cortex-m0", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505"])("%s", async (id) => {
    const inputs = toyInputs(3);
    const measure = async () =>
      measureCalls({
        emulator: qemuEmulator,
        board: findBoard(id),
        image: await image(id),
        functions,
        inputs,
      });
    const calls = await measure();
    const once = (name: string) => calls.get(name)!.map((c) => c.instructions);
    expect(once("far")).toEqual([13 + LOOP, 13 + LOOP, 13 + LOOP]);
    expect(once("counted")).toEqual([LOOP, LOOP, LOOP]);
    expect(once("caller")).toEqual([8 + 2 * LOOP, 8 + 2 * LOOP, 8 + 2 * LOOP]);
    expect(once("jumper")).toEqual([2 + LOOP, 2 + LOOP, 2 + LOOP]);
    expect(calls.get("caller")![0]!.counts).toEqual({
      alu: 1 + 2 * 101,
      "store-multiple": 1,
      "return-multiple": 1,
      load: 2,
      "pipelined-loads": 1,
      store: 1,
      call: 2,
      branch: 200,
      jump: 2,
      "stored-words": 2,
      "loaded-words": 2,
      // Two calls, two returns, the function's own return, and 99 turns of each loop.
      "branches-taken": 5 + 2 * 99,
      "branches-not-taken": 2,
    });
    expect(once("toy_run")[0]).toBeGreaterThan(once("sums")[0]! + 10 + 3 * LOOP);
    expect(await measure()).toEqual(calls);
    expect(readdirSync(tmpdir()).filter((f) => f.startsWith(`bitloom-profile-${process.pid}`))).toEqual([]);
  });
});

describeWith(["arm-none-eabi-gcc", "qemu-system-arm", "cc"], "profiling without its tools", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const measure = async (names: readonly string[]) =>
    measureCalls({
      emulator: qemuEmulator,
      board: findBoard("mps2-an386"),
      image: await image("mps2-an386"),
      functions: names,
      inputs: toyInputs(1),
    });

  it("names a function that the image lacks", async () => {
    await expect(measure(["absent"])).rejects.toMatchObject({
      exitCode: 2,
      diagnostics: [{ message: "the image has no function absent to profile" }],
    });
  });

  it("says how to install a C compiler", async () => {
    await image("mps2-an386");
    vi.stubEnv("BITLOOM_QEMU", findOnPath("qemu-system-arm"));
    vi.stubEnv("PATH", "/does/not/exist");
    await expect(measure(["sums"])).rejects.toMatchObject({
      exitCode: 3,
      diagnostics: [{ code: "toolchain/missing", remedy: expect.stringContaining("apt install gcc") }],
    });
  });

  it.each([
    ["-plugin: invalid option", "emulator/no-plugins", "--enable-plugins"],
    ["Could not load plugin /x.so: too old", "emulator/plugin", "cache"],
  ])("explains a QEMU that says “%s”", async (said, code, remedy) => {
    const qemu = join(folder, "no-plugins.sh");
    const script = `#!/bin/sh\n[ "$1" = --version ] && echo "QEMU version 7.2" && exit 0\necho "qemu: ${said}" >&2\nexit 1\n`;
    writeFileSync(qemu, script, { mode: 0o755 });
    vi.stubEnv("BITLOOM_QEMU", qemu);
    vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
    await expect(measure(["sums"])).rejects.toMatchObject({
      exitCode: 3,
      diagnostics: [{ code, remedy: expect.stringContaining(remedy) }],
    });
  });

  it("is built for the plugin interface of every QEMU", () => {
    expect(
      ["7.2.22 (Debian)", "8.2.0", "9.0.1", "9.1.0", "10.2.0"].map((v) =>
        pluginApi(`QEMU emulator version ${v}`),
      ),
    ).toEqual([1, 1, 2, 3, 3]);
  });
});

describeWith(["arm-none-eabi-gcc"], "calls in an image", () => {
  it("return where the disassembly says", async () => {
    const path = await image("mps2-an386");
    const elf = await readElf(path);
    const listing = await runTool(armBinutil("objdump"), ["-d", path], "test", path);
    const lines = [...listing.matchAll(/^\s*([0-9a-f]+):\t\S+(?: \S+)*\s*\t(.*)$/gm)];
    const after = (call: RegExp): number[] =>
      lines.flatMap((l, i) => (call.test(l[2]!) ? [Number.parseInt(lines[i + 1]![1]!, 16)] : []));
    for (const name of ["caller", "far", "sums", "toy_run"]) {
      const address = functionAddress(findFunction(elf, name)!);
      expect(returnAddresses(elf, address), name).toEqual(after(new RegExp(`^bl\\t.*<${name}>`)));
    }
    // The jump returns to where the jumping function is called.
    const counted = functionAddress(findFunction(elf, "counted")!);
    const ends = [...after(/^bl\t.*<counted>/), ...after(/^bl\t.*<jumper>/)];
    expect(returnAddresses(elf, counted)).toEqual(ends.sort((a, b) => a - b));
  });

  it("say which code a function runs", async () => {
    const elf = await readElf(await image("mps2-an386"));
    const sizes = codeBytes(elf, functionAddress(findFunction(elf, "caller")!));
    expect([...sizes.keys()].sort()).toEqual(["caller", "counted"]);
    expect([...sizes.values()].every((size) => size > 0)).toBe(true);
  });
});

describeWith(["arm-none-eabi-gcc"], "hooks for Renode", () => {
  it("stand where functions begin and return to", async () => {
    const elf = await readElf(await image("mps2-an386"));
    const hooks = profileHooks(elf, ["jumper", "caller"]);
    expect(hooks).toHaveLength(4);
    const start = functionAddress(findFunction(elf, "jumper")!).toString(16).padStart(8, "0");
    expect(hooks[0]).toBe(
      `sysbus.cpu AddHook 0x${start} "print('bitloom' + '-profile begin 0 ' + str(self.ExecutedInstructions) + ';')"`,
    );
  });

  it("are read in any pieces, and ends without a begin are no calls", () => {
    const text =
      "(monitor) \x1b[?25lbitloom-profile end 0 5;\r\nbitloom-profile begin 1 100;\r\nbitloom-profile begin 0 110;\n" +
      "bitloom-profile end 0 150;\nnoise bitloom-profile end 1 1000;\n";
    for (const size of [1, 7, 1000]) {
      const reader = new HookReader(["inner", "outer"]);
      for (let at = 0; at < text.length; at += size) reader.add(text.slice(at, at + size));
      expect(reader.calls).toEqual([
        { function: "inner", instructions: 40 },
        { function: "outer", instructions: 900 },
      ]);
    }
  });
});

describeWith(["gcc", "clang"], "the plugin's source", () => {
  it.each(["gcc", "clang"])("has no warnings with %s", async (compiler) => {
    const strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"];
    const sources = ["profile.c", "thumb.c"].map((file) => packageFile(`qemu-plugin/${file}`));
    for (const api of [1, 3]) {
      const flags = [...strict, "-O2", "-fsyntax-only", `-DBITLOOM_QEMU_API=${api}`];
      await runTool(compiler, [...flags, ...sources], "test", compiler);
    }
  });
});
