/** A named pipe in a folder of its own, through which semihosting firmware reads its input. */
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../toolchain/at-exit.js";
import { runTool } from "../toolchain/compiler.js";
import type { ProcessOptions } from "./process-machine.js";

/** Name of the pipe in the working folder; templates/harness/uart_semihosting.c opens it. */
const PIPE = "input";

/** Makes the folder and the pipe; `cleanUp` removes both. */
export async function makeInputPipe(): Promise<Required<Pick<ProcessOptions, "input" | "cwd" | "cleanUp">>> {
  const { path: cwd, remove } = temporaryFolder(`bitloom-qemu-${process.pid}-`);
  try {
    const path = join(cwd, PIPE);
    await runTool("mkfifo", [path], "emulator/no-pipe", path);
    // For reading too, so that opening does not wait for the firmware, and without blocking a thread when the pipe is full.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return { cwd, cleanUp: remove, input: new Socket({ fd, readable: false, writable: true }) };
  } catch (error) {
    remove();
    throw error;
  }
}
