/** A board that runs in Renode, its UART at the other end of a TCP connection. */
import type { Socket } from "node:net";
import { printable } from "../diagnostics/text.js";
import type { Board } from "../targets/boards.js";
import { gone, Inbox } from "./process-machine.js";
import type { RenodeMonitor } from "./renode-monitor.js";
import type { HookReader } from "./renode-profile.js";
import type { RenodeFolder } from "./renode-script.js";
import type { Machine, MachineEnd } from "./types.js";

export interface RenodeMachineOptions {
  readonly board: Board;
  readonly monitor: RenodeMonitor;
  readonly socket: Socket;
  /** The files that Renode reads and writes; removed at the end. */
  readonly folder: RenodeFolder;
  readonly signal?: AbortSignal | undefined;
  /** Gathers what hooks print, where functions are profiled. */
  readonly hooks?: HookReader | undefined;
}

const STOP_TIMEOUT_MS = 20_000;
/** How long after its connection a process may end that has died. */
const DEATH_MS = 500;

export class RenodeMachine implements Machine {
  readonly id: string;
  readonly ended: Promise<MachineEnd>;
  readonly #options: RenodeMachineOptions;
  readonly #inbox = new Inbox();
  #resolveEnded: (end: MachineEnd) => void = () => undefined;
  #finishing: Promise<void> | undefined;
  #hasEnded = false;
  /** The end of the log, kept when the file is removed. */
  #lastLog: string | undefined;

  constructor(options: RenodeMachineOptions) {
    const { board, monitor, socket, signal } = options;
    this.#options = options;
    this.id = `renode ${board.id}`;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    socket.on("data", (bytes) => this.#inbox.push(bytes));
    // What went wrong shows as the connection's end.
    socket.on("error", () => undefined);
    socket.on("close", () => void this.#explainClose());
    void monitor.ended.then((how) => this.#finish(false, how));
    if (signal?.aborted === true) void this.stop();
    signal?.addEventListener("abort", () => void this.stop(), { once: true });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#options.socket.write(bytes, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(gone(this.id));
      });
    });
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#inbox.listen(listener);
  }

  /** The end of Renode's log, which says why a processor stopped; without one, what the Monitor printed. */
  lastSeen(): string {
    const log = this.#lastLog ?? this.#options.folder.logTail();
    if (log === "") return this.#options.monitor.lastSeen();
    return printable(log.replace(/\s+/g, " ").trim().slice(-250), 300);
  }

  stop(): Promise<void> {
    return this.#finish(true, "was stopped");
  }

  /** A Renode that dies closes the connection first; its death is the better explanation. */
  async #explainClose(): Promise<void> {
    await Promise.race([this.#options.monitor.ended, delay(DEATH_MS)]);
    await this.#finish(false, "closed the UART's connection");
  }

  #finish(stopped: boolean, description: string): Promise<void> {
    this.#finishing ??= this.#end(stopped, description);
    return this.#finishing;
  }

  async #end(stopped: boolean, description: string): Promise<void> {
    const { monitor, socket, folder, hooks } = this.#options;
    let executedInstructions: number | undefined;
    try {
      const said = await monitor.run(["pause", "sysbus.cpu ExecutedInstructions"], STOP_TIMEOUT_MS);
      executedInstructions = numberOnALine(said);
      // The terminal's thread ends with its connection; before that, Clear would wait for it.
      socket.destroy();
      await monitor.run(["Clear"], STOP_TIMEOUT_MS);
    } catch {
      // A Renode that does not answer is of no more use; the next image starts another.
      await monitor.kill();
    }
    socket.destroy();
    monitor.listen(undefined);
    this.#lastLog = folder.logTail();
    folder.remove();
    this.#hasEnded = true;
    const count = executedInstructions === undefined ? {} : { executedInstructions };
    const calls = hooks === undefined ? {} : { calls: hooks.calls };
    this.#resolveEnded({ stopped, description, ...count, ...calls });
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** The Monitor prints numbers in the base that the user's settings say. */
function numberOnALine(text: string): number | undefined {
  const match = /^\s*(0x[0-9a-f]+|\d+)\s*$/im.exec(text);
  return match === null ? undefined : Number(match[1]);
}
