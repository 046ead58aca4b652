/** Stack of small C programs on several cores, and of the functions of a real library. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findBoard, findCpu } from "../../src/targets/index.js";
import { readCallGraph } from "../../src/toolchain/call-graph.js";
import { Code, disassemble } from "../../src/toolchain/disassembly.js";
import { ImageStack } from "../../src/toolchain/image-stack.js";
import { buildFirmware, functionAddress, libraryStack, readElf, runTool } from "../../src/toolchain/index.js";
import { libraryFrames } from "../../src/toolchain/library-stack.js";
import { stackDepth } from "../../src/toolchain/stack-depth.js";
import { writeLibrary } from "../../src/verify.js";
import { full, mnistCnn } from "../support/models.js";
import { describeWith, temporaryFolder, toy } from "./toy.js";

const folder = temporaryFolder();
const cores = full
  ? ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m33", "cortex-m55"]
  : ["cortex-m0", "cortex-m4"];
let images = 0;

/** Links a program whose entry is `run`; `assembly` stands beside it. */
async function imageOf(core: string, c: string, assembly = "", declared: [string, number][] = []) {
  const at = join(folder, `${images++}`);
  const flags = [...findCpu(core).gccFlags, "-O2", "-ffunction-sections"];
  writeFileSync(`${at}.c`, c);
  writeFileSync(`${at}.s`, `.syntax unified\n.thumb\n.text\n${assembly}\n`);
  const compile = async (...args: string[]) => runTool("arm-none-eabi-gcc", [...flags, ...args], "test", at);
  await compile("-fstack-usage", "-fcallgraph-info=su", "-c", `${at}.c`, "-o", `${at}.o`);
  await compile("-c", `${at}.s`, "-o", `${at}_asm.o`);
  const linking = ["-nostartfiles", "--specs=nano.specs", "-Wl,--entry=run", "-Wl,--gc-sections"];
  await compile(...linking, `${at}.o`, `${at}_asm.o`, "-o", `${at}.elf`);
  const compiled = await readCallGraph([`${at}.o`]);
  return ImageStack.read(`${at}.elf`, { compiled, declared: new Map(declared) });
}

const FUNCTION = (name: string, body: string) =>
  `.global ${name}\n.type ${name}, %function\n.thumb_func\n${name}:\n${body}`;

describeWith(["arm-none-eabi-gcc", "arm-none-eabi-objdump"], "the stack of an image", () => {
  it.each(cores)("on %s is that of the deepest path, the compiler's library included", async (core) => {
    const image = await imageOf(
      core,
      `__attribute__((noinline)) long long leaf(long long x, volatile char *p) { volatile char room[200]; room[0] = *p; return x / (x + room[0]); }
       __attribute__((noinline)) long long middle(volatile char *p) { volatile char room[40]; room[1] = *p; return leaf(2, room) + room[1]; }
       int run(volatile char *p, int d) { return (int)middle(p) / d; }`,
    );
    const [use] = image.worst(["run"]);
    const [run, middle, leaf, ...library] = use!.path;
    expect([run?.function, middle?.function, leaf?.function]).toEqual(["run", "middle", "leaf"]);
    expect(library[0]?.function).toBe("__aeabi_ldivmod");
    expect(library[0]!.bytes).toBeGreaterThan(0);
    expect(middle!.bytes).toBeGreaterThanOrEqual(40);
    expect(leaf!.bytes).toBeGreaterThanOrEqual(200);
    expect(use!.path.reduce((sum, p) => sum + p.bytes, 0)).toBe(use!.bytes);
  });

  it("has no frame below a jump at a function's end, of which Armv6-M has none", async () => {
    const image = await imageOf(
      "cortex-m4",
      `__attribute__((noinline)) int last(volatile int *p) { volatile int room[10]; room[2] = *p; return room[2]; }
       int run(volatile int *p) { volatile int room[50]; room[7] = *p; *p = room[7]; return last(p); }`,
    );
    const [run, last] = image.worst(["run", "last"]);
    expect(last!.bytes).toBeLessThan(run!.bytes);
    expect(run!.path.map((p) => p.function)).toEqual(["run"]);
  });

  it.each([
    [
      "recursion, with its way",
      "int even(int); __attribute__((noinline)) int odd(int n) { return n == 0 ? 0 : 1 + even(n - 1); } __attribute__((noinline)) int even(int n) { return n == 0 ? 1 : 2 * odd(n - 1); } int run(int n) { return odd(n) + 1; }",
      "stack/recursion",
      /^odd calls itself: odd > even > odd$/,
    ],
    [
      "a call through a pointer",
      "int run(int (*f)(int)) { return f(3) + 1; }",
      "stack/indirect-call",
      /^run calls through a pointer$/,
    ],
    [
      "alloca",
      "int use(char *); __attribute__((noinline)) int use(char *p) { return *(volatile char *)p; } int run(int n) { char *p = __builtin_alloca(n); p[n - 1] = 1; return use(p); }",
      "stack/variable-frame",
      /^run takes stack of a size that only running tells$/,
    ],
    [
      "an array of variable length",
      "__attribute__((noinline)) int use(char *p) { return *(volatile char *)p; } int run(int n) { char p[n]; p[n - 1] = 1; return use(p); }",
      "stack/variable-frame",
      /^run takes/,
    ],
  ])("has no bound with %s", async (_, program, code, message) => {
    for (const core of cores) {
      const image = await imageOf(core, program);
      let problems: unknown;
      try {
        image.worst(["run"]);
      } catch (error) {
        problems = error;
      }
      expect(problems).toMatchObject({
        exitCode: 1,
        diagnostics: [{ code, message: expect.stringMatching(message) }],
      });
    }
  });

  it("tells every problem at once", async () => {
    const image = await imageOf(
      "cortex-m4",
      "int other(int n) { return n < 2 ? 1 : n * other(n - 2) + other(n - 1); } int run(int (*f)(int)) { return f(3) + 1; } int start(int (*f)(int)) { return run(f) + other(3); } int (*const keep[])(int) = {other}; int (*volatile const *kept)(int) = 0;",
    );
    expect(() => image.worst(["run", "nothing"])).toThrow(/run calls through[\s\S]*the image has no nothing/);
  });

  it("is that of assembly, which is followed, or declared and compared", async () => {
    const c = "int core(int); int run(int n) { return core(n) + 1; }";
    const plain = FUNCTION("core", "push {r4, r5, lr}\nsub sp, #12\nadd sp, #12\npop {r4, r5, pc}");
    const bytes = async (assembly: string, ...declared: [string, number][]) =>
      (await imageOf("cortex-m4", c, assembly, declared)).worst(["run"])[0]!.path.at(-1)!.bytes;
    expect(await bytes(plain)).toBe(24);
    expect(await bytes(plain, ["core", 24])).toBe(24);
    await expect(bytes(plain, ["core", 32])).rejects.toThrow("core declares 32 bytes and takes 24");
    const computed = FUNCTION("core", "push {r4, r5, lr}\nmov pc, r1\npop {r4, r5, pc}");
    expect(await bytes(computed, ["core", 40])).toBe(40);
    await expect(bytes(computed)).rejects.toThrow(/core cannot be followed: it jumps to a computed address/);
    await expect(bytes(computed, ["core", 8])).rejects.toThrow("core declares 8 bytes and takes 12");
    const indirect = FUNCTION("core", "push {lr}\nblx r1\npop {pc}");
    await expect(bytes(indirect, ["core", 4])).rejects.toThrow("core calls through a register");
  });

  it.each(
    cores,
  )("of a library on %s has the compiler's frames where its code is followed instead", async (core) => {
    const cpu = findCpu(core);
    const library = writeLibrary(mnistCnn({ cpu }), join(folder, `cnn-${core}`));
    const board = { ...findBoard("mps2-an385"), cpu };
    const outDir = join(folder, `cnn-${core}-build`);
    const { elf: path, libraryObjects } = await buildFirmware({ library, board, outDir, trace: false });
    const { compiled } = await libraryFrames(library, libraryObjects);
    const [elf, code] = [await readElf(path), new Code(await disassemble(path))];
    const functions = elf.symbols.filter((s) => s.kind === "function" && s.section !== 0);
    const starts = new Set(functions.map(functionAddress));
    const isFunction = (at: number): boolean => starts.has(at);
    let compared = 0;
    for (const symbol of functions) {
      const known = compiled.get(symbol.file === undefined ? symbol.name : `${symbol.file}:${symbol.name}`);
      if (known === undefined) continue;
      const start = functionAddress(symbol);
      const found = stackDepth(code, { start, size: symbol.size, isKnown: isFunction, isFunction });
      // Large frames of Armv6-M are made by a register.
      if (found.obstacle !== undefined) continue;
      expect([symbol.name, found.deepest]).toEqual([symbol.name, known.frameBytes]);
      compared++;
    }
    expect(compared).toBeGreaterThan(30);
  });

  it("of a library that calls itself is an error that names the function", async () => {
    const outDir = join(folder, "toy");
    const firmware = await buildFirmware({
      library: toy,
      board: findBoard("microbit"),
      outDir,
      trace: false,
    });
    const image = await libraryStack(toy, firmware);
    expect(() => image.worst(["toy_run"])).toThrow("deep calls itself: deep > deep");
    expect(image.worst(["toy_init"])[0]!.path.map((p) => p.function)).toEqual(["toy_init"]);
  });
});
