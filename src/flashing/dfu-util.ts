/** dfu-util, for bootloaders of USB's class DFU. Texts: its version 0.11, run without a board and from the program itself. */
import { fail } from "../diagnostics/diagnostic.js";
import type { FlashTool } from "../targets/flash-tools.js";
import { addressText } from "./image.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

export const dfuUtil: Flasher = {
  tool: "dfu-util",
  program: "dfu-util",
  need: {
    name: "dfu-util",
    remedy: "install it (Debian, Ubuntu: apt install dfu-util; macOS: brew install dfu-util)",
  },
  format: "bin",
  version: { args: ["--version"], pattern: /dfu-util (\d\S*)/ },
  failures: [
    [/LIBUSB_ERROR_ACCESS/, "permission"],
    [/LIBUSB_ERROR_BUSY|Cannot claim interface/, "busy"],
    [/No DFU capable USB device available|Lost device after RESET/, "no-device"],
    [/More than one DFU capable USB device/, "many-probes"],
    [/does not match device|address that is out of range|not writeable/i, "wrong-chip"],
    [/Read protection|errVENDOR|vendor specific error/i, "protected"],
    [/Error during download|USB communication error|Error sending/, "failed"],
  ],
  remedies: {
    permission:
      "install dfu-util's udev rules (Debian's package has /usr/lib/udev/rules.d/60-dfu-util.rules) and plug the board in again",
    "no-device":
      "start the board's bootloader (boards differ: two presses of the reset button, or BOOT held while it is plugged in) and use a USB cable with data lines",
    "many-probes": "unplug the other boards that are in their bootloader",
  },
  // Told to leave, a bootloader is gone before the last status is read, and dfu-util ends with an error.
  success: /File downloaded successfully|Download done\./,
};

/** Writes the image and starts it. */
export function dfuUtilPlan(entry: Extract<FlashTool, { tool: "dfu-util" }>, image: ImageFile): FlashPlan {
  const { vidPid, alt, address } = entry;
  if (address !== undefined && Number(address) !== image.address) {
    throw fail(
      "flashing/wrong-image",
      `it begins at ${addressText(image.address)}, but the bootloader writes at ${addressText(Number(address))}`,
      { remedy: `link it for ${addressText(Number(address))}` },
    );
  }
  const place = address === undefined ? ["-R"] : ["-s", `${address}:leave`];
  const args = ["-d", vidPid, "-a", String(alt), ...place, "-D", image.path];
  return { files: [], steps: [{ program: dfuUtil.program, args }] };
}
