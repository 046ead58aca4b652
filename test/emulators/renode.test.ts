import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  createRenodeEmulator,
  type RenodeEmulator,
  type RunOptions,
  runVectors,
  type VectorResult,
  type Verdict,
} from "../../src/emulators/index.js";
import { monitorPath, renodePlatform, renodeScript } from "../../src/emulators/renode-script.js";
import { type Board, findBoard, listBoards } from "../../src/targets/index.js";
import { buildFirmware, buildHost, findOnPath, readElf } from "../../src/toolchain/index.js";
import {
  describeWith,
  Misbehaviour,
  temporaryFolder,
  toy,
  toyCrc,
  toyInputs,
  toyReference,
  toyTrouble,
} from "../toolchain/toy.js";

const folder = temporaryFolder();
const boards = listBoards().filter((b) => b.renode !== undefined);
const named = boards.map((b) => [b.id, b] as const);

/** The UARTs of Renode's platforms that are at the addresses of the boards' drivers. */
const uartOf = new Map(
  Object.entries({
    "arduino-nano-33-ble": "uart0",
    "arduino-uno-r4-minima": "sci2",
    "ek-ra6m5": "sci0",
    "nrf52840-dk": "uart0",
    "nucleo-f103rb": "usart2",
    "nucleo-g071rb": "usart2",
    "nucleo-h753zi": "usart3",
    "nucleo-wba52cg": "usart1",
    stm32f103: "usart1",
    "stm32f072b-discovery": "usart1",
    "stm32f4-discovery": "usart2",
    "stm32f746g-disco": "usart1",
  }),
);
const fake = join(import.meta.dirname, "../fixtures/firmware/fake-renode.mjs");

async function run(
  emulator: RenodeEmulator,
  image: string,
  board: Board,
  inputs: readonly Uint8Array[],
  options: RunOptions = {},
): Promise<VectorResult[]> {
  const machine = await emulator.start(image, board);
  const results: VectorResult[] = [];
  for await (const result of runVectors(machine, inputs, { timeoutMs: 60_000, modelCrc: toyCrc, ...options }))
    results.push(result);
  return results;
}

async function image(board: Board): Promise<string> {
  const outDir = join(folder, board.id);
  const elf = join(outDir, "toy.elf");
  if (existsSync(elf)) return elf;
  return (await buildFirmware({ library: toy, board, outDir, trace: false })).elf;
}

function outputs(inputs: readonly Uint8Array[]): number[][] {
  return inputs.map((input) => [...toyReference(input).scores]);
}

const leftFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`bitloom-renode-${process.pid}-`));

describe("a Renode platform", () => {
  it("has the chip's memories where Renode's are larger", () => {
    const text = renodePlatform(findBoard("stm32f103"), "own");
    expect(text.split("\n")[0]).toBe('using "platforms/cpus/stm32f103.repl"');
    expect(text).toContain("flash: @ sysbus 0x08000000\n    size: 0x00010000\n");
    expect(text).toContain("sram: @ sysbus 0x20000000\n    size: 0x00005000\n");
  });

  it("has the changes of its board, and nothing else", () => {
    expect(renodePlatform(findBoard("nrf52840-dk"), "users")).toContain("\nuart0:\n    easyDMA: false\n");
    expect(renodePlatform(findBoard("nucleo-h753zi"), "own")).not.toContain(":\n");
  });

  it.each([
    "stm32f103",
    "nucleo-f103rb",
    "stm32f4-discovery",
  ])("of %s has no baud rate, for bitloom's images and for no others", (id) => {
    const board = findBoard(id);
    const change = `\n${board.renode?.uart}:\n    frequency: 0\n`;
    expect(renodePlatform(board, "own")).toContain(change);
    expect(renodePlatform(board, "users")).not.toContain("frequency");
  });

  it("connects the board's UART without telnet", () => {
    const lines = renodeScript(findBoard("stm32f4-discovery"), 4321).split("\n");
    expect(lines).toContain('emulation CreateServerSocketTerminal 4321 "link" false');
    expect(lines).toContain("connector Connect sysbus.usart2 link");
    expect(lines.some((line) => line.includes("{{"))).toBe(false);
  });

  it("is given paths that the Monitor can read", () => {
    expect(monitorPath("/tmp/a b/run.resc")).toBe("@/tmp/a\\ b/run.resc");
    expect(() => monitorPath('/tmp/a"; quit')).toThrow(/cannot be given a path/);
  });
});

describeWith(["arm-none-eabi-gcc"], "without Renode, or without a platform", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("says how to install it", async () => {
    const board = findBoard("stm32f103");
    const elf = await image(board);
    vi.stubEnv("RENODE_PATH", "");
    vi.stubEnv("PATH", "/does/not/exist");
    const emulator = createRenodeEmulator();
    expect(await emulator.find()).toBeUndefined();
    await expect(emulator.start(elf, board)).rejects.toMatchObject({
      exitCode: 3,
      diagnostics: [{ remedy: expect.stringContaining("github.com/renode/renode/releases") }],
    });
    expect(leftFolders()).toEqual([]);
    await emulator.close();
  });

  it("says that Renode does not have the board", async () => {
    const board = findBoard("microbit");
    vi.stubEnv("RENODE_PATH", fake);
    const emulator = createRenodeEmulator();
    await expect(emulator.start(await image(board), board)).rejects.toMatchObject({ exitCode: 2 });
    await emulator.close();
  });
});

describeWith(["arm-none-eabi-gcc", "cc"], "the Renode runner with a stand-in for Renode", () => {
  const log = join(folder, "monitor.log");
  const inputs = toyInputs(20);
  let emulator: RenodeEmulator;

  beforeAll(async () => {
    const { program } = await buildHost({ library: toy, outDir: join(folder, "host"), trace: false });
    process.env.FAKE_RENODE_PROGRAM = program;
  });
  afterAll(() => {
    delete process.env.FAKE_RENODE_PROGRAM;
  });
  afterEach(async () => {
    await emulator.close();
    vi.unstubAllEnvs();
    expect(leftFolders()).toEqual([]);
  });

  function open(mode = ""): RenodeEmulator {
    vi.stubEnv("RENODE_PATH", fake);
    vi.stubEnv("FAKE_RENODE_MODE", mode);
    vi.stubEnv("FAKE_RENODE_LOG", log);
    emulator = createRenodeEmulator();
    return emulator;
  }

  it("finds it by RENODE_PATH", async () => {
    expect(await open().find()).toEqual({ path: fake, version: "1.16.1.26321" });
  });

  it("runs every board in one process", async () => {
    open();
    for (const board of boards) {
      let verdict: Verdict | undefined;
      const machine = await emulator.start(await image(board), board);
      const results: VectorResult[] = [];
      const onVerdict = (v: Verdict): void => {
        verdict = v;
      };
      for await (const result of runVectors(machine, inputs, { onVerdict })) results.push(result);
      expect(
        results.map((r) => [...r.output]),
        board.id,
      ).toEqual(outputs(inputs));
      expect(verdict).toMatchObject({ pass: true, runs: 20 });
      expect(await machine.ended).toEqual({
        stopped: true,
        description: "was stopped",
        executedInstructions: 1_000_000,
      });
    }
    await emulator.close();
    const commands = readFileSync(log, "utf8").trim().split("\n");
    expect(new Set(commands.map((line) => line.split(" ")[0])).size).toBe(1);
    expect(commands.filter((line) => line.endsWith(" start"))).toHaveLength(boards.length);
    expect(commands.at(-1)).toMatch(/ quit$/);
  });

  it.each(named)("gives the Monitor the commands for %s and no others", async (id, board) => {
    writeFileSync(log, "");
    const machine = await open().start(await image(board), board);
    await machine.stop();
    await emulator.close();
    expect(uartOf.get(id), "in the table of this test").toBeDefined();
    const commands = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.replace(/^\d+ /, "").replace(/@\S*\/(?=\w+\.\w+( true)?$)/, "@"))
      .map((line) => line.replace(/Terminal \d+/, "Terminal PORT"))
      .filter((line) => !line.includes("bitloom' + '-done"));
    expect(commands).toEqual([
      "include @run.resc",
      "using sysbus",
      "logFile @renode.log true",
      'mach create "bitloom"',
      "machine LoadPlatformDescription @board.repl",
      "sysbus.cpu PerformanceInMips 10",
      'emulation SetGlobalQuantum "0.001"',
      "emulation SetGlobalAdvanceImmediately true",
      'emulation CreateServerSocketTerminal PORT "link" false',
      `connector Connect sysbus.${uartOf.get(id)} link`,
      "sysbus LoadELF @image.elf",
      "python \"print('bitloom' + '-loaded')\"",
      "start",
      "pause",
      "sysbus.cpu ExecutedInstructions",
      "Clear",
      "quit",
    ]);
  });

  it.each(named)("counts calls on %s by hooks", async (_id, board) => {
    const elf = await image(board);
    const machine = await open().start(elf, board, { profile: ["sums", "toy_run"] });
    for await (const _ of runVectors(machine, inputs)) void _;
    const { calls } = await machine.ended;
    // The stand-in lets every hook take 1000 instructions, in the order in which they were set.
    const once = ["sums", "toy_run"].map((name) => ({ function: name, instructions: 1000 }));
    expect(calls).toEqual(inputs.flatMap(() => once));
    const after = await emulator.start(elf, board);
    await after.stop();
    expect(await after.ended).not.toHaveProperty("calls");
  });

  it("keeps Renode from folders that others have for temporary files", async () => {
    const foreign = mkdtempSync(join(tmpdir(), "renode-of-another-"));
    try {
      const board = findBoard("stm32f103");
      expect(await run(open(), await image(board), board, inputs.slice(0, 1))).toHaveLength(1);
      expect(existsSync(foreign)).toBe(true);
    } finally {
      rmSync(foreign, { recursive: true, force: true });
    }
  });

  it("says that a board changes what its platform lacks", async () => {
    const board = findBoard("stm32f103");
    const changes = [{ why: "none", lines: ["usart9:", "    frequency: 1"] }];
    const wrong: Board = { ...board, renode: { platform: "", uart: "", ...board.renode, changes } };
    await expect(open().start(await image(board), wrong)).rejects.toThrow(/usart9.*never declared/);
  });

  it("runs one machine at a time", async () => {
    const board = findBoard("stm32f103");
    const elf = await image(board);
    const machine = await open().start(elf, board);
    await expect(emulator.start(elf, board)).rejects.toMatchObject({
      diagnostics: [{ code: "emulator/busy" }],
    });
    await machine.stop();
    await machine.stop();
    expect(await run(emulator, elf, board, inputs.slice(0, 1))).toHaveLength(1);
  });

  it("takes another port when the first was taken meanwhile", async () => {
    const board = findBoard("stm32f103");
    expect(await run(open("port-taken-once"), await image(board), board, inputs)).toHaveLength(20);
  });

  it.each([
    ["crash-on-start", "emulator/ended", /exited with status 1.*it said: .*DllNotFoundException/],
    ["crash-on-load", "emulator/ended", /exited with status 134/],
    [
      "bad-platform",
      "emulator/not-started",
      /could not load the machine; it said: .*LoadPlatform.*Error E04/,
    ],
  ])("reports a Renode that does %s, and leaves nothing behind", async (mode, code, message) => {
    const board = findBoard("stm32f072b-discovery");
    const starting = open(mode).start(await image(board), board);
    await expect(starting).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code, message: expect.stringMatching(message) }],
    });
  });

  it("does not wait for ever", async () => {
    const board = findBoard("stm32f103");
    const starting = open("hang").start(await image(board), board, { startTimeoutMs: 4000 });
    await expect(starting).rejects.toThrow(
      /did not answer its Monitor within [0-9.]+ s; it said: Renode, version/,
    );
  });

  it.each([
    ["dies-while-running", /was killed by SIGABRT before it was told to/],
    ["closes-uart", /closed the UART's connection before it was told to/],
  ])("reports a Renode that %s", async (mode, message) => {
    const board = findBoard("nucleo-wba52cg");
    await expect(run(open(mode), await image(board), board, inputs)).rejects.toThrow(message);
  });

  it("gives the reason from Renode's log when the image is silent", async () => {
    const board = findBoard("stm32f103");
    const running = run(open("cpu-abort"), await image(board), board, inputs, { timeoutMs: 700 });
    await expect(running).rejects.toThrow(/did not send HELLO within 0\.7 s; .*CPU abort \[PC=0x20000100\]/);
  });

  it("starts another Renode after one that hung", async () => {
    const board = findBoard("stm32f103");
    const elf = await image(board);
    const first = await open("dies-while-running").start(elf, board);
    await first.write(new Uint8Array(1));
    expect(await first.ended).toMatchObject({ stopped: false, description: "was killed by SIGABRT" });
    vi.stubEnv("FAKE_RENODE_MODE", "");
    expect(await run(emulator, elf, board, inputs.slice(0, 2))).toHaveLength(2);
  });

  it("refuses an image for another board before it starts anything", async () => {
    const wanted = findBoard("stm32f072b-discovery");
    const m4 = await image(findBoard("stm32f4-discovery"));
    await expect(open().start(m4, wanted)).rejects.toThrow(/instructions that a Cortex-M0 lacks/);
    const elsewhere = await image(findBoard("qemu-cortex-m0"));
    await expect(emulator.start(elsewhere, wanted)).rejects.toThrow(/outside its flash and RAM/);
  });

  it("stops the machine when the signal is aborted", async () => {
    const board = findBoard("stm32f103");
    const controller = new AbortController();
    const machine = await open().start(await image(board), board, { signal: controller.signal });
    controller.abort();
    expect(await machine.ended).toMatchObject({ stopped: true });
  });
});

const real = process.env.RENODE_PATH || "renode";
describeWith(["arm-none-eabi-gcc", real], "the real Renode", () => {
  const emulator = createRenodeEmulator();
  afterAll(() => emulator.close());

  it.each(named)("%s gives the reference's outputs", async (_id, board) => {
    const inputs = toyInputs(20);
    const machine = await emulator.start(await image(board), board);
    const results: VectorResult[] = [];
    for await (const result of runVectors(machine, inputs, { timeoutMs: 60_000 })) results.push(result);
    expect(results.map((r) => [...r.output])).toEqual(outputs(inputs));
    expect((await machine.ended).executedInstructions).toBeGreaterThan(20 * 3136);
  });

  it.each(named)("%s reports a fault with the function", async (_id, board) => {
    const elf = await image(board);
    const options = { elf: await readElf(elf) };
    await expect(run(emulator, elf, board, [toyTrouble(Misbehaviour.fault)], options)).rejects.toThrow(
      /faulted while serving request 1: .*<toy_run/,
    );
  });

  it.each(named)("%s reports a stack overflow", async (_id, board) => {
    const running = run(emulator, await image(board), board, [toyTrouble(Misbehaviour.overflow)]);
    await expect(running).rejects.toMatchObject({
      diagnostics: [
        { code: "emulator/stack-overflow", message: expect.stringMatching(/stack overflowed|outside RAM/) },
      ],
    });
  });
});

describe("the real Renode's absence", () => {
  it.runIf(findOnPath(real) === undefined)("is what find() says", async () => {
    expect(await createRenodeEmulator().find()).toBeUndefined();
  });
});
