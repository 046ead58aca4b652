/** Builds a generated library into a firmware that serves the vector protocol, for a board or for this computer. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageFile } from "../assets/package-files.js";
import { render } from "../assets/templates.js";
import type { EnableStep } from "../targets/board-file.js";
import type { Board, UartDriver } from "../targets/boards.js";
import type { Cpu } from "../targets/cpus.js";
import { type CompileJob, compileAll, link, objectPath } from "./compiler.js";
import { DoesNotFit, shortagesOf } from "./does-not-fit.js";
import { readElf } from "./elf.js";
import type { LibraryOnDisk } from "./library.js";
import { estimatedStack, libraryFrames } from "./library-stack.js";
import { memoryUse } from "./size.js";
import { armGcc, hostCc } from "./tools.js";

export type Link = "uart" | "semihosting";

export interface FirmwareOptions {
  readonly library: LibraryOnDisk;
  readonly board: Board;
  /** Folder for objects and the ELF; created. */
  readonly outDir: string;
  /** Reports a hash of every tensor with each result. */
  readonly trace: boolean;
  /**
   * What carries the protocol: the board's UART (default), or QEMU's semihosting console, which is some fifty times faster
   * there. Each emulator says which one it is best at.
   */
  readonly link?: Link;
  /** Bytes of stack; by default what the call graph needs and a reserve. */
  readonly stackBytes?: number;
  /** The library's objects of another build for the same core, with or without traces as this one: linked as they are. */
  readonly libraryObjects?: readonly string[];
}

export interface Firmware {
  /** Path of the linked image. */
  readonly elf: string;
  /** Objects of the library: compiled as for flashing, apart from `BITLOOM_TRACE` in a trace build. */
  readonly libraryObjects: readonly string[];
  /** Bytes of flash and RAM of the whole image; RAM without the stack. */
  readonly flashBytes: number;
  readonly ramBytes: number;
  /** Bytes of RAM that the image reserves for the stack. */
  readonly reservedStackBytes: number;
  /**
   * Bytes of the library's own objects without its self-test: an upper bound, since the linker drops unused functions; without
   * what it takes from the C library.
   */
  readonly library: { readonly flashBytes: number; readonly ramBytes: number };
}

export interface HostOptions {
  readonly library: LibraryOnDisk;
  readonly outDir: string;
  readonly trace: boolean;
  /** Compile with the address and undefined-behaviour sanitizers. */
  readonly sanitize?: boolean;
}

export interface HostProgram {
  /** Path of the program, which speaks the protocol on standard input and output. */
  readonly program: string;
}

/** Flags of a library object on a board, as a user would flash it, without those of the CPU. */
export const LIBRARY_FLAGS: readonly string[] = [
  "-O2",
  "-std=c99",
  "-ffunction-sections",
  "-fdata-sections",
  "-fno-schedule-insns",
];
/** These write files beside the objects and do not change them. */
const STACK_FLAGS = ["-fstack-usage", "-fcallgraph-info=su"];
/** `gnu99` for the harness: it has assembly in it. */
export const HARNESS_FLAGS: readonly string[] = [
  "-O2",
  "-std=gnu99",
  "-ffunction-sections",
  "-fdata-sections",
  "-ffreestanding",
];

const driverSource: Readonly<Record<UartDriver, string>> = {
  cmsdk: "uart_cmsdk.c",
  pl011: "uart_pl011.c",
  "nrf-uart": "uart_nrf.c",
  "nrf-uarte": "uart_nrf_uarte.c",
  "stm32-usart-v1": "uart_stm32_v1.c",
  "stm32-usart-v2": "uart_stm32_v2.c",
  "sam-sercom": "uart_sam_sercom.c",
  "imx-lpuart": "uart_imx_lpuart.c",
  "renesas-sci": "uart_renesas_sci.c",
};

const bootSource: Readonly<Record<NonNullable<Board["boot"]>, string>> = {
  rp2040: "boot_rp2040.S",
  rp2350: "boot_rp2350.c",
  imxrt: "boot_imxrt.c",
};

/** Room for frames of the compiler's library, which are known only of the linked image, and the harness's own. */
const STACK_RESERVE = 512;
const LEAST_STACK = 1024;

/**
 * Compiles the library and the harness, and links them for the board's real memories. Throws `toolchain/compile`,
 * `toolchain/link` or `toolchain/does-not-fit` (exit 1), `toolchain/missing` (exit 3).
 */
export async function buildFirmware(options: FirmwareOptions): Promise<Firmware> {
  const { library, board, outDir, trace } = options;
  const gcc = armGcc();
  const cpu = board.cpu.gccFlags;
  await mkdir(outDir, { recursive: true });
  const own = options.libraryObjects ?? (await compileForCpu(library, board.cpu, outDir, trace));
  const reserved =
    options.stackBytes ?? defaultStack(estimatedStack(await libraryFrames(library, own), library.name));
  await writeBoardFiles(board, outDir, reserved, library);
  const driver = options.link === "semihosting" ? "uart_semihosting.c" : driverSource[board.uart.driver];
  const boot = board.boot === undefined ? [] : [bootSource[board.boot]];
  const harness = ["startup.c", "fault.c", driver, ...boot];
  const rest = await compileHarness(gcc, library, outDir, [...cpu, ...HARNESS_FLAGS], trace, harness);
  const elf = join(outDir, `${library.name}.elf`);
  await linkImage(board, outDir, [...rest, ...own], elf);
  return {
    elf,
    libraryObjects: own,
    ...memoryUse(await readElf(elf)),
    library: await librarySize(own),
  };
}

/** The library's objects for a core, as a user would flash them or with traces: what boards with this core link. */
export function compileForCpu(
  library: LibraryOnDisk,
  cpu: Cpu,
  outDir: string,
  trace: boolean,
): Promise<string[]> {
  const flags = [...cpu.gccFlags, ...LIBRARY_FLAGS, ...STACK_FLAGS];
  return compileLibrary(armGcc(), library, outDir, flags, trace);
}

/** Links objects by the script in `outDir` that `writeBoardFiles` wrote. Throws `DoesNotFit` or `toolchain/link` (exit 1). */
export async function linkImage(
  board: Board,
  outDir: string,
  objects: readonly string[],
  elf: string,
): Promise<void> {
  const linking = [
    "-nostartfiles",
    "--specs=nano.specs",
    `-T${join(outDir, "link.ld")}`,
    "-Wl,--gc-sections",
    "-Wl,--fatal-warnings",
  ];
  await link(armGcc(), [...board.cpu.gccFlags, ...linking, ...objects], elf, (said) => {
    const shortages = shortagesOf(said, board);
    return shortages && new DoesNotFit(board, shortages);
  });
}

/** Builds the same harness and library for this computer. Throws like `buildFirmware`. */
export async function buildHost(options: HostOptions): Promise<HostProgram> {
  const { library, outDir, trace } = options;
  const cc = hostCc();
  await mkdir(outDir, { recursive: true });
  const checks =
    options.sanitize === true ? ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"] : [];
  // No fused multiply-adds: the boards have none, and they round differently.
  const own = await compileLibrary(
    cc,
    library,
    outDir,
    ["-O2", "-std=c99", "-ffp-contract=off", ...checks],
    trace,
  );
  const rest = await compileHarness(cc, library, outDir, ["-O2", "-std=gnu99", ...checks], trace, ["host.c"]);
  const program = join(outDir, `${library.name}.host`);
  await link(cc, [...checks, ...rest, ...own, "-lm"], program);
  return { program };
}

async function compileLibrary(
  compiler: string,
  library: LibraryOnDisk,
  outDir: string,
  flags: readonly string[],
  trace: boolean,
): Promise<string[]> {
  const folder = join(outDir, "library");
  await mkdir(folder, { recursive: true });
  const all = [...flags, ...traceFlags(trace), `-I${library.dir}`];
  return compile(
    compiler,
    library.sources.map((source) => ({
      source: join(library.dir, source),
      object: objectPath(folder, source),
      flags: all,
    })),
  );
}

async function compileHarness(
  compiler: string,
  library: LibraryOnDisk,
  outDir: string,
  flags: readonly string[],
  trace: boolean,
  extra: readonly string[],
): Promise<string[]> {
  const folder = join(outDir, "harness");
  await mkdir(folder, { recursive: true });
  const names = { name: library.name, NAME: library.name.toUpperCase() };
  await writeFile(join(outDir, "harness_model.h"), render("harness/harness_model.h", names));
  const all = [
    ...flags,
    ...traceFlags(trace),
    `-I${outDir}`,
    // The library before the harness: a model may be named like one of the harness's headers.
    `-I${library.dir}`,
    `-I${packageFile("templates/harness")}`,
  ];
  return compile(
    compiler,
    ["main.c", "protocol.c", ...extra].map((file) => ({
      source: packageFile(`templates/harness/${file}`),
      object: objectPath(folder, file),
      flags: all,
    })),
  );
}

async function compile(compiler: string, jobs: readonly CompileJob[]): Promise<string[]> {
  await compileAll(compiler, jobs);
  return jobs.map((job) => job.object);
}

function traceFlags(trace: boolean): string[] {
  return trace ? ["-DBITLOOM_TRACE"] : [];
}

function defaultStack(deepest: number): number {
  return Math.max(LEAST_STACK, (deepest + STACK_RESERVE + 7) & ~7);
}

async function librarySize(objects: readonly string[]): Promise<Firmware["library"]> {
  const shipped = objects.filter((o) => !o.endsWith("_selftest.o"));
  const uses = await Promise.all(shipped.map(async (o) => memoryUse(await readElf(o))));
  const sum = (pick: (use: (typeof uses)[number]) => number): number =>
    uses.reduce((total, use) => total + pick(use), 0);
  return { flashBytes: sum((u) => u.flashBytes), ramBytes: sum((u) => u.ramBytes) };
}

/** The library's part of the linker script, which names layers that do not fit; false where it has none. */
async function sectionsOf({ dir, name }: LibraryOnDisk) {
  const path = join(dir, `${name}_sections.ld`);
  if (!existsSync(path)) return false;
  return { NAME: name.toUpperCase(), text: await readFile(path, "utf8") };
}

/** Writes `link.ld` and `harness_board.h`: memories, UART and stack of a board, and where a library's weights lie. */
export async function writeBoardFiles(
  board: Board,
  outDir: string,
  stackBytes: number,
  library?: LibraryOnDisk,
): Promise<void> {
  const { flash, ram } = board.memories;
  const enable = (board.uart.enable ?? []).map((step) => ({
    statement: enableStatement(step),
    why: step.why.replace(/[^A-Za-z0-9 :,.()]/g, " "),
  }));
  const view = {
    name: board.id,
    flashOrigin: hex(flash.origin),
    flashSize: flash.size,
    ramOrigin: hex(ram.origin),
    ramSize: ram.size,
    uartBase: hex(board.uart.base),
    uartClock: board.uart.clock,
    enable,
    enableAll: enable.map((_, i) => `BOARD_ENABLE_${i}`).join(" "),
    stackBytes,
    sections: library === undefined ? false : await sectionsOf(library),
  };
  await writeFile(join(outDir, "harness_board.h"), render("harness/harness_board.h", view));
  await writeFile(join(outDir, "link.ld"), render("harness/link.ld", view));
}

/** What a step of `uart.enable` does, in C. */
function enableStatement(step: EnableStep): string {
  const width = step.width ?? 32;
  const register = `*(volatile uint${width}_t *)${hex(step.register)}U`;
  if ("write" in step) return `${register} = ${hex(step.write)}U;`;
  if ("mask" in step) return `while ((${register} & ${hex(step.mask)}U) != ${hex(step.is)}U) {}`;
  const kept = step.clear === undefined ? register : `(${register} & ~${hex(step.clear)}U)`;
  return `${register} = (uint${width}_t)(${kept} | ${hex(step.bits)}U);`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
