/** Every tool by a stand-in that says what the real one says. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { BitloomError } from "../../src/diagnostics/diagnostic.js";
import {
  chooseTool,
  commandText,
  dryRun,
  flashImage,
  probeFlashers,
  readImage,
} from "../../src/flashing/index.js";
import type { FlashTool } from "../../src/targets/flash-tools.js";
import type { Board } from "../../src/targets/index.js";
import { findBoard, listBoards } from "../../src/targets/index.js";
import { describeWith, temporaryFolder } from "../toolchain/toy.js";
import { type Behaviour, fakeTools, toyImage } from "./support.js";

const folder = temporaryFolder();
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Names of the programs on PATH. */
const programs: Readonly<Record<string, string>> = { jlink: "JLinkExe" };
const programOf = (tool: string): string => programs[tool] ?? tool;

function entryOf(board: Board, tool: string): FlashTool {
  const found = board.flash.find((entry) => entry.tool === tool);
  if (found === undefined) throw new Error(`${board.id} has no ${tool}`);
  return found;
}

async function flash(id: string, tool: string, behaviour: Behaviour, timeoutMs = 20_000) {
  const { board, image } = await toyImage(folder, id);
  const calls = fakeTools(folder, [programOf(tool)], behaviour);
  const port = tool === "bossac" ? "/dev/ttyACM7" : undefined;
  await flashImage(image, { board, entry: entryOf(board, tool), port, timeoutMs });
  return { calls: calls(), image };
}

async function failure(id: string, tool: string, behaviour: Behaviour, timeoutMs?: number) {
  const error = await flash(id, tool, behaviour, timeoutMs).then(
    () => undefined,
    (reason: unknown) => reason as BitloomError,
  );
  if (error === undefined) throw new Error("it should have failed");
  return { ...error.diagnostics[0]!, exitCode: error.exitCode };
}

const temporaryFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith("bitloom-flash-"));

/** Standard output of the tools when all went well. */
const success = {
  "probe-rs": "      Erasing ✔ 100%\n  Programming ✔ 100%\n    Verifying ✔ 100%\n     Finished in 1.42s\n",
  openocd:
    "Open On-Chip Debugger 0.12.0\n** Programming Started **\n** Programming Finished **\n** Verify Started **\n** Verified OK **\n** Resetting Target **\nshutdown command invoked\n",
  pyocd: "0001234 I Erased 4096 bytes (1 sector), programmed 4096 bytes (1 page) [loader]\n",
  "st-flash": "st-flash 1.7.0\nINFO common.c: Flash written and verified! jolly good!\n",
  jlink:
    "Connecting to J-Link via USB...O.K.\nDownloading file [toy.hex]...\nJ-Link: Flash download: Total: 0.888s\nO.K.\n",
  bossac: "Write 8192 bytes to flash (32 pages)\nVerify successful\nDone in 0.029 seconds\n",
  "dfu-util": "Download done.\nFile downloaded successfully\n",
} as const;

describeWith(["arm-none-eabi-gcc"], "a tool that works", () => {
  it("probe-rs gets the image and the chip's name, then starts it", async () => {
    const { calls, image } = await flash("stm32f4-discovery", "probe-rs", { say: success["probe-rs"] });
    const chip = ["--chip", "STM32F407VG"];
    expect(calls.map((call) => call.args)).toEqual([
      ["download", ...chip, "--verify", image.elf],
      ["reset", ...chip],
    ]);
    expect(calls[0]!.files).toEqual({ "toy.elf": readFileSync(image.elf).toString("base64") });
  });

  it("OpenOCD gets its scripts, no ports, and the path in braces", async () => {
    const { calls, image } = await flash("stm32f4-discovery", "openocd", { say: success.openocd });
    const ports = ["gdb_port", "tcl_port", "telnet_port"].flatMap((port) => ["-c", `${port} disabled`]);
    const scripts = ["-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg"];
    expect(calls.map((call) => call.args)).toEqual([
      [...ports, ...scripts, "-c", `program {${image.elf}} verify reset exit`],
    ]);
  });

  it("OpenOCD is told the transport where an interface has several, behind the interface", async () => {
    const { calls } = await flash("nrf52840-dk", "openocd", { say: success.openocd });
    expect(calls[0]!.args.join(" ")).toMatch(
      /-f interface\/\S+ -c transport select swd -f target\/nrf52.cfg/,
    );
  });

  it("pyOCD gets the image and does not wait for a probe", async () => {
    const { calls, image } = await flash("nrf52840-dk", "pyocd", { say: success.pyocd });
    expect(calls.map((call) => call.args)).toEqual([
      ["flash", "--no-wait", "--target", "nrf52840", image.elf],
    ]);
  });

  it("st-flash gets Intel HEX, which says by itself where it belongs", async () => {
    const { calls, image } = await flash("stm32f4-discovery", "st-flash", { say: success["st-flash"] });
    expect(calls[0]!.args.slice(0, -1)).toEqual(["--reset", "--format", "ihex", "write"]);
    const hex = Buffer.from(calls[0]!.files["toy.hex"]!, "base64").toString();
    expect(readHex(hex)).toEqual(bytesOf(image.loads));
  });

  it("J-Link gets a script beside the image", async () => {
    const { calls } = await flash("nrf52840-dk", "jlink", { say: success.jlink });
    const { args, files } = calls[0]!;
    expect(args.slice(0, -1)).toEqual([
      ...["-NoGui", "1", "-ExitOnError", "1", "-Device", "nRF52840_xxAA"],
      ...["-If", "SWD", "-Speed", "4000", "-AutoConnect", "1", "-CommandFile"],
    ]);
    const script = Buffer.from(files["flash.jlink"]!, "base64").toString();
    expect(script).toMatch(/^r\nloadfile "\/.*\/toy\.hex"\nr\ng\nexit\n$/);
  });

  it("bossac gets the bytes behind the bootloader", async () => {
    const { calls, image } = await flash("arduino-zero", "bossac", { say: success.bossac });
    expect(calls[0]!.args.slice(0, -1)).toEqual([
      "--port=/dev/ttyACM7",
      "--offset=0x2000",
      "-e",
      "-w",
      "-v",
      "-R",
    ]);
    expect(image.address).toBe(0x2000);
    expect(readBin(Buffer.from(calls[0]!.files["toy.bin"]!, "base64"), 0x2000)).toMatchObject(
      bytesOf(image.loads),
    );
  });

  it("dfu-util has worked when it says so, whatever its status: a bootloader that starts the image is gone", async () => {
    const { calls } = await flash("arduino-uno-r4-minima", "dfu-util", {
      say: success["dfu-util"],
      exit: 74,
    });
    expect(calls[0]!.args.slice(0, -1)).toEqual(["-d", "2341:0369", "-a", "0", "-R", "-D"]);
    const { board, image } = await toyImage(folder, "stm32f4-discovery");
    const dfuSe = { tool: "dfu-util", vidPid: "0483:df11", alt: 0, address: "0x08000000" } as const;
    const { steps } = dryRun(image, { board, entry: dfuSe }, "/x");
    expect(commandText(steps.at(-1)!)).toBe("dfu-util -d 0483:df11 -a 0 -s 0x08000000:leave -D /x/toy.bin");
  });

  it("leaves no temporary files", () => {
    expect(temporaryFolders()).toEqual([]);
  });
});

/** Bytes by address, as an object that `toMatchObject` compares. */
function bytesOf(
  loads: readonly { readonly address: number; readonly data: Uint8Array }[],
): Record<number, number> {
  const bytes: Record<number, number> = {};
  for (const { address, data } of loads) for (const [i, byte] of data.entries()) bytes[address + i] = byte;
  return bytes;
}

function readBin(data: Uint8Array, address: number): Record<number, number> {
  return bytesOf([{ address, data }]);
}

/** Intel's "Hexadecimal Object File Format Specification", revision A. */
function readHex(text: string): Record<number, number> {
  const bytes: Record<number, number> = {};
  let base = 0;
  for (const line of text.trim().split(/\r?\n/)) {
    const record = Buffer.from(line.slice(1), "hex");
    expect(record.reduce((sum, byte) => sum + byte, 0) & 255).toBe(0);
    const data = record.subarray(4, 4 + record[0]!);
    if (record[3] === 4) base = data.readUInt16BE(0) * 0x10000;
    if (record[3] === 2) base = data.readUInt16BE(0) * 16;
    if (record[3] === 0)
      for (const [i, byte] of data.entries()) bytes[base + record.readUInt16BE(1) + i] = byte;
  }
  return bytes;
}

/**
 * Failures. "seen": printed by the program itself in the version that its adapter names, run without a board; the others are
 * texts of its sources.
 */
const failures: readonly (readonly [
  tool: string,
  board: string,
  code: string,
  say: string,
  remedy: RegExp,
])[] = [
  // probe-rs: util/common_options.rs, util/cli.rs, probe.rs, flashing/error.rs.
  ["probe-rs", "stm32f4-discovery", "no-probe", "Error: No connected probes were found.\n", /data lines/],
  [
    "probe-rs",
    "stm32f4-discovery",
    "many-probes",
    "Available Probes:\n0: STLink V2-1\n1: J-Link\nSelection: ",
    /PROBE_RS_PROBE/,
  ],
  [
    "probe-rs",
    "stm32f4-discovery",
    "unknown-target",
    "Error: The chip 'STM32F407VG' was not found in the database.\n",
    /update probe-rs/,
  ],
  [
    "probe-rs",
    "stm32f4-discovery",
    "no-target",
    "Error: Connecting to the chip was unsuccessful.\n",
    /power/,
  ],
  [
    "probe-rs",
    "stm32f4-discovery",
    "permission",
    "Error: Failed to open probe\n\nCaused by:\n    Permission denied (os error 13)\n",
    /udev/,
  ],
  ["probe-rs", "stm32f4-discovery", "busy", "Error: Probe is already in use\n", /another flasher/],
  ["probe-rs", "stm32f4-discovery", "verify", "Error: Flash content verification failed.\n", /cable/],
  // OpenOCD: seen, seen, seen, seen; src/flash/startup.tcl, src/jtag/core.c, src/jtag/drivers/libusb_helper.c.
  [
    "openocd",
    "stm32f4-discovery",
    "no-probe",
    "Info : clock speed 2000 kHz\nError: open failed\n** OpenOCD init failed **\n",
    /data lines/,
  ],
  [
    "openocd",
    "microbit",
    "no-probe",
    "Error: unable to find a matching CMSIS-DAP device\n** OpenOCD init failed **\n",
    /data lines/,
  ],
  [
    "openocd",
    "nrf52840-dk",
    "no-probe",
    "Error: No J-Link device found\n** OpenOCD init failed **\n",
    /data lines/,
  ],
  [
    "openocd",
    "stm32f4-discovery",
    "unknown-target",
    "embedded:startup.tcl:28: Error: Can't find target/stm32f4x.cfg\n",
    /update OpenOCD/,
  ],
  [
    "openocd",
    "stm32f4-discovery",
    "permission",
    "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed\n",
    /60-openocd\.rules/,
  ],
  [
    "openocd",
    "stm32f4-discovery",
    "busy",
    "Error: libusb_open() failed with LIBUSB_ERROR_BUSY\nError: open failed\n",
    /another flasher/,
  ],
  [
    "openocd",
    "stm32f4-discovery",
    "no-target",
    "Error: init mode failed (unable to connect to the target)\n** OpenOCD init failed **\n",
    /reset line/,
  ],
  [
    "openocd",
    "stm32f4-discovery",
    "wrong-chip",
    "Warn : UNEXPECTED idcode: 0x2ba01477\nError: expected 1 of 1: 0x1ba01477\n",
    /--board/,
  ],
  ["openocd", "stm32f4-discovery", "verify", "** Verify Started **\n** Verify Failed **\n", /cable/],
  // pyOCD: seen; board/board.py, probe/pydapaccess, probe/stlink/constants.py.
  [
    "pyocd",
    "nrf52840-dk",
    "no-probe",
    "No connected debug probes\n0000505 E No target device available [load_cmd]\n",
    /data lines/,
  ],
  [
    "pyocd",
    "stm32f4-discovery",
    "unknown-target",
    "0000300 C Target type stm32f407vgtx not recognized. Use 'pyocd list --targets' to see\n",
    /pyocd pack install stm32f407vgtx/,
  ],
  [
    "pyocd",
    "nrf52840-dk",
    "busy",
    "0000300 C Unable to claim interface for probe 0001 [__main__]\n",
    /another flasher/,
  ],
  ["pyocd", "nrf52840-dk", "no-target", "0000300 C STLink error (9): Get IDCODE error [__main__]\n", /power/],
  // st-flash: seen; src/stlink-lib/usb.c, common.c, common_flash.c.
  [
    "st-flash",
    "stm32f4-discovery",
    "no-probe",
    "st-flash 1.7.0\n2026-11-26T05:42:37 WARN usb.c: Couldn't find any ST-Link devices\n",
    /data lines/,
  ],
  [
    "st-flash",
    "stm32f4-discovery",
    "permission",
    "ERROR usb.c: Could not open USB device 0x0483:0x374b, access error.\nWARN usb.c: Couldn't find any ST-Link devices\n",
    /49-stlinkv/,
  ],
  [
    "st-flash",
    "stm32f4-discovery",
    "busy",
    "WARN usb.c: Stlink usb device found, but unable to claim (probably already in use?)\n",
    /another flasher/,
  ],
  [
    "st-flash",
    "stm32f4-discovery",
    "wrong-chip",
    "WARN common.c: unknown chip id! 0xe0042000\nFailed to connect to target\n",
    /--board/,
  ],
  [
    "st-flash",
    "stm32f4-discovery",
    "no-target",
    "ERROR common.c: Can not connect to target. Please use 'connect under reset' and try again\n",
    /power/,
  ],
  [
    "st-flash",
    "stm32f4-discovery",
    "verify",
    "ERROR common_flash.c: Verification of flash failed at offset: 0\n",
    /cable/,
  ],
  [
    "st-flash",
    "stm32f4-discovery",
    "protected",
    "ERROR common_flash.c: Flash memory is write protected\n",
    /protection/,
  ],
  // J-Link Commander: logs in SEGGER's and Nordic's forums.
  [
    "jlink",
    "nrf52840-dk",
    "no-probe",
    "Connecting to J-Link via USB...FAILED: Cannot connect to J-Link.\n",
    /data lines/,
  ],
  [
    "jlink",
    "nrf52840-dk",
    "no-target",
    "Connecting to J-Link via USB...O.K.\nCannot connect to target.\n",
    /power/,
  ],
  // bossac: seen; src/bossac.cpp, Device.h, Samba.h, Flash.h.
  ["bossac", "arduino-zero", "no-device", "No device found on ttyACM0\n", /reset button twice/],
  ["bossac", "arduino-zero", "wrong-chip", "\nDevice unsupported\n", /--board/],
  ["bossac", "arduino-zero", "no-target", "\nSAM-BA operation failed\n", /reset button twice/],
  ["bossac", "arduino-zero", "verify", "\nVerify failed\nPage errors: 1\nByte errors: 3\n", /cable/],
  // dfu-util: seen; texts in the program.
  [
    "dfu-util",
    "arduino-uno-r4-minima",
    "no-device",
    "dfu-util: Warning: Invalid DFU suffix signature\ndfu-util: No DFU capable USB device available\n",
    /bootloader/,
  ],
  [
    "dfu-util",
    "arduino-uno-r4-minima",
    "permission",
    "dfu-util: Cannot open DFU device 2341:0369 found on devnum 5 (LIBUSB_ERROR_ACCESS)\ndfu-util: No DFU capable USB device available\n",
    /60-dfu-util\.rules/,
  ],
  [
    "dfu-util",
    "arduino-uno-r4-minima",
    "many-probes",
    "dfu-util: More than one DFU capable USB device found! Try `--list' and specify the serial number\n",
    /unplug/,
  ],
];

describeWith(["arm-none-eabi-gcc"], "a tool that fails", () => {
  it.each(failures)("%s on %s: %s", async (tool, board, code, say, remedy) => {
    const error = await failure(board, tool, { say, exit: 1 });
    expect(error).toMatchObject({
      code: `flashing/${code}`,
      where: board,
      exitCode: code === "unknown-target" ? 3 : 1,
      remedy: expect.stringMatching(remedy),
    });
    expect(error.message).toMatch(new RegExp(`^${tool} .*; it said: .`));
  });

  it("is believed by its words where its status is 0", async () => {
    const error = await failure("nrf52840-dk", "jlink", { say: "Cannot connect to target.\n", exit: 0 });
    expect(error.code).toBe("flashing/no-target");
    const silent = await failure("nrf52840-dk", "jlink", { say: "", exit: 0 });
    expect(silent.code).toBe("flashing/failed");
  });

  it("in a way that nobody knows shows the end of what it said, without colours", async () => {
    const error = await failure("stm32f4-discovery", "probe-rs", {
      say: "one\n\u001b[31mthe sky fell\u001b[0m\n",
      exit: 9,
    });
    expect(error).toMatchObject({ code: "flashing/failed", exitCode: 1 });
    expect(error.message).toBe("probe-rs failed; it said: one | the sky fell");
  });

  it("to end is ended", async () => {
    const error = await failure("stm32f4-discovery", "openocd", { say: "waiting\n", hang: true }, 1500);
    expect(error).toMatchObject({
      code: "flashing/timeout",
      exitCode: 1,
      message: "openocd did not end in time; it said: waiting",
    });
    const [call] = readFileSync(join(folder, "calls.jsonl"), "utf8").trim().split("\n");
    const { pid } = JSON.parse(call!) as { pid: number };
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it("leaves no temporary files", () => {
    expect(temporaryFolders()).toEqual([]);
  });
});

describe("the choice of a tool", () => {
  /** Only these are on PATH. */
  const only = (...names: string[]): void => {
    const own = mkdtempSync(join(folder, "only-"));
    fakeTools(own, names);
    vi.stubEnv("PATH", join(own, "bin"));
  };

  it("is the first of the board's that is installed", () => {
    const board = findBoard("stm32f4-discovery");
    only("st-flash", "openocd", "bossac");
    expect(chooseTool(board, undefined).tool).toBe("openocd");
    expect(chooseTool(board, "st-flash").tool).toBe("st-flash");
    only("openocd", "probe-rs");
    expect(chooseTool(board, undefined).tool).toBe(board.flash[0]!.tool);
  });

  it("needs no program for a UF2 drive", () => {
    only();
    expect(chooseTool(findBoard("raspberry-pi-pico"), undefined).tool).toBe("uf2");
  });

  it("ends in 3 with every tool that would do, where none is installed", () => {
    only();
    const board = findBoard("stm32f4-discovery");
    try {
      chooseTool(board, undefined);
      expect.unreachable();
    } catch (error) {
      const { diagnostics, exitCode } = error as BitloomError;
      expect(exitCode).toBe(3);
      expect(diagnostics.map((d) => d.code)).toEqual(board.flash.map(() => "flashing/not-installed"));
      for (const d of diagnostics) expect(d.remedy).toMatch(/install/);
    }
    expect(chooseTool(board, undefined, true).tool).toBe(board.flash[0]!.tool);
  });

  it("ends in 2 for a tool that is not the board's, and for boards that nobody has", () => {
    for (const [board, tool, message] of [
      ["stm32f4-discovery", "bossac", /is not flashed by "bossac"/],
      ["stm32f4-discovery", "opnocd", /is not flashed by/],
      ["mps2-an386", undefined, /nothing to flash/],
    ] as const) {
      try {
        chooseTool(findBoard(board), tool);
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ exitCode: 2 });
        expect((error as BitloomError).message).toMatch(message);
      }
    }
  });

  it("is told by doctor, with versions", async () => {
    fakeTools(mkdtempSync(join(folder, "doctor-")), ["probe-rs", "JLinkExe"], {
      say: "probe-rs 0.29.1 (git commit: 1)\n",
    });
    const found = await probeFlashers();
    expect(found.map((f) => f.tool)).toEqual([
      "probe-rs",
      "openocd",
      "pyocd",
      "st-flash",
      "jlink",
      "bossac",
      "dfu-util",
    ]);
    expect(found[0]).toMatchObject({ found: true, version: "0.29.1" });
    expect(found[4]).toMatchObject({ found: true });
    only();
    expect((await probeFlashers()).map((f) => f.found)).toEqual(found.map(() => false));
  });
});

describeWith(["arm-none-eabi-gcc"], "an image", () => {
  it("for another core, another chip's memory or another processor is refused", async () => {
    const { image } = await toyImage(folder, "stm32f4-discovery");
    await expect(readImage(image.elf, findBoard("stm32f072b-discovery"))).rejects.toMatchObject({
      exitCode: 2,
      diagnostics: [{ code: "flashing/wrong-image", message: expect.stringContaining("a Cortex-M0 lacks") }],
    });
    await expect(readImage(image.elf, findBoard("nrf52840-dk"))).rejects.toThrow(
      /bytes at 0x08000000 \(\.vectors\) are outside/,
    );
    const x86 = Buffer.from(readFileSync(image.elf));
    x86.writeUInt16LE(3, 18);
    const path = join(folder, "x86.elf");
    await (await import("node:fs/promises")).writeFile(path, x86);
    await expect(readImage(path, findBoard("stm32f4-discovery"))).rejects.toThrow(/ELF machine 3/);
  });

  it("that lies in RAM, or is an object file, is refused", async () => {
    const { board } = await toyImage(folder, "stm32f4-discovery");
    mkdirSync(join(folder, "odd"), { recursive: true });
    const source = join(folder, "odd", "x.c");
    await (await import("node:fs/promises")).writeFile(source, "int main(void) { return 3; }\n");
    const object = join(folder, "odd", "x.o");
    await execa("arm-none-eabi-gcc", ["-mcpu=cortex-m4", "-mthumb", "-c", source, "-o", object]);
    await expect(readImage(object, board)).rejects.toThrow(/nothing to load/);
    const inRam = join(folder, "odd", "ram.elf");
    const flags = [
      "-mcpu=cortex-m4",
      "-mthumb",
      "-nostdlib",
      "-Wl,-Ttext=0x20000000",
      "-Wl,-emain",
      "-Wl,-z,max-page-size=4",
    ];
    await execa("arm-none-eabi-gcc", [...flags, object, "-o", inRam]);
    await expect(readImage(inRam, board)).rejects.toThrow(/are not in its flash/);
  });

  it("loads what objcopy says", async () => {
    for (const id of ["stm32f4-discovery", "arduino-zero", "raspberry-pi-pico"]) {
      const { image } = await toyImage(folder, id);
      const hex = join(folder, `${id}.hex`);
      await execa("arm-none-eabi-objcopy", ["-O", "ihex", image.elf, hex]);
      expect(readHex(readFileSync(hex, "utf8"))).toEqual(bytesOf(image.loads));
    }
  });

  it("in a folder with braces in its name is refused for OpenOCD, and quoted for people", () => {
    const board = findBoard("stm32f4-discovery");
    const image = { elf: "/tmp/a {b}/it's.elf", address: 0x08000000 };
    expect(() => dryRun(image, { board, entry: entryOf(board, "openocd") })).toThrow(/no path with braces/);
    const { steps } = dryRun(image, { board, entry: entryOf(board, "probe-rs") });
    expect(commandText(steps[0]!)).toBe(
      "probe-rs download --chip STM32F407VG --verify '/tmp/a {b}/it'\\''s.elf'",
    );
  });

  it("that does not begin where the bootloader looks is refused", () => {
    const board = findBoard("arduino-zero");
    const image = { elf: "/x.elf", address: 0 };
    expect(() => dryRun(image, { board, entry: entryOf(board, "bossac") })).toThrow(/begins at 0x00000000/);
  });
});

describe("a dry run", () => {
  it.each(
    listBoards().flatMap((board) =>
      board.flash.map((entry) => [board.id, entry.tool, board, entry] as const),
    ),
  )("shows what is run for %s by %s", (_id, tool, board, entry) => {
    const image = { elf: "/firmware.elf", address: board.memories.flash.origin };
    const plan = dryRun(image, { board, entry }, "/tmp/x");
    if (tool === "uf2") expect(plan).toMatchObject({ steps: [], image: "/tmp/x/firmware.uf2" });
    else expect(plan.steps.at(-1)!.program).toBe(programOf(tool));
    for (const step of plan.steps) expect(commandText(step).split("\n")).toHaveLength(1);
  });
});
