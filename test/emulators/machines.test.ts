import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import {
  type Emulator,
  hostEmulator,
  qemuEmulator,
  type RunOptions,
  runVectors,
  traceHash,
  type VectorResult,
  type Verdict,
} from "../../src/emulators/index.js";
import { freePort } from "../../src/emulators/socket-link.js";
import { type Board, findBoard, listBoards } from "../../src/targets/index.js";
import { buildFirmware, buildHost, type Link, readElf } from "../../src/toolchain/index.js";
import {
  describeWith,
  inputBytes,
  Misbehaviour,
  temporaryFolder,
  toy,
  toyCrc,
  toyInputs,
  toyReference,
  toyTrouble,
} from "../toolchain/toy.js";

const folder = temporaryFolder();
const qemuBoards = listBoards().filter((b) => b.qemu !== undefined && "machine" in b.qemu);
const programs = ["arm-none-eabi-gcc", "qemu-system-arm"];

async function run(
  emulator: Emulator,
  image: string,
  board: Board,
  inputs: Uint8Array[],
  options: RunOptions = {},
): Promise<VectorResult[]> {
  const machine = await emulator.start(image, board);
  const results: VectorResult[] = [];
  for await (const result of runVectors(machine, inputs, { timeoutMs: 20_000, ...options }))
    results.push(result);
  return results;
}

async function image(board: Board, trace: boolean, link: Link = "semihosting"): Promise<string> {
  const outDir = join(folder, `${board.id}-${trace}-${link}`);
  return (await buildFirmware({ library: toy, board, outDir, trace, link })).elf;
}

function expected(input: Uint8Array, index: number): VectorResult {
  const { sums, scores } = toyReference(input);
  const traces = [sums, scores].map((bytes, tensor) => ({ tensor, hash: traceHash(bytes) }));
  return { index, status: 0, output: scores, traces };
}

describeWith(["cc"], "the host", () => {
  const board = findBoard("microbit");

  it("gives the reference's outputs and traces, sanitized", async () => {
    const { program } = await buildHost({
      library: toy,
      outDir: join(folder, "host"),
      trace: true,
      sanitize: true,
    });
    const inputs = toyInputs(20);
    expect(await run(hostEmulator, program, board, inputs)).toEqual(inputs.map(expected));
  });

  it("names the signal of a crash", async () => {
    const { program } = await buildHost({ library: toy, outDir: join(folder, "host-crash"), trace: false });
    await expect(run(hostEmulator, program, board, [toyTrouble(Misbehaviour.fault)])).rejects.toThrow(
      /host was killed by SIG.* last seen: ACCEPTED 1/,
    );
  });
});

describeWith(programs, "QEMU", () => {
  it.each(qemuBoards.map((b) => [b.id, b.cpu.name, b] as const))(
    "%s (%s) runs 200 vectors as the reference does",
    async (_id, _cpu, board) => {
      const inputs = toyInputs(200);
      let verdict: Verdict | undefined;
      const results = await run(qemuEmulator, await image(board, true), board, inputs, {
        modelCrc: toyCrc,
        onVerdict: (v) => {
          verdict = v;
        },
        onHello: (hello) =>
          expect(hello).toMatchObject({
            inputBytes,
            outputBytes: 40,
            tensorCount: 2,
            trace: true,
            selftestRun: true,
          }),
      });
      expect(results).toEqual(inputs.map(expected));
      expect(verdict).toMatchObject({ pass: true, runs: 200, failedRuns: 0, rejectedFrames: 0 });
      expect(verdict!.stackUsedBytes).toBeGreaterThan(0);
      expect(verdict!.stackUsedBytes).toBeLessThan(verdict!.stackSizeBytes);
    },
    60_000,
  );

  it.each([
    "microbit",
    "qemu-cortex-m0",
    "mps2-an386",
    "mps2-an505",
    "mps3-an547",
    "stm32vldiscovery",
  ])("%s takes vectors through its UART", async (id) => {
    const board = findBoard(id);
    const inputs = toyInputs(3);
    const results = await run(qemuEmulator, await image(board, false, "uart"), board, inputs);
    expect(results).toEqual(inputs.map((input, i) => ({ ...expected(input, i), traces: [] })));
  }, 60_000);

  it("keeps a wrong result, a status and frame-like output apart from failures of the line", async () => {
    const board = findBoard("mps2-an386");
    const { wrong, status, frameLike } = Misbehaviour;
    let verdict: Verdict | undefined;
    const onVerdict = (v: Verdict): void => {
      verdict = v;
    };
    const inputs = [wrong, status, frameLike].map(toyTrouble);
    const results = await run(qemuEmulator, await image(board, true), board, inputs, { onVerdict });
    expect(results.map((r) => r.status)).toEqual([0, -2, 0]);
    expect(results[0]!.traces[0]).toEqual(expected(inputs[0]!, 0).traces[0]);
    expect(results[0]!.traces[1]).not.toEqual(expected(inputs[0]!, 0).traces[1]);
    expect(results[2]!.output[8]).toBe(0x7b);
    expect(verdict).toMatchObject({ pass: false, runs: 3, failedRuns: 1 });
  });

  it.each([
    ["microbit", /qemu microbit faulted while serving request 2: HardFault at 0x[0-9a-f]{8} <toy_run/],
    [
      "mps2-an386",
      /HardFault \(undefined instruction\) at 0x[0-9a-f]{8} <toy_run.*cfsr=0x00010000 hfsr=0x40000000/,
    ],
    ["mps2-an505", /HardFault \(undefined instruction\) at/],
  ])("%s reports a fault with the function", async (id, message) => {
    const board = findBoard(id);
    const elf = await image(board, false);
    const inputs = [toyInputs(1)[0]!, toyTrouble(Misbehaviour.fault)];
    await expect(run(qemuEmulator, elf, board, inputs, { elf: await readElf(elf) })).rejects.toThrow(message);
  });

  it.each(["mps2-an386", "mps2-an505"])("%s takes faults with interrupts unmasked", async (id) => {
    const board = findBoard(id);
    const inputs = [toyTrouble(Misbehaviour.usageFault)];
    await expect(run(qemuEmulator, await image(board, false), board, inputs)).rejects.toThrow(
      /UsageFault \(undefined instruction\)/,
    );
  });

  it.each(qemuBoards.map((b) => [b.id, b] as const))("%s reports a stack overflow", async (_id, board) => {
    await expect(
      run(qemuEmulator, await image(board, false), board, [toyTrouble(Misbehaviour.overflow)]),
    ).rejects.toMatchObject({
      diagnostics: [
        { code: "emulator/stack-overflow", message: expect.stringMatching(/stack overflowed|outside RAM/) },
      ],
    });
  });

  it("ends an endless loop and leaves nothing behind", async () => {
    const board = findBoard("microbit");
    const machine = await qemuEmulator.start(await image(board, false), board);
    const consume = async (): Promise<void> => {
      for await (const _ of runVectors(machine, [toyTrouble(Misbehaviour.loop)], { timeoutMs: 500 }));
    };
    await expect(consume()).rejects.toThrow(
      /did not send the result of request 1, which it had accepted,? within 0.5 s/,
    );
    expect(await machine.ended).toMatchObject({ stopped: true });
    await expect(machine.write(new Uint8Array(1))).rejects.toThrow();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`bitloom-qemu-${process.pid}-`))).toEqual(
      [],
    );
  });

  it("stops the machine when the caller stops asking", async () => {
    const board = findBoard("mps2-an385");
    const machine = await qemuEmulator.start(await image(board, false), board);
    for await (const _ of runVectors(machine, toyInputs(3))) break;
    expect(await machine.ended).toMatchObject({ stopped: true });
  });
});

describeWith(programs, "a board that QEMU does not know", () => {
  // QEMU's Netduino Plus 2 has the same STM32F4 as the board: memories and USARTs at the same addresses.
  it("runs its own image, with its own UART driver, on another board with the same chip", async () => {
    const f4 = findBoard("stm32f4-discovery");
    const usart1 = { ...f4.uart, base: 0x40011000 };
    const board = { ...f4, uart: usart1, qemu: { machine: "netduinoplus2" } };
    const inputs = toyInputs(3);
    const elf = await image(board, true, "uart");
    expect(await run(qemuEmulator, elf, board, inputs)).toEqual(inputs.map(expected));
  }, 60_000);

  it("refuses an image for another core, or for other memories", async () => {
    const m0 = findBoard("microbit");
    const m4 = await image(findBoard("mps2-an386"), false);
    await expect(qemuEmulator.start(m4, m0)).rejects.toMatchObject({
      exitCode: 2,
      diagnostics: [{ message: "it was not built for microbit: it has instructions that a Cortex-M0 lacks" }],
    });
    const small = { ...m0, memories: { ...m0.memories, ram: { origin: 0x20000000, size: 2048 } } };
    await expect(qemuEmulator.start(await image(m0, false), small)).rejects.toThrow(
      /bytes at 0x[0-9a-f]{8} \(\.\w+\) are outside its flash and RAM/,
    );
  });
});

describe("QEMU without a machine for the board", () => {
  it("says so", async () => {
    await expect(qemuEmulator.start("x.elf", findBoard("stm32f103"))).rejects.toMatchObject({ exitCode: 2 });
  });
});

describeWith([...programs, "gdb-multiarch"], "GDB at QEMU", () => {
  it("stops the processor at its first instruction and at a function", async () => {
    const board = findBoard("mps2-an385");
    const elf = await image(board, false);
    const port = await freePort();
    // As docs/RENODE.md says.
    const args = ["-machine", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "null"];
    const server = ["-S", "-gdb", `tcp:127.0.0.1:${port}`];
    const qemu = execa("qemu-system-arm", [...args, "-kernel", elf, ...server], { reject: false });
    try {
      const connect = ["set tcp connect-timeout 20", `target remote 127.0.0.1:${port}`];
      const commands = [...connect, "info symbol $pc", "break main", "continue", "info symbol $pc"];
      const { stdout } = await execa(
        "gdb-multiarch",
        ["-batch", "-nx", elf, ...commands.flatMap((c) => ["-ex", c])],
        { timeout: 40_000 },
      );
      expect([...stdout.matchAll(/^(\w+).* in section/gm)].map(([, name]) => name)).toEqual([
        "reset_handler",
        "main",
      ]);
    } finally {
      qemu.kill("SIGKILL");
      await qemu;
    }
  });
});
