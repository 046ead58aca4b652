/** The host's side of the vector protocol (docs/PROTOCOL.md). */
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import type { Elf } from "../toolchain/elf.js";
import { describeFault } from "./fault.js";
import { FrameLink } from "./frame-link.js";
import { FINISH_SEQUENCE, type Frame, FrameType } from "./frames.js";
import {
  type Hello,
  PROTOCOL_VERSION,
  readFault,
  readHello,
  readResult,
  readVerdict,
  type VectorResult,
  type Verdict,
} from "./messages.js";
import type { Machine } from "./types.js";

export interface SessionOptions {
  /** Milliseconds that one run may take, boot with self-test included. Default 60,000. */
  readonly timeoutMs?: number;
  /** Milliseconds until a REQUEST that was not accepted is sent again. Default 5,000 and 1 per 4 bytes. */
  readonly acceptTimeoutMs?: number;
  /** The image, to name functions in faults. */
  readonly elf?: Elf;
  /** `NAME_MODEL_CRC` that the firmware must report. */
  readonly modelCrc?: number;
  /** Goes on after a failed self-test, for a caller that judges `Hello.selftestStatus` itself. */
  readonly allowFailedSelftest?: boolean;
}

export interface RunOptions extends SessionOptions {
  /** Called after each result. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called once, with what the firmware says about itself. */
  readonly onHello?: (hello: Hello) => void;
  /** Called once, after the last result. */
  readonly onVerdict?: (verdict: Verdict) => void;
}

/** How often one REQUEST is sent at most. A lost byte costs two: the repetition completes the broken frame. */
const ATTEMPTS = 4;
const ASK_INTERVAL_MS = 500;
const LAST_SEQUENCE = FINISH_SEQUENCE - 1;
const EMPTY = new Uint8Array(0);

/**
 * Runs every input on a started machine and yields the results in order, then stops the machine; also when it throws
 * or the caller stops asking. Statuses other than 0 are for the caller to judge. Throws (exit 1) `emulator/timeout`,
 * `emulator/ended`, `emulator/fault`, `emulator/stack-overflow`, `emulator/selftest`, `emulator/wrong-firmware`, `protocol/...`; (exit 2)
 * `emulator/input-size`.
 */
export async function* runVectors(
  machine: Machine,
  inputs: readonly Uint8Array[],
  options: RunOptions = {},
): AsyncGenerator<VectorResult, void, undefined> {
  try {
    const session = await VectorSession.open(machine, options);
    options.onHello?.(session.hello);
    for (const [index, input] of inputs.entries()) {
      yield await session.run(input);
      options.onProgress?.(index + 1, inputs.length);
    }
    const verdict = await session.finish();
    options.onVerdict?.(verdict);
  } finally {
    await machine.stop();
  }
}

/** A machine that has said HELLO. For several batches in one boot; `runVectors` is the usual way. */
export class VectorSession {
  readonly hello: Hello;
  readonly #link: FrameLink;
  readonly #options: SessionOptions;
  #index = 0;

  private constructor(link: FrameLink, hello: Hello, options: SessionOptions) {
    this.#link = link;
    this.hello = hello;
    this.#options = options;
    link.maxPayload = Math.max(64, 8 + hello.outputBytes + 8 * hello.tensorCount);
  }

  /** Waits for HELLO and checks it. The caller stops the machine, also when this throws. */
  static async open(machine: Machine, options: SessionOptions = {}): Promise<VectorSession> {
    const link = new FrameLink(machine);
    const hello = await waitForHello(link, options);
    checkHello(hello, machine, options);
    return new VectorSession(link, hello, options);
  }

  /** Runs one input, `hello.inputBytes` long. */
  async run(input: Uint8Array): Promise<VectorResult> {
    if (input.length !== this.hello.inputBytes) {
      throw fail(
        "emulator/input-size",
        `input ${this.#index} has ${input.length} bytes, the firmware takes ${this.hello.inputBytes}`,
      );
    }
    const index = this.#index++;
    const sequence = 1 + (index % LAST_SEQUENCE);
    const request: Frame = { type: FrameType.request, sequence, payload: input };
    const early = await this.#deliver(request);
    const result = early ?? (await this.#awaitResult(request));
    return readResult(result, this.hello, index);
  }

  /** Asks for the firmware's own verdict. */
  async finish(): Promise<Verdict> {
    const timeout = this.#timeout();
    await this.#link.send({ type: FrameType.finish, sequence: FINISH_SEQUENCE, payload: EMPTY });
    const frame = await this.#frame(timeout, (f) => f.type === FrameType.end);
    if (frame === undefined) throw this.#timedOut("END", timeout);
    this.#link.close();
    return readVerdict(frame);
  }

  /** Sends a REQUEST until it is accepted; returns the RESULT if that came first. */
  async #deliver(request: Frame): Promise<Frame | undefined> {
    const timeout = this.#options.acceptTimeoutMs ?? 5000 + request.payload.length / 4;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await this.#link.send(request);
      const answer = await this.#frame(
        timeout,
        (f) => f.type === FrameType.rejected || (f.sequence === request.sequence && isAnswer(f)),
      );
      if (answer?.type === FrameType.accepted) return undefined;
      if (answer?.type === FrameType.result) return answer;
    }
    throw this.#failed(
      "emulator/not-accepted",
      `did not accept request ${request.sequence} in ${ATTEMPTS} attempts`,
    );
  }

  async #awaitResult(request: Frame): Promise<Frame> {
    const timeout = this.#timeout();
    const isResult = (f: Frame): boolean => f.type === FrameType.result && f.sequence === request.sequence;
    const first = await this.#frame(timeout / 2, isResult);
    if (first !== undefined) return first;
    // Perhaps the result was damaged on the way: the firmware repeats it without running again.
    await this.#link.send(request);
    const second = await this.#frame(timeout / 2, isResult);
    if (second !== undefined) return second;
    throw this.#timedOut(`the result of request ${request.sequence}, which it had accepted,`, timeout);
  }

  /** The next frame that is wanted; others are dropped. Undefined after `timeoutMs`. A FAULT throws. */
  async #frame(timeoutMs: number, wanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const frame = await this.#link.next(deadline - performance.now());
      if (frame === undefined) return undefined;
      throwIfFault(frame, this.#link, this.#options);
      if (wanted(frame)) return frame;
    }
  }

  #timeout(): number {
    return timeoutOf(this.#options);
  }

  #timedOut(what: string, timeoutMs: number): BitloomError {
    return timedOut(this.#link, what, timeoutMs);
  }

  #failed(code: string, what: string): BitloomError {
    return fail(code, `${this.#link.machine.id} ${what}; ${this.#link.lastSeen()}`, { exitCode: 1 });
  }
}

function isAnswer(frame: Frame): boolean {
  return frame.type === FrameType.accepted || frame.type === FrameType.result;
}

function timeoutOf(options: SessionOptions): number {
  return options.timeoutMs ?? 60_000;
}

async function waitForHello(link: FrameLink, options: SessionOptions): Promise<Hello> {
  const timeout = timeoutOf(options);
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline) {
    // Asked again and again: what arrives before the firmware has switched its receiver on is lost.
    const frame = await link.next(Math.min(ASK_INTERVAL_MS, deadline - performance.now()));
    if (frame === undefined) {
      await link.send({ type: FrameType.ask, sequence: 0, payload: EMPTY });
      continue;
    }
    throwIfFault(frame, link, options);
    if (frame.type === FrameType.hello) return readHello(frame);
  }
  throw timedOut(link, "HELLO", timeout);
}

function checkHello(hello: Hello, machine: Machine, options: SessionOptions): void {
  const wrong = (code: string, what: string): BitloomError =>
    fail(code, `${machine.id} ${what}`, { exitCode: 1 });
  if (hello.protocol !== PROTOCOL_VERSION) {
    throw wrong(
      "emulator/wrong-firmware",
      `speaks version ${hello.protocol} of the protocol, not ${PROTOCOL_VERSION}`,
    );
  }
  if (options.modelCrc !== undefined && hello.modelCrc !== options.modelCrc) {
    const crc = (value: number): string => value.toString(16).padStart(8, "0");
    throw wrong(
      "emulator/wrong-firmware",
      `runs the model ${crc(hello.modelCrc)}, not ${crc(options.modelCrc)}`,
    );
  }
  if (hello.initStatus !== 0)
    throw wrong("emulator/selftest", `could not initialise: status ${hello.initStatus}`);
  if (hello.selftestStatus !== 0 && options.allowFailedSelftest !== true) {
    throw wrong("emulator/selftest", `did not pass its self-test: status ${hello.selftestStatus}`);
  }
}

function throwIfFault(frame: Frame, link: FrameLink, options: SessionOptions): void {
  if (frame.type !== FrameType.fault) return;
  const when = frame.sequence === 0 ? "before the first request" : `while serving request ${frame.sequence}`;
  const fault = readFault(frame);
  throw fail(
    fault.stackFull || fault.stackLost ? "emulator/stack-overflow" : "emulator/fault",
    `${link.machine.id} faulted ${when}: ${describeFault(fault, options.elf)}`,
    { exitCode: 1 },
  );
}

function timedOut(link: FrameLink, what: string, timeoutMs: number): BitloomError {
  return fail(
    "emulator/timeout",
    `${link.machine.id} did not send ${what} within ${timeoutMs / 1000} s; ${link.lastSeen()}`,
    { exitCode: 1 },
  );
}
