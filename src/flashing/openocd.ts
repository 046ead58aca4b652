/** OpenOCD. Texts: its version 0.12.0, run without a probe, and src/flash/startup.tcl, src/jtag/drivers of its sources. */
import { fail } from "../diagnostics/diagnostic.js";
import type { FlashTool } from "../targets/flash-tools.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

type Entry = Extract<FlashTool, { tool: "openocd" }>;

export const openOcd: Flasher = {
  tool: "openocd",
  program: "openocd",
  need: {
    name: "OpenOCD",
    remedy: "install it (Debian, Ubuntu: apt install openocd; macOS: brew install openocd)",
  },
  format: "elf",
  version: { args: ["--version"], pattern: /Open On-Chip Debugger (\S+)/ },
  failures: [
    [/LIBUSB_ERROR_ACCESS|Permission denied|insufficient permissions/i, "permission"],
    [/LIBUSB_ERROR_BUSY|claim interface/i, "busy"],
    [/Can't find (interface|target|board)\//, "unknown-target"],
    [/UNEXPECTED idcode|expected 1 of 1|auto_probe failed|Cannot identify target/i, "wrong-chip"],
    [/no flash bank found|outside of any flash/i, "wrong-chip"],
    [/Verify Failed/, "verify"],
    [/write protected|device protected|read protection|APPROTECT|locked/i, "protected"],
    [
      /unable to find a matching CMSIS-DAP device|No J-Link device found|Error: open failed|unable to open .*device/,
      "no-probe",
    ],
    [
      /init mode failed|Error connecting DP|Unable to reset target|Target not examined|not halted|timed out while waiting for target/,
      "no-target",
    ],
  ],
  remedies: {
    permission:
      "install OpenOCD's udev rules (Debian's package has /usr/lib/udev/rules.d/60-openocd.rules, for the group plugdev), log in again and plug the board in again",
    "unknown-target": "update OpenOCD: this version has no configuration of this board",
  },
};

/** What both need: the configuration. No port is opened: another OpenOCD may run, and nobody is to connect. */
function configuration(entry: Entry): string[] {
  const silent = ["gdb_port", "tcl_port", "telnet_port"].flatMap((port) => ["-c", `${port} disabled`]);
  const transport = entry.transport === undefined ? [] : ["-c", `transport select ${entry.transport}`];
  return [...silent, "-f", entry.interface, ...transport, "-f", entry.target];
}

/** Reads the configuration and ends, without a probe: tests do it for every board. */
export function openOcdParsing(entry: Entry): readonly string[] {
  return [...configuration(entry), "-c", "shutdown"];
}

/** Writes, compares and starts the image, by OpenOCD's own `program`. */
export function openOcdPlan(entry: Entry, image: ImageFile): FlashPlan {
  // In braces a word of Tcl is taken as it stands, apart from these.
  if (/[{}\\]/.test(image.path)) {
    throw fail("flashing/bad-path", "OpenOCD takes no path with braces or backslashes in it", {
      where: image.path,
      remedy: "move the image to a folder with a plain name, or use another --tool",
    });
  }
  const program = `program {${image.path}} verify reset exit`;
  return { files: [], steps: [{ program: openOcd.program, args: [...configuration(entry), "-c", program] }] };
}
