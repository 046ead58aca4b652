/** A comparison with the baseline, as text and as Markdown for a pull request. */
import type { ComparedRow, Comparison, FigureName } from "../compare.js";
import { figureNames } from "../compare.js";
import { printable } from "../diagnostics/text.js";
import { textTable } from "./table.js";

/** By this first line the generated workflow finds its own comment again. */
export const COMMENT_MARK = "<!-- bitloom compare -->";

const titles: Readonly<Record<FigureName, string>> = {
  flashBytes: "flash B",
  arenaBytes: "arena B",
  stackBytes: "stack B",
  instructions: "instructions",
};

/** `updated`: the measured figures are the baseline now. */
export function comparisonText(comparison: Comparison, updated = false): string {
  const head = ["", "model", "board", ...figureNames.map((name) => titles[name])];
  const rows = comparison.rows.map((row) => [
    row.baseline === null ? "new" : row.grown.length > 0 ? "GREW" : "ok",
    row.model,
    row.board,
    ...figureNames.map((name) => change(row, name)),
  ]);
  const word = updated ? "UPDATED" : comparison.passed ? "PASS" : "FAIL";
  return [
    textTable(head, rows),
    "",
    `${word}: ${updated ? "the baseline has these figures now" : verdict(comparison)}`,
    ...notes(comparison, updated),
  ].join("\n");
}

export function comparisonMarkdown(comparison: Comparison): string {
  const bold = (row: ComparedRow, name: FigureName): string =>
    row.grown.includes(name) ? `**${change(row, name)}**` : change(row, name);
  return [
    COMMENT_MARK,
    `### bitloom: ${verdict(comparison)}`,
    "",
    `| model | board | ${figureNames.map((name) => titles[name]).join(" | ")} |`,
    `|---|---|${figureNames.map(() => "---:|").join("")}`,
    ...comparison.rows.map(
      (row) =>
        `| ${cell(row.model)} | ${cell(row.board)} | ${figureNames.map((name) => bold(row, name)).join(" | ")} |`,
    ),
    "",
    ...notes(comparison).map((note) => `${note}\n`),
  ].join("\n");
}

function verdict({ rows, passed, maxGrowth }: Comparison): string {
  const grown = rows.reduce((total, row) => total + row.grown.length, 0);
  const unknown = rows.filter((row) => row.baseline === null).length;
  if (passed) return `no figure grew by more than ${maxGrowth} %`;
  return [
    ...(grown > 0 ? [`${grown} figure${grown === 1 ? "" : "s"} grew by more than ${maxGrowth} %`] : []),
    ...(unknown > 0 ? [`${unknown} of ${rows.length} are not in the baseline`] : []),
  ].join(", ");
}

function notes({ rows, compiler, knownCompilers, notMeasured }: Comparison, updated = false): string[] {
  const lines = [`Compiled by ${compiler}; instructions of one inference, counted in the emulator.`];
  if (!updated && rows.some((row) => row.baseline === null)) {
    const others = knownCompilers.filter((known) => known !== compiler);
    lines.push(
      others.length > 0 && !knownCompilers.includes(compiler)
        ? `The baseline has figures of ${others.map((c) => printable(c, 60)).join(", ")} only: add these with --update and commit it.`
        : "Add what is new to the baseline with --update and commit it.",
    );
  }
  if (notMeasured.length > 0) {
    const names = notMeasured.map(({ model, board }) => `${printable(model, 60)} on ${printable(board, 60)}`);
    lines.push(`In the baseline, but not measured now: ${names.join(", ")}.`);
  }
  return lines;
}

/** `35012`, or `35012 → 35500 (+1.4 %)` where it changed. */
function change({ figures, baseline }: ComparedRow, name: FigureName): string {
  const now = figures[name];
  const then = baseline?.[name];
  if (then === undefined) return baseline === null ? `${now} (new)` : `${now}`;
  if (then === now) return `${now}`;
  const percent =
    then === 0 ? "" : ` (${now > then ? "+" : "−"}${((100 * Math.abs(now - then)) / then).toFixed(1)} %)`;
  return `${then} → ${now}${percent}`;
}

/** Names are C identifiers and ids of boards; whatever else a file may hold shall not end the cell. */
function cell(text: string): string {
  return printable(text, 60).replace(/[|<>[\]`*_\\]/g, (character) => `\\${character}`);
}
