/** The images that a verification runs, and the one that would be flashed where another machine stands in for the board. */
import { join } from "node:path";
import { type BitloomError, ExitCode, fail } from "./diagnostics/diagnostic.js";
import { type Emulator, hostEmulator } from "./emulators/index.js";
import type { Board } from "./targets/index.js";
import {
  buildFirmware,
  buildHost,
  DoesNotFit,
  type Firmware,
  type LibraryOnDisk,
  type Link,
  roomierBoard,
  shortagesText,
} from "./toolchain/index.js";

export type BuildName = "flash" | "trace";

export interface ImageOptions {
  readonly emulator: Emulator;
  /** Board that runs: the one that was asked for, or its stand-in; the host emulator ignores it. */
  readonly board: Board;
  /**
   * Board that was asked for, where `board` stands in for it. Its own image is linked too, of the same objects: one that does
   * not fit its memories is a failure, whatever the stand-in says.
   */
  readonly target?: Board;
  /** How bytes reach an emulated board: its UART (default), or QEMU's semihosting console, which is faster. */
  readonly link?: Link;
}

export interface Image {
  /** What runs. */
  readonly path: string;
  /** Absent on the host. */
  readonly firmware?: Firmware;
  /** The image for the board that was asked for, where that is another one. */
  readonly own?: Firmware;
}

/** A build that cannot run here, so that nothing is known of it. */
export interface NotChecked {
  readonly build: BuildName;
  /** One sentence, without a full stop. */
  readonly reason: string;
  /** What would check it. */
  readonly remedy: string;
}

/**
 * The build that would be flashed. Throws `DoesNotFit` where it is too large for the board that was asked for,
 * `verify/stand-in-too-small` (exit 1) where it is for the stand-in only, and what `buildFirmware` throws.
 */
export async function flashImageOf(
  library: LibraryOnDisk,
  options: ImageOptions,
  folder: string,
): Promise<Image> {
  const { emulator, board, target } = options;
  if (target === undefined || emulator.id === hostEmulator.id) {
    return buildImage(library, options, join(folder, "flash"), false);
  }
  const own = await buildFirmware({ library, board: target, outDir: join(folder, "own"), trace: false });
  try {
    const outDir = join(folder, "flash");
    return { ...(await buildImage(library, options, outDir, false, own.libraryObjects)), own };
  } catch (error) {
    if (error instanceof DoesNotFit) throw standInTooSmall(error, target, board);
    throw error;
  }
}

/** The build with traces, or why there is none: it needs more memory than the one that would be flashed. */
export async function traceImageOf(
  library: LibraryOnDisk,
  options: ImageOptions,
  folder: string,
): Promise<Image | NotChecked> {
  try {
    return await buildImage(library, options, join(folder, "trace"), true);
  } catch (error) {
    if (!(error instanceof DoesNotFit)) throw error;
    const { board } = options;
    return {
      build: "trace",
      reason: `the build that reports every layer does not fit ${board.id}: ${shortagesText(error.shortages)}; the build that is flashed does not have that code`,
      remedy: traceRemedy(board, error),
    };
  }
}

async function buildImage(
  library: LibraryOnDisk,
  { emulator, board, link = "uart" }: ImageOptions,
  outDir: string,
  trace: boolean,
  libraryObjects?: readonly string[],
): Promise<Image> {
  if (emulator.id === hostEmulator.id) return { path: (await buildHost({ library, outDir, trace })).program };
  const objects = libraryObjects === undefined ? {} : { libraryObjects };
  const firmware = await buildFirmware({ library, board, outDir, trace, link, ...objects });
  return { path: firmware.elf, firmware };
}

function standInTooSmall({ shortages }: DoesNotFit, target: Board, standIn: Board): BitloomError {
  return fail(
    "verify/stand-in-too-small",
    `the image fits, but no emulator here has this board, and its stand-in ${standIn.id} is too small to run it: ${shortagesText(shortages)}; no output was compared`,
    {
      where: target.id,
      remedy:
        target.renode === undefined
          ? "add --emulator host, which runs the same library on this computer"
          : "install Renode, which has this board (`bitloom doctor` says how), or add --emulator host",
      exitCode: ExitCode.checkFailed,
    },
  );
}

function traceRemedy(board: Board, { shortages }: DoesNotFit): string {
  // Another board would have the same stand-in: only one that is a machine itself helps.
  const other = roomierBoard(board, shortages, ({ qemu }) => qemu !== undefined && "machine" in qemu);
  const host = "--emulator host, which runs the same C on this computer";
  if (other === undefined) return `to compare every layer, use ${host}`;
  const room = `${other.cpu.name}, ${Math.floor(other.memories.ram.size / 1024)} KB of RAM`;
  return `to compare every layer, use --board ${other.id} (${room}), or ${host}`;
}
