/** Runs many compilations in a few processes that may die: see `compile-worker.ts`. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface CompileJob {
  /** The model file, and those that it names, by their names in one folder. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly model: string;
  /** Options behind `bitloom compile model -o out --json`. */
  readonly args: readonly string[];
}

export interface CompileResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no proper end: an exception that no command may end in, a signal, no answer in time. */
  readonly died?: string;
  /** Processor time, since other tests run beside this one. */
  readonly seconds: number;
  /** The most memory that the process held, its own included. */
  readonly peakBytes: number;
  /** Everything in the working folder afterwards. */
  readonly files: readonly string[];
}

/** Megabytes of JavaScript's own heap. */
const HEAP = 384;
/** Without an answer for so long, in milliseconds, a process is ended. */
const PATIENCE = 60_000;

/** Runs TypeScript in the worker, as Vitest does here. */
const typescript = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const worker = fileURLToPath(new URL("./compile-worker.ts", import.meta.url));

/** One process with a folder of its own, started again after it died. */
class CompileProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), "bitloom-mutants-"));
  #child: ChildProcess | undefined;
  #errors = "";

  async run(job: CompileJob): Promise<CompileResult> {
    const child = await this.#started();
    return new Promise((resolve) => {
      const end = (result: CompileResult): void => {
        clearTimeout(timer);
        child.removeAllListeners("message").removeAllListeners("exit");
        resolve(result);
      };
      const dead = (died: string): void => {
        this.#child = undefined;
        const tail = this.#errors.slice(-1000);
        end({ exitCode: -1, stdout: "", stderr: tail, died, seconds: 0, peakBytes: 0, files: [] });
      };
      const timer = setTimeout(() => {
        child.removeAllListeners("exit").kill("SIGKILL");
        dead(`no answer after ${PATIENCE / 1000} seconds`);
      }, PATIENCE);
      child.once("message", (result: CompileResult) => end(result));
      child.once("exit", (code, signal) => dead(`the process ended with ${signal ?? code}`));
      child.send(job);
    });
  }

  async #started(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child;
    const child = fork(worker, {
      cwd: this.#folder,
      execArgv: [`--max-old-space-size=${HEAP}`, "--expose-gc", "--import", typescript],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#errors = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve());
      child.once("exit", (code) => reject(new Error(`the worker ended with ${code}: ${this.#errors}`)));
    });
    child.removeAllListeners("exit");
    this.#child = child;
    return child;
  }

  end(): void {
    this.#child?.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** As many processes as this computer's tests have cores for, kept until the end. */
export class CompilePool {
  readonly #processes = [new CompileProcess(), new CompileProcess()];

  /** Runs `count` jobs, made when they are wanted, and hands each result to `check`. */
  async run<Job extends CompileJob>(
    count: number,
    jobOf: (index: number) => Job,
    check: (job: Job, result: CompileResult) => void,
  ): Promise<void> {
    let next = 0;
    const work = async (process: CompileProcess): Promise<void> => {
      while (next < count) {
        const job = jobOf(next++);
        check(job, await process.run(job));
      }
    };
    await Promise.all(this.#processes.map(work));
  }

  end(): void {
    for (const process of this.#processes) process.end();
  }
}
