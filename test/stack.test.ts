/** The stack that emulated cores write to is the bound, or little less: painted, from the call of each function. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { CompiledModel } from "../src/compile.js";
import { stackHeader } from "../src/emit/index.js";
import { qemuEmulator } from "../src/emulators/index.js";
import { randomBatch } from "../src/inputs.js";
import { anyBoardWith, stackOfModel } from "../src/stack.js";
import { findBoard, findCpu } from "../src/targets/index.js";
import { type EntryPoint, hostCc } from "../src/toolchain/index.js";
import { verifyModel, writeLibrary } from "../src/verify.js";
import { methods } from "./methods/methods.js";
import { callProblems } from "./support/calls.js";
import { buildNet } from "./support/methods/net.js";
import { compileGraph, full, mnistCnn, mnistMlp } from "./support/models.js";
import { randomStreamNet } from "./support/random-stream-net.js";
import { measureStack, type StackCore, stackBoard, stackCores } from "./support/stack.js";
import { describeWith, temporaryFolder, toy } from "./toolchain/toy.js";

type Compile = (core: StackCore) => CompiledModel;

/** Stored bytes of inputs of signals. */
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };

function samples(core: StackCore, isCausal: boolean): CompiledModel {
  const { cpu } = stackBoard(core);
  const graph = randomStreamNet(76_001, { isCausal });
  return compileGraph(graph, undefined, { input: INPUT, pushes: true }, { cpu, endless: true });
}

/** Nets whose input is pushed: their names tell by what. */
const pushed: readonly [string, Compile][] = [
  ["mnist_cnn by rows", (core) => mnistCnn({ cpu: stackBoard(core).cpu, pushes: true })],
  ["a signal by samples", (core) => samples(core, false)],
  ["a causal signal by samples", (core) => samples(core, true)],
];

/** Nets of the examples and of the methods, by name. */
const nets = new Map<string, Compile>([
  ...pushed,
  ["mnist_mlp", (core) => mnistMlp({ cpu: stackBoard(core).cpu })],
  ["mnist_cnn", (core) => mnistCnn({ cpu: stackBoard(core).cpu })],
  ...methods
    .flatMap((method) => method.nets)
    .map((net): [string, Compile] => [
      net.name,
      (core) => buildNet({ ...net, options: { ...net.options, cpu: stackBoard(core).cpu } }, 1).compiled,
    ]),
]);

/** Planes, regions with softmax, float layers and bases; in the long version every net on every core. */
const few = [
  "mnist_cnn",
  "eedn",
  "binary_weight_detector",
  "abc_layer",
  ...pushed.slice(0, 2).map(([name]) => name),
];
const chosen: readonly [StackCore, string][] = full
  ? stackCores.flatMap((core) => [...nets.keys()].map((name): [StackCore, string] => [core, name]))
  : (["cortex-m0", "cortex-m4", "cortex-m55"] as const).flatMap((core) =>
      few.map((name): [StackCore, string] => [core, name]),
    );

/** The functions that a net's library has. */
function entriesOf(name: string): readonly EntryPoint[] {
  const by = /by (row|sample)s$/.exec(name)?.[1];
  return ["init", "run", "selftest", ...(by === undefined ? [] : (["reset", `push_${by}`] as EntryPoint[]))];
}

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "the bound on the stack", () => {
  it.each(chosen)("on %s of %s is at least what is written, and little more", async (core, name) => {
    const measured = await measureStack(nets.get(name)!(core), core);
    expect(measured.map(({ entry }) => entry)).toEqual(entriesOf(name));
    for (const { entry, taken, bytes, path } of measured) {
      const way = path.map((p) => `${p.function} ${p.bytes}`).join(" > ");
      expect(taken, `${entry}: ${way}`).toBeLessThanOrEqual(bytes);
      expect(bytes - taken, `${entry}, ${taken} of ${bytes}: ${way}`).toBeLessThanOrEqual(
        Math.max(64, taken / 4),
      );
    }
  });
});

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "a verification", () => {
  it("compares the stack of what is pushed, too", async () => {
    const model = mnistCnn({ pushes: true });
    const board = stackBoard("cortex-m4");
    const batch = randomBatch(model.program, 1, 1);
    const { passed, builds } = await verifyModel(model, batch, { emulator: qemuEmulator, board });
    const detail = builds[0]!.checks.find((c) => c.check === "stack")!.detail;
    const figures = /, reset \d+ of at most \d+, push_row (\d+) of at most (\d+)$/.exec(detail);
    expect(figures, detail).not.toBeNull();
    expect(Number(figures![1])).toBeGreaterThan(100);
    expect(passed).toBe(true);
  });
});

describeWith(["arm-none-eabi-gcc", "arm-none-eabi-objdump"], "no call of a library", () => {
  const folder = temporaryFolder();
  /** Thumb-1 calls the most helpers of the compiler; in the long version every core. */
  const cores: readonly StackCore[] = full ? stackCores : ["cortex-m0"];

  it.each(
    cores.flatMap((core) => [...nets.keys()].map((name): [StackCore, string] => [core, name])),
  )("on %s of %s is recursive or through a pointer", async (core, name) => {
    const at = mkdtempSync(join(folder, "net-"));
    const library = writeLibrary(nets.get(name)!(core), join(at, "library"));
    expect(await callProblems(library, stackBoard(core), join(at, "build"))).toEqual([]);
    rmSync(at, { recursive: true });
  });

  it("escapes: those of a library with both are found", async () => {
    const selftest =
      '#include "toy.h"\nstatic int pass(void) { return 0; }\nint (*volatile toy_pass)(void) = pass;\nint toy_selftest(toy_context *context) { return toy_pass() + (context == NULL); }\n';
    writeFileSync(join(toy.dir, "toy_pointer.c"), selftest);
    const library = { ...toy, sources: [...toy.sources.slice(0, 2), "toy_pointer.c"] };
    const problems = await callProblems(library, stackBoard("cortex-m0"), join(folder, "toy"));
    expect(problems.sort()).toEqual([
      "deep calls itself: deep > deep",
      "deep calls itself: deep > deep",
      "toy_selftest calls through a pointer",
      "toy_selftest calls through a pointer",
      "toy_selftest in the image calls through a register",
    ]);
  });
});

describeWith(["arm-none-eabi-gcc", "cc"], "the stack of a model", () => {
  it("is that of its functions and layers, and a header of macros", async () => {
    const stack = await stackOfModel(mnistMlp({ name: "net" }), findBoard("mps2-an386"));
    expect(stack.entries.map((e) => e.entry)).toEqual(["init", "run", "selftest"]);
    const [init, run, selftest] = stack.entries;
    const layers = stack.layers.map((l) => l.bytes);
    expect(run!.bytes).toBe(run!.path[0]!.bytes + Math.max(...layers));
    expect(selftest!.bytes).toBeGreaterThan(run!.bytes);
    const header = stackHeader(stack);
    expect(header).toContain(`core:     cortex-m4\n *   compiler: ${stack.compiler}\n`);
    const folder = mkdtempSync(join(tmpdir(), "bitloom-stack-header-"));
    try {
      writeFileSync(join(folder, "net_stack.h"), header);
      const values = [init, run, selftest].map((e) => e!.bytes).join(",");
      const use = `#include "net_stack.h"\n#include "net_stack.h"\nstatic const unsigned int bytes[] = {NET_INIT_STACK_BYTES, NET_RUN_STACK_BYTES, NET_SELFTEST_STACK_BYTES};\nint main(void) { static const unsigned int same[] = {${values}}; int i; for (i = 0; i < 3; i++) { if (bytes[i] != same[i]) { return 1; } } return 0; }\n`;
      writeFileSync(join(folder, "use.c"), use);
      const program = join(folder, "use");
      await execa(hostCc(), [
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        join(folder, "use.c"),
        "-o",
        program,
      ]);
      await execa(program);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("does not depend on the board, only on the core", async () => {
    const cpu = findCpu("cortex-m0");
    const model = mnistMlp({ name: "net", cpu });
    const { board: _, ...one } = await stackOfModel(model, anyBoardWith(cpu));
    const { board: __, ...other } = await stackOfModel(model, findBoard("microbit"));
    expect(one).toEqual(other);
  });
});

describe("the nets that are measured", () => {
  it("are there", () => {
    for (const name of few) expect(nets.has(name)).toBe(true);
  });
});
