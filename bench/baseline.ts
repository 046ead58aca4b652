/** The committed figures, and what has become worse since. */
import { readFileSync, writeFileSync } from "node:fs";
import { packageFile } from "../src/assets/package-files.js";
import type { Figures } from "../src/tuning/run.js";

/** Figures by layer. */
export type CoreFigures = Readonly<Record<string, Recorded>>;
type Recorded = Pick<
  Figures,
  "kernel" | "instructions" | "cycles" | "codeBytes" | "constantBytes" | "scratchBytes"
>;
/** Figures by compiler and core: other compilers make other code. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, CoreFigures>>>>;

const PATH = packageFile("bench/baseline.json");
/** A figure may grow by this factor: the compiler places code, and a cycle estimate, a little differently. */
const TOLERANCE = 1.01;

export function readBaseline(): Baseline {
  try {
    return JSON.parse(readFileSync(PATH, "utf8")) as Baseline;
  } catch {
    return {};
  }
}

/** Replaces the figures of the layers that were measured and keeps the others. */
export function writeBaseline(compiler: string, core: string, measured: ReadonlyMap<string, Figures>): void {
  const all = readBaseline();
  const figures = { ...all[compiler]?.[core] };
  for (const [id, f] of measured) figures[id] = recorded(f);
  const cores = { ...all[compiler], [core]: sorted(figures) };
  writeFileSync(PATH, `${JSON.stringify(sorted({ ...all, [compiler]: sorted(cores) }), null, 2)}\n`);
}

function recorded(f: Figures): Recorded {
  const { kernel, instructions, cycles, codeBytes, constantBytes, scratchBytes } = f;
  return { kernel, instructions, cycles, codeBytes, constantBytes, scratchBytes };
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One line per figure that is more than 1 % worse than the baseline's, or that the baseline lacks. */
export function regressions(
  before: CoreFigures | undefined,
  measured: ReadonlyMap<string, Figures>,
): string[] {
  return [...measured].flatMap(([id, now]) => {
    const then = before?.[id];
    if (then === undefined) return [`${id}: not in the baseline`];
    const name = then.kernel === now.kernel ? id : `${id} (${then.kernel} -> ${now.kernel})`;
    const worse = (what: string, old: number | null, value: number | null): string[] =>
      old === null || value === null || value <= old * TOLERANCE
        ? []
        : [`${name}: ${what} ${old} -> ${value} (+${((100 * value) / Math.max(old, 1) - 100).toFixed(1)} %)`];
    return [
      ...worse("instructions", then.instructions, now.instructions),
      ...worse("estimated cycles", then.cycles, now.cycles),
      ...worse("flash bytes", then.codeBytes + then.constantBytes, now.codeBytes + now.constantBytes),
      ...worse("scratch bytes", then.scratchBytes, now.scratchBytes),
    ];
  });
}
