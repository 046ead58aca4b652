/**
 * SEGGER's J-Link Commander. It is not free software: options and texts are those of SEGGER's page "J-Link Commander" and
 * of logs that its users show in SEGGER's and Nordic's forums.
 */
import { join } from "node:path";
import type { FlashTool } from "../targets/flash-tools.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

export const jLink: Flasher = {
  tool: "jlink",
  program: "JLinkExe",
  need: {
    name: "J-Link Commander (JLinkExe)",
    remedy: "install SEGGER's J-Link software (https://www.segger.com/downloads/jlink/)",
  },
  format: "hex",
  failures: [
    [/Permission denied|no permission/i, "permission"],
    [/already in use|in use by another/i, "busy"],
    [/Connecting to J-Link via USB\.\.\.\s*FAILED|Cannot connect to (the )?(J-Link|probe)/i, "no-probe"],
    [/Unknown device|is not (a )?(valid|known) device|Failed to get index for device/i, "unknown-target"],
    [/Verification failed|Verify failed/i, "verify"],
    [/secured|readout protection|read protect/i, "protected"],
    [/Cannot connect to target|Could not connect to (the )?target|Could not find core/i, "no-target"],
  ],
  remedies: {
    permission:
      "install SEGGER's package, which has the udev rule 99-jlink.rules, and plug the board in again",
    "unknown-target": "update the J-Link software: this version does not know the device",
  },
  success: /Downloading file[\s\S]*O\.K\./,
};

/** Writes, compares and starts the image, by a script of commands that lies beside the image. */
export function jLinkPlan(
  entry: Extract<FlashTool, { tool: "jlink" }>,
  image: ImageFile,
  folder: string,
): FlashPlan {
  const script = join(folder, "flash.jlink");
  const target = ["-Device", entry.device, "-If", "SWD", "-Speed", "4000", "-AutoConnect", "1"];
  return {
    files: [{ path: script, text: `r\nloadfile "${image.path}"\nr\ng\nexit\n` }],
    steps: [
      {
        program: jLink.program,
        args: ["-NoGui", "1", "-ExitOnError", "1", ...target, "-CommandFile", script],
      },
    ],
  };
}
