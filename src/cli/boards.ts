import { Command } from "commander";
import { textTable } from "../report/table.js";
import { type Board, findBoard, listBoards, type Memory, qemuBoard } from "../targets/index.js";
import { present } from "./output.js";

export function boardsCommand(): Command {
  return new Command("boards")
    .description("list the boards that bitloom knows, or show one")
    .argument("[id]", "board to say more of; --json has all that its file holds")
    .option("--json", "print one JSON object", false)
    .addHelpText("after", "\nExample:\n  bitloom boards microbit\n")
    .action((id: string | undefined, options: { json: boolean }) => present(options.json, () => run(id)));
}

function run(id: string | undefined) {
  if (id !== undefined) {
    const board = findBoard(id);
    // Says so where its stand-in cannot stand in.
    qemuBoard(board);
    return { text: boardText(board), json: { board } };
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
  const table = textTable(["board", "name", "core", "flash", "RAM", "emulators"], rows);
  const hints = [
    "QEMU (as X): another machine with the same instructions stands in for the board.",
    "`bitloom fit MODEL` says which of them can run a model, `bitloom boards ID` how one is connected and flashed.",
  ];
  return { text: [table, "", ...hints].join("\n"), json: { boards } };
}

/** What a person with the board on the desk asks. */
function boardText(board: Board): string {
  const { name, cpu, clock, memories, uart, flash, notes = [], sources } = board;
  const megahertz = (hertz: number): string => `${hertz / 1e6} MHz`;
  const lines = [
    ["core", `${cpu.name}, runs at ${megahertz(clock.run)} (up to ${megahertz(clock.max)})`],
    ["flash", range(memories.flash)],
    ["RAM", range(memories.ram)],
    ["serial", `${uart.pins} (115200 baud)`],
    ["emulators", emulators(board) || "none: `--emulator host` runs the library on this computer"],
    ["flashed by", flash.map(({ tool }) => tool).join(", ") || "no tool that bitloom drives"],
    ...notes.map((note) => ["note", note]),
    ...sources.map((source) => ["source", source]),
  ];
  return [
    `${board.id}: ${name}`,
    ...lines.map(([what, text]) => `  ${what!.padEnd(10)}  ${text}`),
    "",
    `bitloom verify MODEL --board ${board.id}   builds for it and compares every bit`,
    ...(flash.length === 0
      ? []
      : [`bitloom flash MODEL --board ${board.id} --dry-run   shows the commands that flash it`]),
  ].join("\n");
}

function range({ origin, size }: Memory): string {
  return `${kilobytes(size)} (${size} bytes) at 0x${origin.toString(16).padStart(8, "0")}`;
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KB`;
}

function emulators(board: Board): string {
  const qemu =
    board.qemu === undefined ? [] : ["machine" in board.qemu ? "QEMU" : `QEMU (as ${board.qemu.standIn})`];
  return [...qemu, ...(board.renode === undefined ? [] : ["Renode"])].join(", ");
}
