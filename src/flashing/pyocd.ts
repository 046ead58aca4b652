/** pyOCD. Texts: its version 0.46.0, run without a probe, and pyocd/board/board.py, core/helpers.py of its sources. */
import type { FlashTool } from "../targets/flash-tools.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

export const pyOcd: Flasher = {
  tool: "pyocd",
  program: "pyocd",
  need: { name: "pyOCD", remedy: "install it (pipx install pyocd, or pip install pyocd)" },
  format: "elf",
  version: { args: ["--version"], pattern: /^(\d\S*)/ },
  failures: [
    [/Access denied|insufficient permissions|remedied with a udev rule/i, "permission"],
    [/Unable to claim interface|Resource busy/i, "busy"],
    [/Target type \S+ not recognized/, "unknown-target"],
    [/No connected debug probes|No target device available/, "no-probe"],
    [/Enter the number of the debug probe/, "many-probes"],
    [/flash (erase|program|init)\b.*failure|FlashFailure/i, "failed"],
    [/No flash memory|outside .*memory/i, "wrong-chip"],
    [
      /No ACK received|Memory transfer fault|No device connected|Get IDCODE error|No cores were discovered/i,
      "no-target",
    ],
  ],
  remedies: {
    permission:
      "install the udev rules of https://github.com/pyocd/pyOCD/tree/main/udev and plug the board in again",
  },
};

/** Writes what differs, and starts the image. */
export function pyOcdPlan(entry: Extract<FlashTool, { tool: "pyocd" }>, image: ImageFile): FlashPlan {
  const args = ["flash", "--no-wait", "--target", entry.target, image.path];
  return { files: [], steps: [{ program: pyOcd.program, args }] };
}
