/** Renode: whole boards, as their makers describe them. One process serves many images, one after the other. */
import type { Socket } from "node:net";
import { BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { Board } from "../targets/boards.js";
import { readElf } from "../toolchain/elf.js";
import { findRenode, RENODE_REMEDY } from "../toolchain/probe.js";
import { missing, versionLine } from "../toolchain/tools.js";
import { checkImage } from "./check-image.js";
import { RenodeMachine } from "./renode-machine.js";
import { RenodeMonitor } from "./renode-monitor.js";
import { HookReader, profileHooks } from "./renode-profile.js";
import { LOADED, makeRenodeFolder, monitorPath } from "./renode-script.js";
import { connectLocally, freePort } from "./socket-link.js";
import type { Emulator, StartOptions } from "./types.js";

export interface RenodeEmulator extends Emulator {
  /** Ends the Renode process, if one runs. Without it this process does not end either. */
  close(): Promise<void>;
}

/** Renode's own start takes seconds; loading a platform, one more. */
const START_TIMEOUT_MS = 60_000;
const CLEAR_TIMEOUT_MS = 20_000;
/** Another program may take the port between our finding it and Renode's opening it. */
const PORT_ATTEMPTS = 3;

/**
 * A Renode that starts with the first image and stays until `close`. One machine at a time: `start` throws
 * `emulator/busy` (exit 2) before the last one is stopped.
 */
export function createRenodeEmulator(): RenodeEmulator {
  let monitor: RenodeMonitor | undefined;
  let machine: RenodeMachine | undefined;
  let isStarting = false;

  const obtainMonitor = (): RenodeMonitor => {
    if (monitor !== undefined) return monitor;
    const path = findRenode();
    if (path === undefined) throw missing({ name: "Renode", remedy: RENODE_REMEDY });
    const started = new RenodeMonitor(path);
    monitor = started;
    void started.ended.then(() => {
      if (monitor === started) monitor = undefined;
    });
    return started;
  };

  return {
    id: "renode",
    link: "uart",
    find: async () => {
      const path = findRenode();
      if (path === undefined) return undefined;
      const line = (await versionLine(path)) ?? "";
      return { path, version: /v?(\d+(?:\.\d+)+)/.exec(line)?.[1] ?? "unknown" };
    },
    start: async (image, board, options = {}) => {
      if (isStarting || (machine !== undefined && !machine.hasEnded)) {
        const other = machine?.id ?? "another machine";
        throw fail("emulator/busy", `${other} still runs in this Renode`, { remedy: "stop it first" });
      }
      isStarting = true;
      try {
        const elf = await readElf(image);
        checkImage(elf, board, image);
        const hooks = profileHooks(elf, options.profile ?? []);
        machine = await startMachine(obtainMonitor, image, board, options, hooks);
        return machine;
      } finally {
        isStarting = false;
      }
    },
    close: async () => {
      await machine?.stop();
      await monitor?.quit();
    },
  };
}

async function startMachine(
  obtainMonitor: () => RenodeMonitor,
  image: string,
  board: Board,
  options: StartOptions,
  hooks: readonly string[],
): Promise<RenodeMachine> {
  const deadline = performance.now() + (options.startTimeoutMs ?? START_TIMEOUT_MS);
  for (let attempt = 1; ; attempt++) {
    const monitor = obtainMonitor();
    const port = await freePort();
    const folder = await makeRenodeFolder(image, board, port, hooks);
    try {
      await load(monitor, folder.script, board, deadline - performance.now());
      // Before the machine runs: hooks print from its first instruction on.
      const reader = options.profile === undefined ? undefined : new HookReader(options.profile);
      monitor.listen(reader === undefined ? undefined : (text) => reader.add(text));
      const socket = await openLink(monitor, port, board, deadline - performance.now());
      return new RenodeMachine({ board, monitor, socket, folder, signal: options.signal, hooks: reader });
    } catch (error) {
      folder.remove();
      if (hasCode(error, "emulator/not-started")) await clear(monitor);
      else await monitor.kill();
      if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function load(monitor: RenodeMonitor, script: string, board: Board, timeoutMs: number): Promise<void> {
  const said = await monitor.run([`include ${monitorPath(script)}`], timeoutMs);
  if (said.includes(LOADED)) return;
  throw notStarted(board, `could not load the machine; it said: ${printable(said.trim().slice(-600), 700)}`);
}

async function openLink(
  monitor: RenodeMonitor,
  port: number,
  board: Board,
  timeoutMs: number,
): Promise<Socket> {
  const socket = await connectLocally(port, timeoutMs);
  if (socket === undefined) throw notStarted(board, `did not open the UART's port ${port}`);
  try {
    await monitor.run(["start"], Math.max(timeoutMs, 1000));
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Makes the process fit for the next image, or ends it. */
async function clear(monitor: RenodeMonitor): Promise<void> {
  try {
    await monitor.run(["Clear"], CLEAR_TIMEOUT_MS);
  } catch {
    await monitor.kill();
  }
}

function notStarted(board: Board, what: string): BitloomError {
  return fail("emulator/not-started", `renode ${board.id} ${what}`, { exitCode: 1 });
}

function isPortTaken(error: unknown): boolean {
  return hasCode(error, "emulator/not-started") && /AddressAlreadyInUse/i.test(String(error));
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof BitloomError && error.diagnostics.some((d) => d.code === code);
}
