/** How the reading of a damaged file ends, in this process: see mutants.ts for whole commands in processes that may die. */
import { afterAll, expect } from "vitest";
import { type CompileOptions, compileModelFile } from "../../src/compile.js";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { readModel } from "../../src/formats/index.js";
import { printGraph } from "../../src/graph/print.js";

/** One file may take this long, in milliseconds, and all of a test file this much memory. */
const SLOWEST = 5000;
const MEMORY = 500e6;

export type End = "library" | "graph" | "error";

/** Expects a library, a graph that cannot be deployed, or a BitloomError with exit code 2 that is no defect of bitloom. */
export function endOf(
  bytes: Uint8Array,
  fileName: string,
  options: CompileOptions = {},
  isCompiled = true,
): End {
  const start = performance.now();
  let end: End = "error";
  try {
    printGraph(readModel(bytes, fileName, options));
    end = "graph";
    if (!isCompiled) return end;
    compileModelFile(bytes, fileName, options);
    return "library";
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.diagnostics.map((d) => d.code)).not.toContain("graph/invalid");
    for (const d of error.diagnostics) expect(d.message.length).toBeLessThan(2000);
    return end;
  } finally {
    expect(performance.now() - start).toBeLessThan(SLOWEST);
  }
}

/** Expects, behind all tests of a file, that they left little memory in use. */
export function expectLittleMemory(): void {
  const before = process.memoryUsage().rss;
  afterAll(() => expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY));
}
