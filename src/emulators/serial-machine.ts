/** A real board at the other end of a serial port. */
import { HARNESS_BAUD, openSerialPort, type SerialPort, usersText } from "./serial-port.js";
import type { Emulator, Machine, MachineEnd } from "./types.js";

export interface SerialOptions {
  /** e.g. `/dev/ttyACM0`. */
  readonly port: string;
  /** Default: what the harness speaks. */
  readonly baud?: number;
  /**
   * Bytes of one input of the model. As many zeros are sent first: they complete a frame that was cut off when an earlier
   * run was interrupted, and mean nothing between frames. Not needed for a board that was reset.
   */
  readonly inputBytes?: number;
}

/** Beyond the input: the frame's header and checksum. */
const FRAME_BYTES = 16;

/** Opens the port of a board that runs the harness. Throws as `openSerialPort`. */
export async function connectBoard({
  port,
  baud = HARNESS_BAUD,
  inputBytes = 0,
}: SerialOptions): Promise<Machine> {
  const opened = await openSerialPort(port, baud);
  // Not waited for: a board that takes no bytes is told by its silence.
  opened.write(new Uint8Array(inputBytes + FRAME_BYTES)).catch(() => undefined);
  return new SerialMachine(opened);
}

/**
 * A board as a machine that runs images: `load` writes an image to it (see src/flashing), then its port is opened.
 */
export function boardTarget(options: SerialOptions, load: (image: string) => Promise<void>): Emulator {
  return {
    id: "serial",
    link: "uart",
    find: async () => ({ path: options.port, version: "unknown" }),
    start: async (image) => {
      await load(image);
      return connectBoard(options);
    },
  };
}

class SerialMachine implements Machine {
  readonly id: string;
  readonly ended: Promise<MachineEnd>;
  readonly #port: SerialPort;
  #stopped = false;

  constructor(port: SerialPort) {
    this.#port = port;
    this.id = `serial ${port.path}`;
    this.ended = port.ended.then((description) => ({ stopped: this.#stopped, description }));
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#port.write(bytes);
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#port.onData(listener);
  }

  lastSeen(): string {
    return "";
  }

  explain(): string {
    return usersText(this.#port.path);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#port.close();
  }
}
