import { Command } from "commander";
import { textTable } from "../report/table.js";
import { type Board, findBoard, listBoards, qemuBoard } from "../targets/index.js";
import { present } from "./output.js";

export function boardsCommand(): Command {
  return new Command("boards")
    .description("list the boards that bitloom knows, or show one")
    .argument("[id]", "board to show in full")
    .option("--json", "print one JSON object", false)
    .addHelpText("after", "\nExample:\n  bitloom boards microbit\n")
    .action((id: string | undefined, options: { json: boolean }) => present(options.json, () => run(id)));
}

function run(id: string | undefined) {
  if (id !== undefined) {
    const board = findBoard(id);
    // Says so where its stand-in cannot stand in.
    qemuBoard(board);
    return { text: JSON.stringify(board, hexAddresses, 2), json: { board } };
  }
  const boards = listBoards();
  const rows = boards.map((b) => [
    b.id,
    b.name,
    b.cpu.name,
    kilobytes(b.memories.flash.size),
    kilobytes(b.memories.ram.size),
    emulators(b),
  ]);
  return { text: textTable(["board", "name", "core", "flash", "RAM", "emulators"], rows), json: { boards } };
}

/** For people: addresses and bits of registers as in the board's file and in reference manuals. */
const IN_HEX = new Set(["origin", "base", "register", "bits", "clear", "write", "mask", "is"]);

function hexAddresses(key: string, value: unknown): unknown {
  if (typeof value !== "number" || !IN_HEX.has(key)) return value;
  return `0x${value.toString(16).toUpperCase().padStart(8, "0")}`;
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KB`;
}

function emulators(board: Board): string {
  const qemu =
    board.qemu === undefined ? [] : ["machine" in board.qemu ? "QEMU" : `QEMU (as ${board.qemu.standIn})`];
  return [...qemu, ...(board.renode === undefined ? [] : ["Renode"])].join(", ");
}
