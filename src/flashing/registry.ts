/** The tools that write images. A new one: its shape in src/targets/flash-tools.ts, a file here, and an entry below. */
import { fail } from "../diagnostics/diagnostic.js";
import type { Board } from "../targets/boards.js";
import type { FlashTool } from "../targets/flash-tools.js";
import { bossac, bossacPlan } from "./bossac.js";
import { dfuUtil, dfuUtilPlan } from "./dfu-util.js";
import { jLink, jLinkPlan } from "./jlink.js";
import { openOcd, openOcdPlan } from "./openocd.js";
import { probeRs, probeRsPlan } from "./probe-rs.js";
import { pyOcd, pyOcdPlan } from "./pyocd.js";
import { stFlash, stFlashPlan } from "./st-flash.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

/** An entry of a board that a program serves; UF2 drives need none. */
export type ProgramEntry = Exclude<FlashTool, { tool: "uf2" }>;

/** Every program, in the order in which `doctor` lists them. */
export const flashers: readonly Flasher[] = [probeRs, openOcd, pyOcd, stFlash, jLink, bossac, dfuUtil];

/** The program that serves an entry. */
export function flasherOf(tool: ProgramEntry["tool"]): Flasher {
  const found = flashers.find((flasher) => flasher.tool === tool);
  if (found === undefined) throw fail("flashing/unknown-tool", `there is no tool ${tool}`);
  return found;
}

export interface PlanOptions {
  readonly board: Board;
  readonly image: ImageFile;
  /** Where scripts for the tool are written. */
  readonly folder: string;
  /** Serial port, for tools that use one. */
  readonly port?: string | undefined;
}

/** What is to be run to write an image. Throws `flashing/...` (exit 2) where the tool cannot take it. */
export function planFor(entry: ProgramEntry, { board, image, folder, port }: PlanOptions): FlashPlan {
  switch (entry.tool) {
    case "probe-rs":
      return probeRsPlan(entry, image);
    case "openocd":
      return openOcdPlan(entry, image);
    case "pyocd":
      return pyOcdPlan(entry, image);
    case "st-flash":
      return stFlashPlan(image);
    case "jlink":
      return jLinkPlan(entry, image, folder);
    case "bossac":
      return bossacPlan(entry, image, board, port);
    case "dfu-util":
      return dfuUtilPlan(entry, image);
  }
}
