/**
 * A process that runs `bitloom compile` on one damaged file after another, as the command line does, and reports what each
 * took: a crash, an endless loop or a lack of memory ends this process and not the tests. Started by `compile-pool.ts`.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileCommand } from "../../src/cli/compile.js";
import type { CompileJob, CompileResult } from "./compile-pool.js";

/** Files come and go in this folder only, and it is the working folder. */
const folder = process.cwd();

/** What the standard streams get while a command runs. */
async function captured(work: () => Promise<unknown>): Promise<{ stdout: string; stderr: string }> {
  const written = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"] as const;
  const original = streams.map((name) => process[name].write);
  for (const name of streams) {
    process[name].write = (chunk: string | Uint8Array): boolean => {
      written[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      return true;
    };
  }
  try {
    await work();
    return written;
  } finally {
    for (const [i, name] of streams.entries()) process[name].write = original[i]!;
  }
}

/** Linux forgets the greatest memory so far when asked to; elsewhere it stays that of all files together. */
function forgetPeak(): void {
  if (process.memoryUsage.rss() > 200e6) globalThis.gc?.();
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not Linux.
  }
}

async function run({ files, model, args }: CompileJob): Promise<CompileResult> {
  rmSync(join(folder, "model"), { recursive: true, force: true });
  rmSync(join(folder, "out"), { recursive: true, force: true });
  mkdirSync(join(folder, "model"));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, "model", name), bytes);
  forgetPeak();
  const start = process.cpuUsage();
  const all = [join("model", model), "-o", "out", "--json", ...args];
  process.exitCode = undefined;
  let thrown: string | undefined;
  const { stdout, stderr } = await captured(async () => {
    try {
      await compileCommand().exitOverride().parseAsync(all, { from: "user" });
    } catch (error) {
      thrown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  });
  const exitCode = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  const { user, system } = process.cpuUsage(start);
  return {
    exitCode,
    stdout,
    stderr,
    ...(thrown === undefined ? {} : { died: thrown }),
    seconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    files: readdirSync(folder, { recursive: true, encoding: "utf8" }),
  };
}

process.on("message", (job: CompileJob) => {
  void run(job).then((result) => process.send?.(result));
});
process.send?.("ready");
