/** Boards are data: `boards/<id>/board.json`. Adding one touches nothing else. */
import { readdirSync, readFileSync } from "node:fs";
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

const ownFolder = (): string => packageFile("boards");

/** Ids of every board, sorted. `folder` holds one folder per board; the package's own by default. */
export function listBoardIds(folder = ownFolder()): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Every board, sorted by id. */
export function listBoards(folder = ownFolder()): Board[] {
  return listBoardIds(folder).map((id) => findBoard(id, folder));
}

/**
 * The board with this id. Throws `targets/unknown-board` with the closest id, or `targets/bad-board` with every problem
 * of its file (both exit 2).
 */
export function findBoard(id: string, folder = ownFolder()): Board {
  const ids = listBoardIds(folder);
  if (!ids.includes(id)) throw unknownBoard(id, ids);
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
export function qemuBoard(board: Board, folder = ownFolder()): Board | undefined {
  if (board.qemu === undefined) return undefined;
  if ("machine" in board.qemu) return board;
  const standIn = findBoard(board.qemu.standIn, folder);
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

function unknownBoard(id: string, ids: readonly string[]): BitloomError {
  const close = didYouMean(id, ids);
  const remedy = close === undefined ? `use one of ${ids.join(", ")}` : `did you mean ${close}?`;
  return fail("targets/unknown-board", `there is no board "${printable(id)}"`, { remedy });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw fail("targets/bad-board", `cannot be read: ${printable(String(error), 200)}`, { where: path });
  }
}
