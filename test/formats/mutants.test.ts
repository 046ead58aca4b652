/**
 * `bitloom compile` on damaged files of every format: it ends with a library or with clear errors (exit code 2), soon, in
 * little memory, and writes nothing but the library. What only damages one format's own structure stands in that format's
 * fuzz test. BITLOOM_SEED replays a run; messages name the seed of their file.
 */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { renderDiagnostics } from "../../src/diagnostics/text.js";
import { CompilePool, type CompileResult } from "../support/compile-pool.js";
import { type DamagedModel, damagedModel, formats } from "../support/damaged-models.js";
import { full } from "../support/models.js";

/** Damaged files per format. */
const FILES = full ? 1000 : 150;
const firstSeed = Number(process.env.BITLOOM_SEED ?? 50_000);
/** One file may take so much processor time, in seconds, and the process so much memory. */
const SLOWEST = 5;
const MEMORY = 500e6;

/** What is wrong with the end of a compilation, if anything is. */
function problems({ files }: DamagedModel, result: CompileResult): string[] {
  if (result.died !== undefined) return [`${result.died}\n${result.stderr}`];
  const wrong: string[] = [];
  if (result.seconds > SLOWEST) wrong.push(`took ${result.seconds} seconds`);
  if (result.peakBytes > MEMORY) wrong.push(`held ${result.peakBytes} bytes`);
  if (result.stderr !== "") wrong.push(`wrote to standard error: ${result.stderr}`);
  const { ok, diagnostics, files: promised = [] } = JSON.parse(result.stdout) as Report;
  if (result.exitCode !== (ok ? 0 : 2)) wrong.push(`exit code ${result.exitCode} with ok = ${ok}`);
  const errors = diagnostics.filter((d) => d.severity === "error");
  if ((errors.length === 0) !== ok) wrong.push(`${errors.length} errors with ok = ${ok}`);
  wrong.push(...diagnostics.flatMap(unclear));
  const expected = ["model", ...Object.keys(files).map((f) => join("model", f))];
  if (ok) expected.push("out", ...promised.map((f) => join("out", f)));
  if (result.files.toSorted().join() !== expected.toSorted().join()) wrong.push(`left ${result.files}`);
  return wrong;
}

interface Report {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly files?: readonly string[];
}

function unclear(diagnostic: Diagnostic): string[] {
  const { code, message, remedy } = diagnostic;
  const text = renderDiagnostics([diagnostic]);
  const wrong = [
    !/^[a-z0-9]+(-[a-z0-9]+)*\/[a-z0-9]+(-[a-z0-9]+)*$/.test(code) && "its code",
    code === "graph/invalid" && "that only the verifier found it",
    message.trim() === "" && "an empty message",
    remedy === "" && "an empty remedy",
    text.length > 3000 && `${text.length} characters`,
    // Lines are this text's own; what came from the file must not add any, nor move the cursor.
    text.split("\n").length !== (remedy === undefined ? 1 : 2) && "line breaks",
    /[^\P{C}\n]|\p{Zl}|\p{Zp}/u.test(text) && "characters that do not print",
    /\bundefined\b|(?<!is )NaN|\[object /.test(text) && "values of the program's own",
  ].filter((w) => w !== false);
  return wrong.map((w) => `${JSON.stringify(text.slice(0, 500))} has ${w}`);
}

const pool = new CompilePool();
afterAll(() => pool.end());

test.each(formats)(`%s: ${FILES} damaged files`, { timeout: FILES * SLOWEST * 1000 }, async (format) => {
  const found: string[] = [];
  const ends = new Map<number, number>();
  await pool.run(
    FILES,
    (i) => damagedModel(format, firstSeed + i),
    (job, result) => {
      ends.set(result.exitCode, (ends.get(result.exitCode) ?? 0) + 1);
      found.push(...problems(job, result).map((problem) => `${job.title}: ${problem}`));
    },
  );
  expect(found).toEqual([]);
  // Both ends are reached, or nothing is tested.
  expect(ends.get(0)).toBeGreaterThan(FILES / 20);
  expect(ends.get(2)).toBeGreaterThan(FILES / 20);
});
