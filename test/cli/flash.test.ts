import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { findBoard } from "../../src/targets/index.js";
import { buildFirmware, readElf } from "../../src/toolchain/index.js";
import { writeLibrary } from "../../src/verify.js";
import { runBitloom as bitloom, commandLine } from "../support/bitloom.js";
import { mnistMlp } from "../support/models.js";
import { endTerminals, qemuAtTerminal } from "../support/qemu-terminal.js";
import { repoRoot } from "../support/root.js";
import { describeWith, temporaryFolder } from "../toolchain/toy.js";

const folder = temporaryFolder();
const model = join(repoRoot, "examples/mnist-mlp/model.onnx");

/** A folder with stand-ins for tools, in front of everything else on PATH. */
function stubs(...names: string[]): string {
  const bin = mkdtempSync(join(folder, "bin-"));
  const script = pathToFileURL(join(repoRoot, "test/fixtures/flashers/fake-flasher.mjs")).href;
  for (const name of names) {
    writeFileSync(join(bin, name), `#!${process.execPath}\nimport(${JSON.stringify(script)});\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
const inFront = (bin: string): string => `${bin}${delimiter}${process.env.PATH}`;

describeWith(["arm-none-eabi-gcc"], "flash", () => {
  it("builds a model's firmware and hands it to the tool", async () => {
    const log = join(folder, "calls.jsonl");
    const env = { PATH: inFront(stubs("probe-rs")), FAKE_FLASH_LOG: log };
    const { stdout, exitCode } = await bitloom(
      ["flash", model, "--board", "stm32f4-discovery", "--json"],
      env,
    );
    expect(exitCode).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      ok: true,
      board: "stm32f4-discovery",
      tool: "probe-rs",
      dryRun: false,
      address: 0x08000000,
    });
    const [first] = readFileSync(log, "utf8").split("\n");
    const { args, files } = JSON.parse(first!) as { args: string[]; files: Record<string, string> };
    const image = join(folder, "flashed.elf");
    writeFileSync(image, Buffer.from(files["model.elf"]!, "base64"));
    // What the tool got is what `verify` builds.
    const board = findBoard("stm32f4-discovery");
    const library = writeLibrary(mnistMlp({ name: "model", cpu: board.cpu }), join(folder, "library"));
    const own = await buildFirmware({ library, board, outDir: join(folder, "own"), trace: false });
    expect((await readElf(image)).loads).toEqual((await readElf(own.elf)).loads);
    expect(existsSync(args.at(-1)!)).toBe(false);
  });

  it("copies UF2 to a drive, by --port where it is mounted elsewhere", async () => {
    const drive = join(folder, "RPI-RP2");
    mkdirSync(drive);
    writeFileSync(join(drive, "INFO_UF2.TXT"), "UF2 Bootloader v3.0\n");
    const toDrive = ["flash", model, "--board", "raspberry-pi-pico", "--tool", "uf2", "--port", drive];
    const { stdout, exitCode } = await bitloom(toDrive);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^flashed raspberry-pi-pico with uf2: \d+ bytes at 0x10000000/);
    const file = readFileSync(join(drive, "model.uf2"));
    expect([file.readUInt32LE(12), file.readUInt32LE(28)]).toEqual([0x10000000, 0xe48bff56]);
    rmSync(join(drive, "INFO_UF2.TXT"));
    const gone = await bitloom(toDrive);
    expect(gone.exitCode).toBe(1);
    expect(gone.stderr).toMatch(/flashing\/no-device.*[\s\S]*BOOTSEL/);
  });

  it("refuses an ELF file of another board, and what the tool says becomes exit code 1", async () => {
    const elf = join(folder, "own/model.elf");
    const other = await bitloom(["flash", elf, "--board", "microbit", "--dry-run"]);
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain("it has instructions that a Cortex-M0 lacks");
    const env = {
      PATH: inFront(stubs("st-flash")),
      FAKE_FLASH_SAY: "WARN usb.c: Couldn't find any ST-Link devices\n",
      FAKE_FLASH_EXIT: "255",
    };
    const none = await bitloom(["flash", elf, "--board", "stm32f4-discovery", "--tool", "st-flash"], env);
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toMatch(
      /error\[flashing\/no-probe\]: stm32f4-discovery: st-flash found no debug probe; it said: WARN/,
    );
  });
});

describe("flash without a tool", () => {
  const nothing = { PATH: folder };

  it("ends in 3 and lists every tool that would do", async () => {
    const { stderr, exitCode } = await bitloom(["flash", model, "--board", "stm32f4-discovery"], nothing);
    expect(exitCode).toBe(3);
    for (const tool of ["probe-rs", "OpenOCD", "st-flash", "pyOCD", "J-Link"]) expect(stderr).toContain(tool);
  });

  it("shows what it would run", async () => {
    const args = ["flash", model, "--board", "stm32f4-discovery", "--tool", "openocd", "--dry-run"];
    const { stdout, exitCode } = await bitloom(args, nothing);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "# openocd is not installed",
      expect.stringMatching(
        /^openocd -c 'gdb_port disabled' .* -f interface\/stlink\.cfg -f target\/stm32f4x\.cfg -c 'program \{.*model\.elf\} verify reset exit'$/,
      ),
    ]);
    const json = JSON.parse((await bitloom([...args, "--json"], nothing)).stdout);
    expect(json).toMatchObject({
      ok: true,
      dryRun: true,
      installed: false,
      tool: "openocd",
      steps: [{ program: "openocd" }],
    });
  });

  it.each(["flash", "monitor"])("%s says what it needs, and its help has an example", async (command) => {
    const args = command === "flash" ? [command, model] : [command];
    expect((await bitloom(args)).exitCode).toBe(2);
    const { stdout, exitCode } = await bitloom([command, "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Example:\n {2}bitloom /);
  });
});

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "a board at a serial port", () => {
  endTerminals();

  /** QEMU's microbit with the model's harness, its UART at a pseudo-terminal. */
  async function microbit(trace: boolean): Promise<string> {
    const board = findBoard("microbit");
    const library = writeLibrary(mnistMlp({ name: "model", cpu: board.cpu }), join(folder, `m0-${trace}`));
    const { elf } = await buildFirmware({ library, board, outDir: join(folder, `fw-${trace}`), trace });
    return (await qemuAtTerminal("microbit", elf)).port;
  }

  it.each([
    ["flash", 0],
    ["trace", 5],
  ] as const)("is verified, whichever build it runs: %s", async (build, least) => {
    const port = await microbit(build === "trace");
    const args = [
      "verify",
      model,
      "--board",
      "microbit",
      "--target",
      `serial:${port}`,
      "--count",
      "5",
      "--json",
    ];
    const { stdout, exitCode } = await bitloom(args);
    expect(exitCode).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      passed: true,
      emulator: "serial",
      board: "microbit",
      port,
      builds: [{ build, failedVectors: 0, vectors: 5 }],
    });
    expect(result.builds[0].tensorsCompared).toBeGreaterThanOrEqual(5 * least);
  });

  it("with another model fails, and says what to do", async () => {
    const port = await microbit(false);
    const other = join(repoRoot, "examples/mnist-cnn/model.onnx");
    const { stdout, exitCode } = await bitloom([
      "verify",
      other,
      "--board",
      "microbit",
      "--target",
      `serial:${port}`,
      "--count",
      "1",
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /FAIL: serial microbit[\s\S]*bitloom flash MODEL[\s\S]*problem: serial \S+ runs the model [0-9a-f]{8}, not [0-9a-f]{8}/,
    );
  });

  it("is flashed with both builds first, where that is asked for", async () => {
    const port = await microbit(false);
    const log = join(folder, "both.jsonl");
    // The stand-in flashes nothing, so the board keeps the build without traces, which proves nothing about layers.
    const env = { PATH: inFront(stubs("openocd")), FAKE_FLASH_LOG: log };
    const args = [
      "verify",
      model,
      "--board",
      "microbit",
      "--target",
      `serial:${port}`,
      "--flash",
      "--tool",
      "openocd",
      "--count",
      "2",
      "--json",
    ];
    const { stdout, exitCode } = await bitloom(args, env);
    expect(JSON.parse(stdout).builds).toMatchObject([
      { build: "flash", failedVectors: 0 },
      { build: "trace", failedVectors: 2, tensorsCompared: 0 },
    ]);
    expect(exitCode).toBe(1);
    expect(readFileSync(log, "utf8").trim().split("\n")).toHaveLength(2);
  });

  it("is watched, and Ctrl-C ends that with 0", async () => {
    const port = await microbit(false);
    const watching = execa(
      process.execPath,
      [commandLine, "monitor", "--board", "microbit", "--port", port],
      {
        reject: false,
        timeout: 60_000,
      },
    );
    await new Promise<void>((resolve) => {
      watching.stderr.on("data", (bytes: Buffer) => {
        if (bytes.toString().includes("Ctrl-C ends")) resolve();
      });
    });
    watching.kill("SIGINT");
    expect((await watching).exitCode).toBe(0);
    const { stdout, exitCode } = await bitloom([
      "monitor",
      "--board",
      "microbit",
      "--port",
      port,
      "--timeout",
      "1",
      "--json",
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, port, baud: 115200, frames: [] });
  });

  it("needs a port that there is, and a target that is one", async () => {
    const verify = ["verify", model, "--board", "microbit", "--count", "1", "--target"];
    const absent = await bitloom([...verify, "serial:/dev/no-such-port"]);
    expect(absent.exitCode).toBe(1);
    expect(absent.stderr).toMatch(/serial\/no-port.*no such port/);
    expect((await bitloom([...verify, "jtag"])).exitCode).toBe(2);
    expect((await bitloom(["verify", model, "--target", "serial:/dev/null"])).exitCode).toBe(2);
    expect((await bitloom(["monitor", "--board", "microbit", "--port", "/dev/null"])).exitCode).toBe(1);
    // A port alone says where to listen.
    const alone = await bitloom(["monitor", "--port", "/dev/no-such-port"]);
    expect(alone.stderr).toMatch(/serial\/no-port.*no such port/);
  });
});
