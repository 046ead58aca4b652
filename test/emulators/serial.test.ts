/** Boards at serial ports: here pseudo-terminals, with QEMU or a host build of the harness behind them. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameType } from "../../src/emulators/frames.js";
import {
  connectBoard,
  findSerialPort,
  listSerialPorts,
  MonitorView,
  openSerialPort,
  portUsers,
  type RunOptions,
  runVectors,
  type VectorResult,
  type Verdict,
} from "../../src/emulators/index.js";
import { findBoard } from "../../src/targets/index.js";
import { buildFirmware, buildHost } from "../../src/toolchain/index.js";
import { endTerminals, qemuAtTerminal, terminal } from "../support/qemu-terminal.js";
import {
  describeWith,
  inputBytes,
  temporaryFolder,
  toy,
  toyCrc,
  toyInputs,
  toyReference,
} from "../toolchain/toy.js";

const fixtures = join(import.meta.dirname, "../fixtures/firmware");
const folder = temporaryFolder();

endTerminals();

/** A command behind a pseudo-terminal. */
const behindTerminal = (...command: string[]) =>
  terminal("python3", [join(fixtures, "pty-line.py"), ...command]);

async function run(
  port: string,
  inputs: readonly Uint8Array[],
  options: RunOptions = {},
): Promise<VectorResult[]> {
  const results: VectorResult[] = [];
  const machine = await connectBoard({ port, inputBytes });
  for await (const result of runVectors(machine, inputs, { timeoutMs: 15_000, ...options }))
    results.push(result);
  return results;
}

const outputs = (results: readonly VectorResult[]): number[][] => results.map((r) => [...r.output]);
const wanted = (inputs: readonly Uint8Array[]): number[][] =>
  inputs.map((input) => [...toyReference(input).scores]);

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "QEMU's UART at a pseudo-terminal", () => {
  it.each([
    "microbit",
    "mps2-an386",
  ])("of %s gives the reference's outputs, session after session", async (id) => {
    const board = findBoard(id);
    const { elf } = await buildFirmware({ library: toy, board, outDir: join(folder, id), trace: false });
    const { machine } = board.qemu as { machine: string };
    const { port } = await qemuAtTerminal(machine, elf);
    const inputs = toyInputs(4);
    expect(outputs(await run(port, inputs, { modelCrc: toyCrc }))).toEqual(wanted(inputs));
    // One input each: a board that took the second for a repetition of the first would answer with the first's output.
    for (const input of [inputs[2]!, inputs[3]!])
      expect(outputs(await run(port, [input]))).toEqual(wanted([input]));
  });

  it("goes on after a session that was cut off in the middle of a request", async () => {
    const board = findBoard("mps2-an386");
    const { elf } = await buildFirmware({ library: toy, board, outDir: join(folder, "cut"), trace: false });
    const { port } = await qemuAtTerminal("mps2-an386", elf);
    const inputs = toyInputs(2);
    const request = encodeFrame({ type: FrameType.request, sequence: 1, payload: inputs[0]! });
    const first = await openSerialPort(port, 115200);
    await first.write(request.subarray(0, 1000));
    await first.close();
    let verdict: Verdict | undefined;
    const started = performance.now();
    const results = await run(port, inputs, {
      onVerdict: (v) => {
        verdict = v;
      },
    });
    expect(outputs(results)).toEqual(wanted(inputs));
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(verdict).toMatchObject({ pass: true, runs: 2 });
  });
});

describeWith(["cc", "python3"], "a serial line", () => {
  const inputs = toyInputs(4);
  const program = async (): Promise<string> =>
    (await buildHost({ library: toy, outDir: join(folder, "host"), trace: false })).program;

  it.each([
    ["loses nothing", "", ""],
    // What is sent first: zeros for an input and 16 bytes more, ASK (13), then REQUESTs.
    ["loses bytes to the board", "3170,5000,9000", ""],
    ["loses bytes from the board", "", "30,70,300"],
  ])("that %s gives every result", async (_name, to, from) => {
    const { port } = await behindTerminal(
      process.execPath,
      join(fixtures, "lossy-line.mjs"),
      await program(),
      to,
      from,
    );
    const results = await run(port, inputs, { timeoutMs: 6000, acceptTimeoutMs: 300 });
    expect(outputs(results)).toEqual(wanted(inputs));
  });

  it.each([
    ["hang", 1000, /serial \/dev\/\S+ did not send HELLO within 1 s; last seen: no frame/],
    [
      "garbage",
      2000,
      /HELLO within 2 s; last seen: no frame; \d+ bytes were part of no frame; last bytes .*U-Boot/,
    ],
    ["no-answer", 3000, /did not accept request 1 in 4 attempts; last seen: HELLO 0/],
    ["rejects", 3000, /did not accept request 1 in 4 attempts; last seen: REJECTED 0/],
    ["old-protocol", 3000, /speaks version 9 of the protocol, not 1/],
  ])("to a board that does %s ends in a message", async (mode, timeoutMs, message) => {
    const { port } = await behindTerminal(process.execPath, join(fixtures, "fake-emulator.mjs"), mode);
    const error = await run(port, [new Uint8Array(4)], { timeoutMs, acceptTimeoutMs: 200 }).then(
      () => undefined,
      (reason: unknown) => reason as { message: string; exitCode: number },
    );
    expect(error?.message).toMatch(message);
    expect(error?.exitCode).toBe(1);
  });

  it("to a board with another model names both", async () => {
    const { port } = await behindTerminal(await program());
    await expect(run(port, inputs, { modelCrc: 1 })).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [
        {
          code: "emulator/wrong-firmware",
          message: expect.stringMatching(/runs the model 1234abcd, not 00000001/),
        },
      ],
    });
  });

  it("that is unplugged ends at once", async () => {
    const { port, line } = await behindTerminal(
      process.execPath,
      join(fixtures, "fake-emulator.mjs"),
      "no-answer",
    );
    setTimeout(() => line.kill("SIGKILL"), 500);
    await expect(run(port, [new Uint8Array(4)], { timeoutMs: 30_000 })).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [
        { code: "emulator/ended", message: expect.stringMatching(/serial \S+ (has gone|was hung up)/) },
      ],
    });
  });

  it("that somebody else has open says who", async () => {
    const { port, line } = await behindTerminal(
      process.execPath,
      join(fixtures, "fake-emulator.mjs"),
      "hang",
    );
    // The line's own program holds the terminal.
    expect(portUsers(port)).toEqual([
      expect.stringMatching(new RegExp(`^python3\\S* \\(process ${line.pid}\\)$`)),
    ]);
    await expect(run(port, [new Uint8Array(4)], { timeoutMs: 600 })).rejects.toThrow(
      new RegExp(`no frame; the port is open in python3\\S* \\(process ${line.pid}\\) too`),
    );
  });
});

describe("a port that cannot be opened", () => {
  it.each([
    ["/dev/no-such-port", "serial/no-port"],
    ["/dev/null", "serial/not-a-port"],
    [import.meta.filename, "serial/not-a-port"],
  ])("%s is %s", async (path, code) => {
    await expect(openSerialPort(path, 115200)).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code, where: path }],
    });
  });
});

describe("the port of a board", () => {
  /** Devices as Linux shows them: a port's folder lies below the USB device's. */
  const devices = (name: string, ports: Readonly<Record<string, string>>) => {
    const root = join(folder, name);
    const sys = join(root, "class");
    mkdirSync(sys, { recursive: true });
    for (const [port, ids] of Object.entries(ports)) {
      const usb = join(root, "devices", port);
      const [vendor, product] = ids.split(":");
      mkdirSync(join(usb, "interface", "tty"), { recursive: true });
      mkdirSync(join(sys, port));
      if (ids !== "") {
        writeFileSync(join(usb, "idVendor"), `${vendor}\n`);
        writeFileSync(join(usb, "idProduct"), `${product}\n`);
        writeFileSync(join(usb, "product"), "DAPLink \u001b[31mCMSIS-DAP\n");
      }
      symlinkSync(join(usb, "interface"), join(sys, port, "device"));
    }
    return { sys, dev: "/dev" };
  };
  const board = { ...findBoard("microbit"), usb: ["0d28:0204"] };

  it("is the one with its USB ids", () => {
    const folders = devices("one", { ttyACM10: "0d28:0204", ttyACM9: "0483:374b", ttyS0: "", ttyUSB0: "" });
    expect(findSerialPort(board, folders)).toBe("/dev/ttyACM10");
    expect(listSerialPorts(folders).map((p) => p.path)).toEqual([
      "/dev/ttyACM9",
      "/dev/ttyACM10",
      "/dev/ttyUSB0",
    ]);
  });

  it("is asked for, with a list, when there is none or more than one", () => {
    const none = devices("none", { ttyACM9: "0483:374b" });
    expect(() => findSerialPort(board, none)).toThrow(
      /no serial port belongs to microbit \(USB 0d28:0204\); there are \/dev\/ttyACM9 \(0483:374b DAPLink \\u001b\[31mCMSIS-DAP\)/,
    );
    const two = devices("two", { ttyACM1: "0d28:0204", ttyACM2: "0d28:0204" });
    expect(() => findSerialPort(board, two)).toThrow(/more than one.*ttyACM1.*ttyACM2/);
    expect(() => findSerialPort(board, devices("empty", {}))).toThrow(/there are none/);
  });
});

describe("what monitor shows", () => {
  const hello = Buffer.alloc(36);
  for (const [i, word] of [1, 0xabcd, 784, 40, 2, 8, 0, 0, 3].entries()) hello.writeUInt32LE(word, 4 * i);
  const frame = encodeFrame({ type: FrameType.hello, sequence: 0, payload: hello });
  const stream = Buffer.concat([
    Buffer.from("boot…\r\nno line end"),
    frame,
    Buffer.from("\u001b[31mred\n"),
    encodeFrame({ type: FrameType.accepted, sequence: 7, payload: new Uint8Array(0) }),
    encodeFrame({ type: FrameType.end, sequence: 65535, payload: new Uint8Array(3) }),
    Buffer.from([0xb1]),
  ]);

  it.each([1, 5, 1000])("is the same in pieces of %i bytes: text as it is, frames in words", (size) => {
    let shown = "";
    const view = new MonitorView((text) => {
      shown += text;
    });
    for (let at = 0; at < stream.length; at += size) view.add(stream.subarray(at, at + size));
    view.finish();
    expect(shown).toBe(
      [
        "boot…",
        "no line end",
        "[HELLO 0: model 0000abcd, trace build, input 784 bytes, output 40 bytes, self-test passed]",
        "\\u001b[31mred",
        "[ACCEPTED 7]",
        "[END 65535: 3 bytes, of which nothing is known]",
        "\ufffd",
        "",
      ].join("\n"),
    );
    expect(view.summary).toMatchObject({
      bytes: stream.length,
      frames: [{ type: "HELLO", bytes: 36 }, { type: "ACCEPTED", sequence: 7 }, { type: "END" }],
    });
  });
});

describeWith(["python3"], "a line that nobody reads", () => {
  it("takes no more bytes, and is closed all the same", async () => {
    const script =
      "import os,sys,tty;m,s=os.openpty();tty.setraw(s);print(os.ttyname(s),flush=True);sys.stdin.read()";
    const { port } = await terminal("python3", ["-c", script]);
    const opened = await openSerialPort(port, 115200);
    const writing = opened.write(new Uint8Array(1_000_000));
    const refused = expect(writing).rejects.toThrow(/takes no more bytes/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await opened.close();
    await refused;
  });
});
