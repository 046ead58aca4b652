/** Which of a board's tools is used, and which are installed. */
import { execa } from "execa";
import { BitloomError, fail } from "../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../diagnostics/text.js";
import type { Board } from "../targets/boards.js";
import type { FlashTool } from "../targets/flash-tools.js";
import { findOnPath } from "../toolchain/tools.js";
import { flasherOf, flashers } from "./registry.js";
import type { Flasher } from "./types.js";

export interface InstalledFlasher {
  readonly tool: FlashTool["tool"];
  readonly purpose: string;
  readonly found: boolean;
  readonly path?: string;
  readonly version?: string;
  /** How to get it; also when it is found. */
  readonly remedy: string;
}

/** Whether an entry of a board can be used here: its program is installed, or it needs none. */
export function isUsable(entry: FlashTool): boolean {
  return entry.tool === "uf2" || findOnPath(flasherOf(entry.tool).program) !== undefined;
}

/**
 * The entry of a board for the tool that the user names, or else the first whose program is installed. Throws
 * `flashing/no-tool-for-board` (exit 2) where the board has no tool or not this one, and `flashing/not-installed` (exit 3)
 * with every tool that would do. With `evenAbsent` the choice falls on the first tool where none is installed.
 */
export function chooseTool(board: Board, wanted: string | undefined, evenAbsent = false): FlashTool {
  const first = board.flash[0];
  if (first === undefined) {
    throw fail("flashing/no-tool-for-board", `there is nothing to flash: ${board.name}`, {
      remedy: `use \`bitloom verify --board ${board.id}\`, which runs it in an emulator`,
    });
  }
  const entries = wanted === undefined ? board.flash : [entryOf(board, wanted)];
  const usable = entries.find(isUsable);
  if (usable !== undefined) return usable;
  if (evenAbsent) return entries[0] ?? first;
  throw new BitloomError(
    entries.map((entry) => notInstalled(entry, board)),
    3,
  );
}

function entryOf(board: Board, wanted: string): FlashTool {
  const found = board.flash.find((entry) => entry.tool === wanted);
  if (found !== undefined) return found;
  const tools = board.flash.map((entry) => entry.tool);
  const guess = didYouMean(wanted, tools);
  throw fail("flashing/no-tool-for-board", `${board.id} is not flashed by "${printable(wanted, 30)}"`, {
    remedy: `use one of ${tools.join(", ")}${guess === undefined ? "" : `; did you mean ${guess}?`}`,
  });
}

function notInstalled(entry: FlashTool, board: Board) {
  const need = entry.tool === "uf2" ? undefined : flasherOf(entry.tool).need;
  return {
    severity: "error",
    code: "flashing/not-installed",
    message: `${need?.name ?? entry.tool}, which can flash ${board.id}, is not installed`,
    ...(need === undefined ? {} : { remedy: need.remedy }),
  } as const;
}

/** Every tool, with its version where it tells; for `doctor`. */
export async function probeFlashers(): Promise<InstalledFlasher[]> {
  return Promise.all(flashers.map(probe));
}

async function probe(flasher: Flasher): Promise<InstalledFlasher> {
  const path = findOnPath(flasher.program);
  const about = { tool: flasher.tool, purpose: "flashes boards", remedy: flasher.need.remedy };
  if (path === undefined) return { ...about, found: false };
  const version = await versionOf(flasher, path);
  return { ...about, found: true, path, ...(version === undefined ? {} : { version }) };
}

/** Its version, where it tells. */
export async function versionOf({ version }: Flasher, path: string): Promise<string | undefined> {
  if (version === undefined) return undefined;
  const result = await execa(path, version.args, {
    reject: false,
    all: true,
    timeout: 20_000,
    stdin: "ignore",
    maxBuffer: 1_000_000,
  });
  const found = version.pattern.exec(result.all ?? "")?.[1];
  return found === undefined ? undefined : printable(found, 40);
}
