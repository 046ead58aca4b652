/**
 * Boards are data: `<folder>/<id>/board.json`. Adding one touches nothing else. The package has its own folder, and
 * users may have another: `BITLOOM_BOARDS`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageFile } from "../assets/package-files.js";
import { BitloomError, fail } from "../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../diagnostics/text.js";
import { type BoardFile, boardFile, type uartDrivers } from "./board-file.js";
import { type Cpu, findCpu } from "./cpus.js";

export type UartDriver = (typeof uartDrivers)[number];

/** A range of addresses; both in bytes. */
export interface Memory {
  readonly origin: number;
  readonly size: number;
}

export interface Board extends Omit<BoardFile, "cpu"> {
  readonly cpu: Cpu;
}

/** A board's own QEMU machine. */
export interface QemuMachine {
  readonly machine: string;
  readonly cpu?: string | undefined;
}

/** The folders of boards: the user's first, so that a board there replaces one of the same id. */
function boardFolders(): string[] {
  const users = process.env.BITLOOM_BOARDS;
  return [...(users === undefined || users === "" ? [] : [users]), packageFile("boards")];
}

/** Ids of every board, sorted. `folders` hold one folder per board; the package's own and the user's by default. */
export function listBoardIds(folders = boardFolders()): string[] {
  return [...new Set(folders.flatMap(idsIn))].sort();
}

/** Every board, sorted by id. */
export function listBoards(folders = boardFolders()): Board[] {
  return listBoardIds(folders).map((id) => findBoard(id, folders));
}

/**
 * The board with this id. Throws `targets/unknown-board` with the closest id, `targets/no-folder` where
 * `BITLOOM_BOARDS` is none, or `targets/bad-board` with every problem of its file (all exit 2).
 */
export function findBoard(id: string, folders = boardFolders()): Board {
  const folder = folders.find((f) => idsIn(f).includes(id));
  if (folder === undefined) throw unknownBoard(id, listBoardIds(folders));
  const path = join(folder, id, "board.json");
  const parsed = boardFile.safeParse(readJson(path));
  if (!parsed.success) {
    throw new BitloomError(
      parsed.error.issues.map((issue) => ({
        severity: "error",
        code: "targets/bad-board",
        message: printable(`${issue.path.join(".") || "the file"}: ${issue.message}`, 300),
        where: path,
      })),
    );
  }
  if (parsed.data.id !== id) {
    throw fail("targets/bad-board", `the id is "${parsed.data.id}" but the folder is "${id}"`, {
      where: path,
    });
  }
  return { ...parsed.data, cpu: findCpu(parsed.data.cpu) };
}

function idsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "board.json")))
      .map((entry) => entry.name);
  } catch (error) {
    throw fail(
      "targets/no-folder",
      `cannot be read as a folder of boards: ${printable(String(error), 200)}`,
      {
        where: folder,
        remedy: "set BITLOOM_BOARDS to a folder that has one folder with a board.json per board, or unset it",
      },
    );
  }
}

/** Cores that QEMU 7.2 does not have, and those whose instruction sets contain theirs: images run there unchanged. */
const largerCore: Readonly<Record<string, string>> = {
  "cortex-m0plus": "cortex-m0",
  "cortex-m23": "cortex-m33",
};

/**
 * The board that QEMU runs for this one: itself, or its stand-in with the same core or one that executes all of its
 * instructions. Undefined when QEMU has none. A stand-in has its own memories and UART, so its firmware is built for it,
 * but with the flags of this board's core: the library's objects are those that would be flashed.
 */
export function qemuBoard(board: Board, folders = boardFolders()): Board | undefined {
  if (board.qemu === undefined) return undefined;
  if ("machine" in board.qemu) return board;
  const standIn = findBoard(board.qemu.standIn, folders);
  const isAlike = [board.cpu.id, largerCore[board.cpu.id]].includes(standIn.cpu.id);
  if (!isAlike || standIn.qemu === undefined || !("machine" in standIn.qemu)) {
    throw fail(
      "targets/bad-board",
      `its stand-in ${standIn.id} is not a QEMU machine with a ${board.cpu.name}`,
      {
        where: `board ${board.id}`,
      },
    );
  }
  return { ...standIn, cpu: board.cpu };
}

/** Suggests the board that was mistyped, or those with the word in their id: `pico` is two boards. */
function unknownBoard(id: string, ids: readonly string[]): BitloomError {
  const part = id.toLowerCase();
  const alike = part === "" ? [] : ids.filter((known) => known.includes(part));
  const close = alike.length === 1 ? alike[0] : didYouMean(id, ids);
  const remedy =
    alike.length > 1
      ? `did you mean one of ${alike.join(", ")}?`
      : close === undefined
        ? `use one of ${ids.join(", ")} (\`bitloom boards\` says what they are)`
        : `did you mean ${close}?`;
  return fail("targets/unknown-board", `there is no board "${printable(id)}"`, { remedy });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw fail("targets/bad-board", `cannot be read: ${printable(String(error), 200)}`, { where: path });
  }
}
