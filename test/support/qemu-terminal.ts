/** QEMU with a board's UART at a pseudo-terminal, where tests take it for a board at a serial port. */
import { type ChildProcess, spawn } from "node:child_process";
import { afterEach } from "vitest";

/** The multiplexer takes bytes before the firmware's receiver is on; without it QEMU may never read them. */
const PTY = ["-chardev", "pty,id=link,mux=on", "-echr", "0x100", "-serial", "chardev:link"];
/** Milliseconds between lines for QEMU's monitor. */
const WAKE = 50;

export interface Terminal {
  readonly port: string;
  readonly line: ChildProcess;
}

/** Lines that run; each test ends its own. */
const lines: ChildProcess[] = [];

/** Ends, behind each test of a file, what it started. */
export function endTerminals(): void {
  afterEach(() => {
    for (const line of lines.splice(0)) line.kill("SIGKILL");
  });
}

/** Starts a program that prints the name of a pseudo-terminal; the name, and the program. */
export async function terminal(program: string, args: readonly string[]): Promise<Terminal> {
  const line = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  lines.push(line);
  const port = await new Promise<string>((resolve, reject) => {
    let text = "";
    line.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      const name = /\/dev\/\S+(?=\s)/.exec(text)?.[0];
      if (name !== undefined) resolve(name);
    });
    line.once("exit", () => reject(new Error(`it ended: ${text}`)));
  });
  return { port, line };
}

/**
 * Starts an image. More bytes than the multiplexer keeps may be waiting when the firmware turns its receiver on. QEMU
 * (7.2, hw/char/nrf51_uart.c) then does not look at the terminal again before something else wakes its main loop, which
 * may be never: empty lines for the monitor wake it.
 */
export async function qemuAtTerminal(machine: string, elf: string): Promise<Terminal> {
  const quiet = ["-display", "none", "-monitor", "stdio", "-nic", "none"];
  const found = await terminal("qemu-system-arm", ["-machine", machine, ...quiet, ...PTY, "-kernel", elf]);
  const { line } = found;
  const wake = setInterval(() => line.stdin?.write("\n"), WAKE);
  line.stdin?.on("error", () => clearInterval(wake));
  line.once("exit", () => clearInterval(wake));
  return found;
}
