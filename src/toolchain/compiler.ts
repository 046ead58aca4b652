/** Running a C compiler: objects in parallel, then one link. */
import { basename, join } from "node:path";
import { execa } from "execa";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { cacheFolder, compileCached } from "./object-cache.js";
import { armGcc } from "./tools.js";

export interface CompileJob {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

/** Compilers that run side by side: more gain little on small files and starve the user's other work. */
const PARALLEL = 2;
const TIMEOUT_MS = 120_000;
const SHOWN_LINES = 30;

/** Object path of a source: `<folder>/<file>.o`. Assembly never shares its base name with a C file. */
export function objectPath(folder: string, source: string): string {
  return join(folder, basename(source).replace(/\.[cS]$/, ".o"));
}

/** Compiles every job. Throws `toolchain/compile` (exit 1) with the compiler's own words for the first that fails. */
export async function compileAll(compiler: string, jobs: readonly CompileJob[]): Promise<void> {
  const queue = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      try {
        await compileOne(compiler, job);
      } catch (error) {
        queue.length = 0;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  const failed = workers.find((w) => w.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function compileOne(compiler: string, job: CompileJob): Promise<void> {
  const { source, object, flags } = job;
  const compile = async (): Promise<void> => {
    await runTool(compiler, [...flags, "-c", source, "-o", object], "toolchain/compile", source);
  };
  const cache = cacheFolder();
  await (cache === undefined ? compile() : compileCached(cache, compiler, job, compile));
}

/** What a tool's own words mean, where there is more to say than that it failed. */
export type Explain = (said: string) => BitloomError | undefined;

/** Links objects. Throws what `explain` makes of the linker's words, or `toolchain/link` (exit 1). */
export async function link(
  compiler: string,
  args: readonly string[],
  output: string,
  explain?: Explain,
): Promise<void> {
  await runTool(compiler, [...args, "-o", output], "toolchain/link", output, explain);
}

/** The Arm compiler's name and version, e.g. `GCC 12.2.1`: figures that were measured hold for one compiler. */
export async function armGccVersion(): Promise<string> {
  return `GCC ${(await runTool(armGcc(), ["-dumpfullversion"], "toolchain/version", "")).trim()}`;
}

/** Runs a tool to its end and returns its standard output. Throws `code` (exit 1) with what it printed, or `file/enospc` (exit 2). */
export async function runTool(
  tool: string,
  args: readonly string[],
  code: string,
  where: string,
  explain: Explain = () => undefined,
): Promise<string> {
  const result = await execa(tool, args, {
    reject: false,
    timeout: TIMEOUT_MS,
    stdin: "ignore",
    maxBuffer: 256 * 1024 * 1024,
    env: { LC_ALL: "C" },
  });
  if (!result.failed) return result.stdout ?? "";
  const said = (result.stderr ?? "").trim();
  const explained = explain(said);
  if (explained !== undefined) throw explained;
  if (/No space left on device/.test(said)) {
    throw fail("file/enospc", `the disk is full: ${basename(tool)} could not write`, {
      where,
      remedy: "make room in the folder for temporary files, or set TMPDIR to another",
    });
  }
  const reason = result.timedOut
    ? `took more than ${TIMEOUT_MS / 1000} s`
    : firstLines(said || (result.shortMessage ?? "it could not be run"));
  throw fail(code, `${basename(tool)} failed: ${reason}`, { where, exitCode: 1 });
}

function firstLines(text: string): string {
  const lines = text.split("\n");
  const shown = lines.slice(0, SHOWN_LINES).join("\n");
  return lines.length > SHOWN_LINES ? `${shown}\n… ${lines.length - SHOWN_LINES} more lines` : shown;
}
