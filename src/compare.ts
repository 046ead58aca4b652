/**
 * Figures of models on boards against those of a committed file, the baseline: what has grown since. Other compilers make other
 * code, so figures are kept by compiler; everything else is exact and the same on every machine.
 */
import { z } from "zod";
import { fail } from "./diagnostics/diagnostic.js";
import type { Profile } from "./profile.js";

/** What is compared, in bytes and executed instructions of one inference; the mean over the inputs, rounded. */
export const figureNames = ["flashBytes", "arenaBytes", "stackBytes", "instructions"] as const;
export type FigureName = (typeof figureNames)[number];
export type Figures = Readonly<Record<FigureName, number>>;

/** Figures of one model on one board. */
export interface Measured {
  readonly model: string;
  readonly board: string;
  readonly figures: Figures;
}

export interface ComparedRow extends Measured {
  /** Null when the baseline has none for this compiler, model and board. */
  readonly baseline: Figures | null;
  /** Figures that grew by more than is allowed. */
  readonly grown: readonly FigureName[];
}

export interface Comparison {
  readonly compiler: string;
  /** Compilers that the baseline has figures of. */
  readonly knownCompilers: readonly string[];
  /** Percentage by which a figure may grow. */
  readonly maxGrowth: number;
  readonly rows: readonly ComparedRow[];
  /** What the baseline has of this compiler and nobody measured now. */
  readonly notMeasured: readonly { readonly model: string; readonly board: string }[];
  /** No row has grown, and none lacks a baseline: what was not compared has not passed. */
  readonly passed: boolean;
}

const FORMAT = 1;
/** Longest baseline that is read, in characters. */
const LONGEST = 1 << 24;

const figures = z.strictObject({
  flashBytes: z.int().nonnegative(),
  arenaBytes: z.int().nonnegative(),
  stackBytes: z.int().nonnegative(),
  instructions: z.int().nonnegative(),
});
const baselineFile = z.strictObject({
  format: z.literal(FORMAT),
  figures: z.array(
    z.strictObject({
      compiler: z.string().max(100),
      model: z.string().max(100),
      board: z.string().max(100),
      ...figures.shape,
    }),
  ),
});

/** An entry of the file; the file is a list, so that its differences read well. */
export interface BaselineEntry extends Figures {
  readonly compiler: string;
  readonly model: string;
  readonly board: string;
}

export function figuresOf({ total }: Profile): Figures {
  const { flashBytes, arenaBytes, stackBytes, instructions } = total;
  return { flashBytes, arenaBytes, stackBytes, instructions: Math.round(instructions) };
}

/** Reads a baseline. Throws `compare/baseline` (exit 2) for a text that is none. */
export function readBaseline(text: string, where: string): BaselineEntry[] {
  const parsed = baselineFile.safeParse(text.length > LONGEST ? undefined : parseJson(text));
  if (parsed.success) return parsed.data.figures;
  const [issue] = parsed.error.issues;
  const problem =
    issue === undefined || issue.path.length === 0 ? "" : `: ${issue.path.join(".")} ${issue.message}`;
  throw fail("compare/baseline", `this is no baseline of bitloom compare${problem}`, {
    where,
    remedy: "restore it from version control, or remove it and make it again with --update",
  });
}

/** The text of a baseline in which what was measured replaces what it had of the same; the rest stays. */
export function writeBaseline(
  before: readonly BaselineEntry[],
  compiler: string,
  measured: readonly Measured[],
): string {
  const entries = new Map(before.map((entry) => [keyOf(entry), entry]));
  for (const { model, board, figures: own } of measured) {
    const entry = { compiler, model, board, ...own };
    entries.set(keyOf(entry), entry);
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  // One line an entry: a change of one model on one board is a change of one line.
  const lines = sorted.map(
    ({ compiler: by, model, board, flashBytes, arenaBytes, stackBytes, instructions }) =>
      `    ${JSON.stringify({ compiler: by, model, board, flashBytes, arenaBytes, stackBytes, instructions })}`,
  );
  return `{\n  "format": ${FORMAT},\n  "figures": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** Compares with the entries of the same compiler. `maxGrowth` in per cent. */
export function compareFigures(
  entries: readonly BaselineEntry[],
  compiler: string,
  measured: readonly Measured[],
  maxGrowth: number,
): Comparison {
  const own = entries.filter((entry) => entry.compiler === compiler);
  const known = new Map(own.map((entry) => [keyOf(entry), entry]));
  const keys = new Set(measured.map((m) => keyOf({ compiler, ...m })));
  const rows = measured.map((m): ComparedRow => {
    const entry = known.get(keyOf({ compiler, ...m }));
    if (entry === undefined) return { ...m, baseline: null, grown: [] };
    const { flashBytes, arenaBytes, stackBytes, instructions } = entry;
    const grown = figureNames.filter((name) => m.figures[name] > entry[name] * (1 + maxGrowth / 100));
    return { ...m, baseline: { flashBytes, arenaBytes, stackBytes, instructions }, grown };
  });
  return {
    compiler,
    knownCompilers: [...new Set(entries.map((entry) => entry.compiler))].sort(),
    maxGrowth,
    rows,
    notMeasured: own.filter((entry) => !keys.has(keyOf(entry))).map(({ model, board }) => ({ model, board })),
    passed: rows.every((row) => row.baseline !== null && row.grown.length === 0),
  };
}

function keyOf({ compiler, model, board }: Pick<BaselineEntry, "compiler" | "model" | "board">): string {
  return JSON.stringify([compiler, model, board]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
