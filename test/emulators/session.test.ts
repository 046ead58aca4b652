import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Machine, type RunOptions, runVectors, type VectorResult } from "../../src/emulators/index.js";
import { startProcess } from "../../src/emulators/process-machine.js";
import { buildHost } from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy, toyInputs, toyReference } from "../toolchain/toy.js";

const fixtures = join(import.meta.dirname, "../fixtures/firmware");
const input = new Uint8Array(4);

function fake(mode: string): Machine {
  return startProcess("fake", process.execPath, [join(fixtures, "fake-emulator.mjs"), mode]);
}

async function collect(
  machine: Machine,
  inputs: readonly Uint8Array[],
  options: RunOptions,
): Promise<VectorResult[]> {
  const results: VectorResult[] = [];
  for await (const result of runVectors(machine, inputs, options)) results.push(result);
  return results;
}

/** Milliseconds for those that never answer; the others answer as soon as a busy computer has started them. */
const patience: Readonly<Record<string, number>> = { hang: 1000, garbage: 4000 };

async function failure(
  mode: string,
  options: RunOptions = {},
): Promise<{ code: string; message: string; exitCode: number }> {
  const machine = fake(mode);
  try {
    await collect(machine, [input], {
      timeoutMs: patience[mode] ?? 15_000,
      acceptTimeoutMs: 200,
      ...options,
    });
  } catch (error) {
    const { diagnostics, exitCode } = error as {
      diagnostics: { code: string; message: string }[];
      exitCode: number;
    };
    // However it ended, its process is gone.
    await machine.ended;
    return { ...diagnostics[0]!, exitCode };
  }
  throw new Error("it should have failed");
}

describe("a broken emulator", () => {
  it.each([
    ["hang", "emulator/timeout", /did not send HELLO within 1 s; last seen: no frame/],
    [
      "garbage",
      "emulator/timeout",
      /HELLO within 4 s; last seen: no frame; \d+ bytes were part of no frame; last bytes .*U-Boot/,
    ],
    ["crash", "emulator/ended", /exited with status 3 before it was told to;.*it said: fake: fatal: Lockup/],
    ["signal", "emulator/ended", /was killed by SIGSEGV/],
    ["crash-later", "emulator/ended", /exited with status 7.*last seen: HELLO 0/],
    ["old-protocol", "emulator/wrong-firmware", /speaks version 9 of the protocol, not 1/],
    ["bad-init", "emulator/selftest", /could not initialise: status -1/],
    ["bad-selftest", "emulator/selftest", /did not pass its self-test: status -3/],
    ["no-answer", "emulator/not-accepted", /did not accept request 1 in 4 attempts; last seen: HELLO 0/],
    ["rejects", "emulator/not-accepted", /last seen: REJECTED 0/],
    ["short-result", "protocol/wrong-length", /5 bytes of payload instead of/],
    ["too-many-traces", "protocol/too-many-traces", /traced 3 tensors but says that it has 0/],
  ])("that does %s", async (mode, code, message) => {
    const error = await failure(mode);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code, exitCode: 1 });
  });

  it("that does not exist", async () => {
    const machine = startProcess("missing", "/does/not/exist", []);
    await expect(collect(machine, [input], { timeoutMs: 1000 })).rejects.toThrow(/could not be started/);
  });

  it("runs another model", async () => {
    const error = await failure("no-answer", { modelCrc: 0xabcd });
    expect(error.message).toBe("fake runs the model 00001234, not 0000abcd");
  });
});

describe("a session", () => {
  it("refuses an input of the wrong size", async () => {
    await expect(collect(fake("no-answer"), [new Uint8Array(5)], {})).rejects.toMatchObject({ exitCode: 2 });
  });

  it("stops the machine when the signal is aborted", async () => {
    const controller = new AbortController();
    const script = join(fixtures, "fake-emulator.mjs");
    const machine = startProcess("fake", process.execPath, [script, "hang"], { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await machine.ended).toMatchObject({ stopped: true });
  });
});

describeWith(["cc"], "a line that loses bytes", () => {
  const folder = temporaryFolder();
  const inputs = toyInputs(5);
  const line = async (to: string, from: string): Promise<Machine> => {
    const { program } = await buildHost({ library: toy, outDir: folder, trace: true });
    return startProcess("lossy", process.execPath, [join(fixtures, "lossy-line.mjs"), program, to, from]);
  };

  // The second REQUEST begins at byte 3149, the first RESULT behind HELLO (49) and ACCEPTED (13).
  it.each([
    ["in a payload to the machine", "4000", ""],
    ["in a sync to the machine", "3149", ""],
    ["in an ACCEPTED", "", "52"],
    ["in a RESULT", "", "100"],
    ["everywhere", "5,4000,9000", "70,300"],
  ])("%s still gives every result", async (_where, to, from) => {
    const results = await collect(await line(to, from), inputs, { timeoutMs: 4000, acceptTimeoutMs: 150 });
    expect(results.map((r) => [r.index, ...r.output])).toEqual(
      inputs.map((bytes, index) => [index, ...toyReference(bytes).scores]),
    );
  });
});
