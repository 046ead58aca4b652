/** The tables of docs/BOARDS.md, from boards/<id>/board.json. Written by `npm run docs`. */
import { packageFile } from "../src/assets/package-files.js";
import { markdownTable } from "../src/report/markdown-table.js";
import { type Board, listBoards, type Memory } from "../src/targets/index.js";

/** Those of the package: a user's own are none of this document's business. */
const boards = listBoards([packageFile("boards")]);

export const boardTables: Readonly<Record<string, () => string>> = {
  boards: () =>
    markdownTable(
      ["board", "name", "core", "FPU", "flash", "RAM", "emulators", "flashing"],
      boards.map((board) => [
        `\`${board.id}\``,
        board.name,
        board.cpu.name,
        board.fpu,
        memory(board.memories.flash),
        memory(board.memories.ram),
        emulators(board),
        board.flash.map(({ tool }) => tool).join(", ") || "none",
      ]),
    ),
  "serial lines": () =>
    markdownTable(
      ["board", "clock of the core, MHz", "UART", "lines"],
      boards.map(({ id, clock, uart }) => [
        `\`${id}\``,
        `${megahertz(clock.run)} of ${megahertz(clock.max)}`,
        uart.driver,
        uart.pins,
      ]),
    ),
  "further memories": () =>
    markdownTable(
      ["board", "memories that images do not use"],
      boards.flatMap(({ id, memories: { others = [] } }) =>
        others.length === 0
          ? []
          : [[`\`${id}\``, others.map((other) => `${other.name} ${memory(other)}`).join(", ")]],
      ),
    ),
  notes: () =>
    boards.flatMap(({ id, notes = [] }) => notes.map((note) => `* \`${id}\`: ${note}.`)).join("\n"),
};

function memory({ origin, size }: Memory): string {
  return `${size / 1024} KB at ${origin.toString(16).padStart(8, "0").toUpperCase()}`;
}

function megahertz(hertz: number): string {
  return String(hertz / 1e6);
}

function emulators({ qemu, renode }: Board): string {
  const machine = qemu === undefined ? [] : ["machine" in qemu ? "QEMU" : `QEMU as \`${qemu.standIn}\``];
  return [...machine, ...(renode === undefined ? [] : ["Renode"])].join(", ");
}
