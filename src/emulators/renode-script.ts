/** The files that Renode reads to set up a board: a script and a platform description. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { render } from "../assets/templates.js";
import { fail } from "../diagnostics/diagnostic.js";
import type { Board } from "../targets/boards.js";
import { temporaryFolder } from "../toolchain/at-exit.js";

/** What the script prints last. */
export const LOADED = "bitloom-loaded";

type RenodeChange = NonNullable<NonNullable<Board["renode"]>["changes"]>[number];

const LOG_TAIL = 1000;

export interface RenodeFolder {
  /** Path of the script to include. */
  readonly script: string;
  /** The end of Renode's log since the script ran; empty when there is none. */
  logTail(): string;
  remove(): void;
}

/** Writes script, platform and image into a folder of their own: the script finds its neighbours by `$ORIGIN`. */
export async function makeRenodeFolder(
  image: string,
  board: Board,
  port: number,
  hooks: readonly string[] = [],
): Promise<RenodeFolder> {
  const { path: folder, remove } = temporaryFolder(`bitloom-renode-${process.pid}-`);
  try {
    const script = join(folder, "run.resc");
    await writeFile(script, renodeScript(board, port, hooks));
    await writeFile(join(folder, "board.repl"), renodePlatform(board, "own"));
    await copyFile(image, join(folder, "image.elf"));
    const log = join(folder, "renode.log");
    return { script, remove, logTail: () => tailOf(log) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The Monitor script that loads `image.elf`, opens the UART on `port` and sets hooks. */
export function renodeScript(board: Board, port: number, hooks: readonly string[] = []): string {
  return render("renode/run.resc", { board: board.id, uart: renodeOf(board).uart, port, hooks });
}

/** The platform description of a board: Renode's own, with the board's changes for bitloom's images or for users' firmware. */
export function renodePlatform(board: Board, images: "own" | "users"): string {
  const { platform, memories = {} } = renodeOf(board);
  const changes = renodeChanges(board, images);
  const kinds = ["flash", "ram"] as const;
  const resized = kinds.flatMap((kind) => {
    const peripheral = memories[kind];
    const { origin, size } = board.memories[kind];
    return peripheral === undefined ? [] : [{ peripheral, origin: hex(origin), size: hex(size) }];
  });
  return render("renode/board.repl", { name: board.id, platform, memories: resized, changes });
}

/** A board's changes to Renode's platform that are no resized memories. */
export function renodeChanges(board: Board, images: "own" | "users"): readonly RenodeChange[] {
  const { changes = [] } = renodeOf(board);
  return changes.filter((change) => images === "own" || change.ownImagesOnly !== true);
}

/** A path as the Monitor reads it: `@`, and blanks escaped. */
export function monitorPath(path: string): string {
  if (/[^\x21-\x7e ]|[;"'`]/.test(path)) {
    throw fail("emulator/path", "Renode cannot be given a path with such characters", {
      where: path,
      remedy: "set TMPDIR to a folder with a plain name",
    });
  }
  return `@${path.replaceAll(" ", "\\ ")}`;
}

function tailOf(path: string): string {
  if (!existsSync(path)) return "";
  const fd = openSync(path, "r");
  try {
    const tail = Buffer.alloc(LOG_TAIL);
    const start = Math.max(0, fstatSync(fd).size - LOG_TAIL);
    return tail.toString("latin1", 0, readSync(fd, tail, 0, LOG_TAIL, start));
  } finally {
    closeSync(fd);
  }
}

function renodeOf(board: Board): NonNullable<Board["renode"]> {
  if (board.renode !== undefined) return board.renode;
  throw fail("emulator/no-machine", `Renode has no platform for the board ${board.id}`, {
    remedy: "use a board that Renode knows (`bitloom boards`), or another emulator",
  });
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
