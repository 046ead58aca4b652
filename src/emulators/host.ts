/** This computer as a machine: the library compiled by the host's compiler, as a third opinion. */
import { findHostCc, versionLine } from "../toolchain/tools.js";
import { startProcess } from "./process-machine.js";
import type { Emulator } from "./types.js";

/** Runs programs made by `buildHost`; the board is not looked at. */
export const hostEmulator: Emulator = {
  id: "host",
  link: "uart",
  find: async () => {
    const path = findHostCc();
    if (path === undefined) return undefined;
    return { path, version: (await versionLine(path)) ?? "unknown" };
  },
  start: async (image, _board, options = {}) => startProcess("host", image, options.extraArgs ?? [], options),
};
