/** A machine that is a child process whose standard input and output are its UART. */
import type { Writable } from "node:stream";
import { execa } from "execa";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { killAtExit } from "../toolchain/at-exit.js";
import type { Machine, MachineEnd, StartOptions } from "./types.js";

const TAIL_BYTES = 2000;

/** Keeps the end of a stream of text. */
export class Tail {
  #bytes: Buffer = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]).subarray(-TAIL_BYTES);
  }

  /** Escaped, at most 300 characters, the end of what was seen. */
  text(): string {
    return printable(this.#bytes.toString("latin1").trim().slice(-250), 300);
  }
}

export interface ProcessOptions extends Pick<StartOptions, "signal"> {
  /** Where bytes for the machine go; the process's standard input by default. */
  readonly input?: Writable;
  /** Working folder of the process. */
  readonly cwd?: string;
  /** What is to be known about the run, read after the process has ended and before `cleanUp`. */
  readonly findings?: () => Promise<Pick<MachineEnd, "calls">>;
  /** Removes what the machine used, once, after the process has ended. */
  readonly cleanUp?: () => void;
}

/** Starts `command` as a machine. The process is killed by `stop()`, by `signal`, and when this process ends. */
export function startProcess(
  id: string,
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Machine {
  const child = execa(command, args, {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    buffer: false,
    encoding: "buffer",
    reject: false,
    cleanup: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    forceKillAfterDelay: 1000,
  });
  const errors = new Tail();
  const inbox = new Inbox();
  let stopped = false;
  child.stdout.on("data", (bytes: Buffer) => inbox.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => errors.add(bytes));
  // A broken pipe shows as the end of the process, with a better message.
  const input = options.input ?? child.stdin;
  input.on("error", () => undefined);
  const ended: Promise<MachineEnd> = child.then(async (result) => {
    input.destroy();
    const findings = await options.findings?.();
    options.cleanUp?.();
    return { stopped: stopped || result.isCanceled, description: endText(result), ...findings };
  });
  killAtExit(child, ended);
  return {
    id,
    ended,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        input.write(bytes, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(gone(id));
        });
      }),
    onData: (listener) => inbox.listen(listener),
    lastSeen: () => errors.text(),
    stop: async () => {
      stopped = true;
      // Nothing in an emulated machine is worth a polite end, and a stuck emulator ignores politeness.
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The error of writing to a machine that has ended. */
export function gone(id: string): Error {
  return fail("emulator/gone", `${id} has ended and takes no more bytes`, { exitCode: 1 });
}

/** Hands bytes to one listener and keeps them while there is none. */
export class Inbox {
  #waiting: Uint8Array[] = [];
  #listener: ((bytes: Uint8Array) => void) | undefined;

  push(bytes: Uint8Array): void {
    if (this.#listener === undefined) this.#waiting.push(bytes);
    else this.#listener(bytes);
  }

  /** Returns a function that removes the listener again. */
  listen(listener: (bytes: Uint8Array) => void): () => void {
    this.#listener = listener;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const bytes of waiting) listener(bytes);
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }
}

interface Ended {
  readonly signal?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly originalMessage?: string | undefined;
}

/** How a process ended, in one phrase. */
export function endText(result: Ended): string {
  if (result.signal !== undefined) return `was killed by ${result.signal}`;
  if (result.exitCode !== undefined) return `exited with status ${result.exitCode}`;
  return `could not be started: ${printable(result.originalMessage ?? "unknown reason")}`;
}
