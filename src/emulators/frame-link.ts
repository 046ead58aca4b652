/** Frames to and from a machine, with a memory of what was last seen for error messages. */
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { encodeFrame, type Frame, FrameDecoder, frameName } from "./frames.js";
import type { Machine, MachineEnd } from "./types.js";

const RAW_TAIL = 48;

export class FrameLink {
  readonly machine: Machine;
  readonly #decoder = new FrameDecoder();
  readonly #frames: Frame[] = [];
  readonly #detach: () => void;
  #tail: Buffer = Buffer.alloc(0);
  #last: Frame | undefined;
  #end: MachineEnd | undefined;
  #wake: () => void = () => undefined;

  constructor(machine: Machine) {
    // No frame before and with HELLO is longer; a boot message that looks like a long frame must not swallow it.
    this.#decoder.maxPayload = 64;
    this.machine = machine;
    this.#detach = machine.onData((bytes) => this.#take(bytes));
    void machine.ended.then((end) => {
      this.#end = end;
      this.#wake();
    });
  }

  /** Longest payload that is believed from now on, in bytes. */
  set maxPayload(bytes: number) {
    this.#decoder.maxPayload = bytes;
  }

  async send(frame: Frame): Promise<void> {
    try {
      await this.machine.write(encodeFrame(frame));
    } catch {
      // Writing fails just before the machine's end is known; the end says why.
      await Promise.race([this.machine.ended, delay(1000)]);
      throw this.endError();
    }
  }

  /** The next frame, or undefined when none came within `timeoutMs`. Throws `emulator/ended` when the machine ended. */
  async next(timeoutMs: number): Promise<Frame | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#end !== undefined) throw this.endError();
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      await this.#arrival(left);
    }
  }

  close(): void {
    this.#detach();
  }

  /** For messages: the last frame, the raw end of what came, and what the emulator said. */
  lastSeen(): string {
    const frame =
      this.#last === undefined ? "no frame" : `${frameName(this.#last.type)} ${this.#last.sequence}`;
    const raw =
      this.#tail.length === 0 ? "" : `; last bytes ${printable(this.#tail.toString("latin1"), 200)}`;
    const skipped =
      this.#decoder.skippedBytes === 0 ? "" : `; ${this.#decoder.skippedBytes} bytes were part of no frame`;
    const said = this.machine.lastSeen();
    const reason = this.machine.explain?.() ?? "";
    return [
      `last seen: ${frame}${skipped}${raw}`,
      ...(said === "" ? [] : [`it said: ${said}`]),
      ...(reason === "" ? [] : [reason]),
    ].join("; ");
  }

  endError(): BitloomError {
    const how = this.#end?.description ?? "closed its input";
    return fail("emulator/ended", `${this.machine.id} ${how} before it was told to; ${this.lastSeen()}`, {
      exitCode: 1,
    });
  }

  #take(bytes: Uint8Array): void {
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-RAW_TAIL)]).subarray(-RAW_TAIL);
    const frames = this.#decoder.push(bytes);
    if (frames.length === 0) return;
    this.#last = frames.at(-1);
    this.#frames.push(...frames);
    this.#wake();
  }

  #arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(timeoutMs, 0x7fffffff));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
