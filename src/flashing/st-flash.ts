/** st-flash of stlink-tools. Texts: its version 1.7.0, run without a probe, and src/stlink-lib of its sources. */
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

export const stFlash: Flasher = {
  tool: "st-flash",
  program: "st-flash",
  need: {
    name: "st-flash",
    remedy: "install it (Debian, Ubuntu: apt install stlink-tools; macOS: brew install stlink)",
  },
  format: "hex",
  version: { args: ["--version"], pattern: /v?(\d+\.\d\S*)/ },
  failures: [
    [/access error|LIBUSB_ERROR_ACCESS|Error -3 /, "permission"],
    [/unable to claim/, "busy"],
    [/Couldn't find any ST-Link|Could not open stlink device/i, "no-probe"],
    [/unknown (chip|core) ?id|unrecognized flash type|Unknown memory region/i, "wrong-chip"],
    [/write protected/, "protected"],
    [/Verification of flash failed/, "verify"],
    [
      /Can not connect to target|Could not find chip id|Failed to connect to target|Failed to halt/,
      "no-target",
    ],
  ],
  remedies: {
    permission:
      "install the udev rules of stlink-tools (Debian's package has /usr/lib/udev/rules.d/49-stlinkv*.rules) and plug the board in again",
  },
};

/** Writes, compares and starts the image; the addresses are in the file. */
export function stFlashPlan(image: ImageFile): FlashPlan {
  const args = ["--reset", "--format", "ihex", "write", image.path];
  return { files: [], steps: [{ program: stFlash.program, args }] };
}
