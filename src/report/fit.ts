/** Which boards can run a model, as text for a terminal and as Markdown for documents. */
import { type BoardFit, DOES_NOT_FIT, type Need, NOT_ASKED_FOR, type Tried } from "../fit.js";
import { markdownTable } from "./markdown-table.js";
import { textTable } from "./table.js";

const ORDER: readonly BoardFit["fits"][] = ["yes", "maybe", "no"];

/** Boards that can run the model first. */
export function fitText(model: string, rows: readonly BoardFit[]): string {
  const sorted = ORDER.flatMap((fits) => rows.filter((row) => row.fits === fits));
  const table = sorted.map((row) => [
    row.fits,
    row.board.id,
    row.board.cpu.name,
    need(row.flash),
    need(row.ram),
    triedText(row.qemu),
    triedText(row.renode),
    tools(row),
  ]);
  const head = ["fits", "board", "core", "flash, bytes", "RAM, bytes", "QEMU", "Renode", "flashed by"];
  const [only] = rows;
  return [
    textTable(head, table),
    "",
    ...problems(sorted),
    ...spaced(sorted.flatMap(memoryLines)),
    ...(rows.length === 1 && only !== undefined ? flashingText(only) : []),
    summary(model, rows),
    ...hints(rows),
  ].join("\n");
}

/** Two tables: what fits and what the emulators said, and the commands that flash each board. */
export function fitMarkdown(model: string, rows: readonly BoardFit[]): string {
  const matrix = rows.map((row) => [
    `\`${row.board.id}\``,
    row.board.cpu.name,
    row.fits,
    need(row.flash),
    need(row.ram),
    triedText(row.qemu),
    triedText(row.renode),
  ]);
  const commands = rows.flatMap(({ board, flashing }) =>
    flashing.map(({ tool, lines }) => [`\`${board.id}\``, tool, lines.map(code).join("<br>")]),
  );
  return [
    markdownTable(["board", "core", "fits", "flash, bytes", "RAM, bytes", "QEMU", "Renode"], matrix),
    "",
    ...problems(rows),
    ...rows.flatMap(memoryLines).map((line) => `* ${line}`),
    ...(rows.some((row) => memoryLines(row).length > 0) ? [""] : []),
    summary(model, rows),
    "",
    markdownTable(["board", "tool", "`bitloom flash --dry-run`"], commands),
    "",
  ].join("\n");
}

function need({ needed, size }: Need): string {
  return `${needed} of ${size}`;
}

/** One cell: the verdict, and the machine where it is not the board itself. */
function triedText({ verdict, machine, isStandIn, tracesCompared, detail }: Tried): string {
  const as = isStandIn ? ` as ${machine}` : ` ${machine}`;
  if (verdict === "none") return "no platform";
  if (verdict === "skipped") {
    if (detail === NOT_ASKED_FOR) return isStandIn ? `as ${machine}` : "has it";
    return detail === DOES_NOT_FIT ? "not run" : `skipped: ${detail}`;
  }
  return `${verdict}${as}${verdict === "passed" && !tracesCompared ? ", no traces" : ""}`;
}

/** What the machines said that failed, each once. */
function problems(rows: readonly BoardFit[]): string[] {
  const failed = rows.flatMap(({ qemu, renode }) => [qemu, renode].filter((t) => t.verdict === "failed"));
  const lines = new Set(failed.map(({ machine, detail }) => `FAILED in ${machine}: ${detail}`));
  return lines.size === 0 ? [] : [...lines, ""];
}

/** Where the working memory lies, if not in the memory for data and stack, or how it would have room. */
function memoryLines({ board, arena, banks }: BoardFit): string[] {
  if (banks !== null) {
    const sizes = banks.map(({ bytes }) => `${bytes / 1024}K`).join(",");
    const names = banks.map(({ memory }) => memory).join(", ");
    return [`${board.id}: no memory has room for the arena; --arena-banks ${sizes} has, in ${names}`];
  }
  if (arena.every(({ memory }) => memory === null || memory === "ram")) return [];
  if (arena.length === 1) {
    return [`${board.id}: the arena (${arena[0]!.bytes} bytes) has room in ${arena[0]!.memory}, not in ram`];
  }
  const parts = arena.map(({ bytes, memory }, i) => `bank ${i} (${bytes} bytes) in ${memory}`);
  return [`${board.id}: ${parts.join(", ")}`];
}

function spaced(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [...lines, ""];
}

function tools({ flashing }: BoardFit): string {
  return flashing.length === 0 ? "none" : flashing.map(({ tool }) => tool).join(", ");
}

function flashingText({ flashing }: BoardFit): string[] {
  return flashing.flatMap(({ tool, installed, lines }) => [
    `${tool}${installed ? "" : " (not installed)"}:`,
    ...lines.map((line) => `  ${line}`),
    "",
  ]);
}

function summary(model: string, rows: readonly BoardFit[]): string {
  const count = (fits: BoardFit["fits"]): number => rows.filter((row) => row.fits === fits).length;
  const ran = rows.flatMap(({ qemu, renode }) => [qemu, renode]);
  const passed = rows.filter((row) => [row.qemu, row.renode].some((t) => t.verdict === "passed")).length;
  const failed = ran.filter((t) => t.verdict === "failed").length;
  const maybe = count("maybe") > 0 ? `, ${count("maybe")} more may have` : "";
  const verified =
    passed + failed > 0 ? `; ${passed} verified bit for bit in an emulator, ${failed} runs failed` : "";
  return `${count("yes")} of ${rows.length} boards have room for ${model}${maybe}${verified}.`;
}

function hints(rows: readonly BoardFit[]): string[] {
  const isLinked = rows.some((row) => row.linked);
  const isRun = rows.some((row) =>
    [row.qemu, row.renode].some(
      (t) => t.detail !== NOT_ASKED_FOR && t.verdict !== "none" && row.fits !== "no",
    ),
  );
  return [
    isLinked
      ? "Figures are those of a linked image with the test harness and its stack."
      : "Figures are weights, and arena with input and output; code and stack come on top. --build links an image for each board.",
    ...(isRun
      ? []
      : ["--verify runs the images in QEMU, and in Renode where it is installed, and compares every bit."]),
    ...(rows.some((row) => memoryLines(row).length > 0)
      ? ["A section for the arena or a bank places it in another memory: see docs/C-API.md, The arena."]
      : []),
    ...(rows.length > 1 ? ["With one --board, the commands that flash it are shown too."] : []),
  ];
}

/** A line of code in a cell. */
function code(line: string): string {
  return `\`${line.replaceAll("|", "\\|")}\``;
}
