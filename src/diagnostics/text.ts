import type { Diagnostic } from "./diagnostic.js";

/**
 * Makes untrusted text (names from a model file) safe to print: everything that does not print is escaped (controls, marks of
 * direction, breaks of lines), length bounded.
 */
export function printable(text: string, limit = 120): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replace(/\\"/g, '"')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escapedCharacter);
  return escaped.length <= limit ? escaped : `${escaped.slice(0, limit - 1)}…`;
}

/** Longest name that is shown whole. Exporters put what tells nodes apart last, so the middle is left out. */
const NAME_WIDTH = 40;

/** A name of the file, printable and short enough for a column. */
export function shortName(name: string): string {
  const text = printable(name, 200);
  if (text.length <= NAME_WIDTH) return text;
  return `${text.slice(0, 11)}…${text.slice(text.length - (NAME_WIDTH - 12))}`;
}

function escapedCharacter(character: string): string {
  const units = character.split("");
  return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}

/** A shape as people write it: `1×1×28×28`, `scalar` for rank 0. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/** Renders diagnostics for a terminal or log, one block each, most severe first. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const rank = { error: 0, warning: 1, note: 2 };
  return [...diagnostics]
    .sort((a, b) => rank[a.severity] - rank[b.severity])
    .map((d) => {
      const where = d.where === undefined ? "" : `${printable(d.where, 200)}: `;
      const remedy = d.remedy === undefined ? "" : `\n    help: ${d.remedy}`;
      return `${d.severity}[${d.code}]: ${where}${d.message}${remedy}`;
    })
    .join("\n");
}

/** The candidate closest to `word` by edit distance, if it is close enough to be a likely typing error. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
