/** A named pipe in a folder of its own, through which semihosting firmware reads its input. */
import { constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "../toolchain/compiler.js";
import type { ProcessOptions } from "./process-machine.js";

/** Name of the pipe in the working folder; templates/harness/uart_semihosting.c opens it. */
const PIPE = "input";

/** Makes the folder and the pipe; `cleanUp` removes both. */
export async function makeInputPipe(): Promise<Required<Pick<ProcessOptions, "input" | "cwd" | "cleanUp">>> {
  const cwd = await mkdtemp(join(tmpdir(), `bitloom-qemu-${process.pid}-`));
  const cleanUp = (): Promise<void> => rm(cwd, { recursive: true, force: true });
  try {
    const path = join(cwd, PIPE);
    await runTool("mkfifo", [path], "emulator/no-pipe", path);
    // For reading too, so that opening does not wait for the firmware, and without blocking a thread when the pipe is full.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return { cwd, cleanUp, input: new Socket({ fd, readable: false, writable: true }) };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}
