/** bossac, for bootloaders of Arduino's SAM boards. Texts: its version 1.9.1, run without a board, and its sources. */
import { fail } from "../diagnostics/diagnostic.js";
import type { Board } from "../targets/boards.js";
import type { FlashTool } from "../targets/flash-tools.js";
import { addressText } from "./image.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

export const bossac: Flasher = {
  tool: "bossac",
  program: "bossac",
  need: {
    name: "bossac",
    remedy: "install it (Debian, Ubuntu: apt install bossa-cli; macOS: brew install bossa)",
  },
  format: "bin",
  version: { args: ["-h"], pattern: /Version (\d\S*)/ },
  failures: [
    [/Permission denied/i, "permission"],
    [/No device found on|No serial ports available/, "no-device"],
    [/Device unsupported|exceeds flash size|offset is invalid|Invalid flash page/, "wrong-chip"],
    [/Flash page is locked|Invalid lock region/, "protected"],
    [/Verify failed/, "verify"],
    [/SAM-BA operation failed|Flash command (failed|timeout)|Flash erase failed/, "no-target"],
  ],
  remedies: {
    permission:
      "join the group of serial ports (Debian, Ubuntu: sudo usermod -aG dialout $USER) and log in again",
    "no-device":
      "press the board's reset button twice, so that its bootloader starts, see that nothing else has the port open, and name the port by --port",
    "no-target": "press the reset button twice and try again",
  },
};

/** Erases, writes and compares what lies behind the bootloader, and starts it. */
export function bossacPlan(
  entry: Extract<FlashTool, { tool: "bossac" }>,
  image: ImageFile,
  board: Board,
  port: string | undefined,
): FlashPlan {
  const { origin } = board.memories.flash;
  if (image.address !== origin) {
    throw fail(
      "flashing/wrong-image",
      `it begins at ${addressText(image.address)}, but the bootloader of ${board.id} starts what is at ${addressText(origin)}`,
      { remedy: `link it for ${addressText(origin)}` },
    );
  }
  const where = port === undefined ? [] : [`--port=${port}`];
  const args = [...where, `--offset=${entry.offset}`, "-e", "-w", "-v", "-R", image.path];
  return { files: [], steps: [{ program: bossac.program, args }] };
}
