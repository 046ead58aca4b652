/**
 * A serial port of this computer, without a native module: `stty` sets it up, and its bytes are read and written through
 * its file. On Linux and macOS.
 */
import { close, constants, open, read, write } from "node:fs";
import { promisify } from "node:util";
import { execa } from "execa";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { findOnPath, missing } from "../toolchain/tools.js";
import { Inbox } from "./process-machine.js";
import { portUsers } from "./serial-ports.js";

/** What firmware of bitloom speaks: templates/harness/uart.h. */
export const HARNESS_BAUD = 115200;

/** Between two looks at a port that has nothing to read, or no room: a fraction of what a byte buffer of a UART lasts. */
const POLL_MS = 2;
const READ_BYTES = 4096;
const STTY_TIMEOUT_MS = 10_000;

export interface SerialPort {
  readonly path: string;
  /** Resolves when the bytes are in the system's buffer; rejects when the port is closed or has gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** As `Machine.onData`. */
  onData(listener: (bytes: Uint8Array) => void): () => void;
  /** Resolves, and never rejects, with a phrase that says how the port ended. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens a port for raw bytes, 8 data bits, no parity, one stop bit, no flow control. Throws `serial/no-port`,
 * `serial/permission`, `serial/not-a-port` or `serial/busy` (exit 1), `toolchain/missing` (exit 3) without stty.
 */
export async function openSerialPort(path: string, baud: number): Promise<SerialPort> {
  const stty = findOnPath("stty");
  if (stty === undefined) throw missing({ name: "stty", remedy: "install it (it belongs to coreutils)" });
  // Open first: macOS forgets a port's settings when nobody has it open. Not waiting for a carrier, nor for bytes.
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
  const fd = await promisify(open)(path, flags).catch((error: unknown) => {
    throw cannotOpen(path, error);
  });
  try {
    await setUp(stty, path, baud);
    return new OpenPort(path, fd);
  } catch (error) {
    await promisify(close)(fd);
    throw error;
  }
}

async function setUp(stty: string, path: string, baud: number): Promise<void> {
  const device = process.platform === "darwin" ? "-f" : "-F";
  const line = ["cs8", "-parenb", "-cstopb", "clocal", "cread", "-crtscts"];
  const raw = ["raw", "-echo", "-echoe", "-echok", "-ixon", "-ixoff", "min", "1", "time", "0"];
  const result = await execa(stty, [device, path, String(baud), ...line, ...raw], {
    reject: false,
    stdin: "ignore",
    timeout: STTY_TIMEOUT_MS,
    env: { LC_ALL: "C" },
  });
  if (!result.failed) return;
  const said = printable(`${result.stderr ?? ""}`.trim() || (result.shortMessage ?? ""), 200);
  throw fail("serial/not-a-port", `it cannot be set to ${baud} baud: ${said}`, {
    where: path,
    remedy: "name a serial port, such as /dev/ttyACM0",
    exitCode: 1,
  });
}

const openErrors: Readonly<Record<string, readonly [code: string, message: string, remedy: string]>> = {
  ENOENT: ["serial/no-port", "there is no such port", "plug the board in, by a cable with data lines"],
  EACCES: [
    "serial/permission",
    "this user may not open it",
    "join the group of serial ports (Debian, Ubuntu: sudo usermod -aG dialout $USER) and log in again",
  ],
  EBUSY: ["serial/busy", "another program has it", "end the other program"],
  ENXIO: ["serial/no-port", "the port has no device", "plug the board in again"],
  EIO: ["serial/no-port", "the port has no device", "plug the board in again"],
};

function cannotOpen(path: string, error: unknown): BitloomError {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const [id, message, remedy] = openErrors[code] ?? [
    "serial/not-a-port",
    `it cannot be opened: ${printable(String(error), 200)}`,
    "name a serial port, such as /dev/ttyACM0",
  ];
  return fail(id, message, { where: path, remedy, exitCode: 1 });
}

/**
 * Looks for bytes again and again, without waiting in the system: a read or write that waits could not be called off when
 * a board is silent, nor could the process end.
 */
class OpenPort implements SerialPort {
  readonly path: string;
  readonly ended: Promise<string>;
  readonly #fd: number;
  readonly #inbox = new Inbox();
  #resolveEnded: (how: string) => void = () => undefined;
  #isOpen = true;
  #writing: Promise<void> = Promise.resolve();
  readonly #reading: Promise<void>;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#reading = this.#readAll();
  }

  write(bytes: Uint8Array): Promise<void> {
    const written = this.#writing.then(() => this.#writeAll(bytes));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#inbox.listen(listener);
  }

  async close(): Promise<void> {
    this.#end("was closed");
    await Promise.all([this.#reading, this.#writing]);
  }

  async #readAll(): Promise<void> {
    const buffer = Buffer.alloc(READ_BYTES);
    while (this.#isOpen) {
      const count = await this.#attempt(() => readSome(this.#fd, buffer));
      if (count === 0) this.#end("was hung up");
      else if (count === undefined) await delay(POLL_MS);
      else this.#inbox.push(Uint8Array.from(buffer.subarray(0, count)));
    }
    await this.#writing;
    await promisify(close)(this.#fd).catch(() => undefined);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#isOpen) throw fail("serial/gone", `${this.path} takes no more bytes`, { exitCode: 1 });
      const count = await this.#attempt(() => writeSome(this.#fd, bytes.subarray(at)));
      if (count === undefined) await delay(POLL_MS);
      else at += count;
    }
  }

  /** The result of a read or write; undefined when it would have to wait, or the port has gone. */
  async #attempt(work: () => Promise<number>): Promise<number | undefined> {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code !== "EAGAIN" && code !== "EINTR") this.#end(`has gone (${printable(String(code), 20)})`);
      return undefined;
    }
  }

  #end(how: string): void {
    this.#isOpen = false;
    this.#resolveEnded(how);
  }
}

function readSome(fd: number, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One phrase about other programs that have the port open and may take its bytes; empty when none is known. */
export function usersText(path: string): string {
  const users = portUsers(path);
  return users.length === 0 ? "" : `the port is open in ${users.join(", ")} too`;
}
