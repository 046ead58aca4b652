/** What every emulator looks like from outside: find it, start a machine, exchange bytes, stop it. */
import type { Counts } from "../profile/counters.js";
import type { Board } from "../targets/boards.js";
import type { Link } from "../toolchain/firmware.js";

export interface FoundEmulator {
  /** Absolute path of the program. */
  readonly path: string;
  /** As the program prints it, e.g. `7.2.22`; `unknown` when it says nothing that can be read. */
  readonly version: string;
}

export interface StartOptions {
  /** Milliseconds that the machine may take until its byte link is open. Default 30,000. */
  readonly startTimeoutMs?: number;
  /** Arguments added to the emulator's own, e.g. a QEMU plugin. Paths in them must be absolute. */
  readonly extraArgs?: readonly string[];
  /**
   * Functions of the image whose calls are counted, each with all that it calls: see `MachineEnd.calls`. Not on the
   * host.
   */
  readonly profile?: readonly string[];
  /** Stops the machine when aborted. */
  readonly signal?: AbortSignal;
}

/** One call of a profiled function that has returned. */
export interface FunctionCall {
  readonly function: string;
  /** Instructions executed from its first to its last, with those of what it called. */
  readonly instructions: number;
  /** The same by class, where the emulator can tell (QEMU). */
  readonly counts?: Counts;
}

/** How a machine's process ended. */
export interface MachineEnd {
  /** True after `stop()`, false when the process ended on its own. */
  readonly stopped: boolean;
  /** One phrase for messages, e.g. `exited with status 1` or `was killed by SIGSEGV`. */
  readonly description: string;
  /** Instructions that its processor executed, polling included; where the emulator counts them (Renode). */
  readonly executedInstructions?: number;
  /** Calls of the functions that were profiled, in the order of their returns. */
  readonly calls?: readonly FunctionCall[];
}

/** A running machine and the byte link to its UART. */
export interface Machine {
  /** For messages, e.g. `qemu mps2-an385`. */
  readonly id: string;
  /** Sends bytes to the machine's UART. Resolves when they are taken; rejects with a BitloomError when the machine has gone. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Registers a listener for bytes from the UART; returns a function that removes it. Bytes that arrive while nobody
   * listens are kept and handed to the next listener.
   */
  onData(listener: (bytes: Uint8Array) => void): () => void;
  /** Resolves, and never rejects, when the machine has ended for whatever reason. */
  readonly ended: Promise<MachineEnd>;
  /** What the emulator itself said last (its log or standard error), escaped and bounded; empty when nothing. */
  lastSeen(): string;
  /** What may explain a silence beside what was said, in one phrase; empty when nothing is known. */
  explain?(): string;
  /** Ends the process, waits for it and removes temporary files. May be called more than once. */
  stop(): Promise<void>;
}

export interface Emulator {
  /** `host`, `qemu` or `renode`. */
  readonly id: string;
  /** How images for it are best built (`link` of `buildFirmware`). */
  readonly link: Link;
  /** Undefined when it is not installed. */
  find(): Promise<FoundEmulator | undefined>;
  /**
   * Starts `image` (path of an ELF built for exactly this board). Throws a BitloomError: exit code 3 when the emulator is not installed, 2 when it
   * does not have this board, 1 when it does not start.
   */
  start(image: string, board: Board, options?: StartOptions): Promise<Machine>;
}
