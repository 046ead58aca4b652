/** probe-rs: debug probes of all makers, without configuration. Texts: probe-rs 0.32, probe-rs-tools and probe-rs/src. */
import type { FlashTool } from "../targets/flash-tools.js";
import type { Flasher, FlashPlan, ImageFile } from "./types.js";

export const probeRs: Flasher = {
  tool: "probe-rs",
  program: "probe-rs",
  need: {
    name: "probe-rs",
    remedy: "install it as https://probe.rs/docs/getting-started/installation/ says",
  },
  format: "elf",
  version: { args: ["--version"], pattern: /probe-rs(?:-tools)? (\d\S*)/ },
  failures: [
    [/Permission denied|EACCES|could not be opened/i, "permission"],
    [/already in use|Resource busy|EBUSY/i, "busy"],
    [/No connected probes were found|Probe not found|debug probe was not found/, "no-probe"],
    [/Available Probes:|The following devices were found|probes were found:/, "many-probes"],
    [/chip '.*' was not found/, "unknown-target"],
    [/locked|permission to erase/i, "protected"],
    [/verification failed/i, "verify"],
    [/No flash memory contains|not contained in/, "wrong-chip"],
    [/Connecting to the chip was unsuccessful|Failed to find or attach to the target/, "no-target"],
  ],
  remedies: {
    permission:
      "install the udev rules of https://probe.rs/docs/getting-started/probe-setup/ and plug the board in again",
    "many-probes": "unplug the other boards, or name one: set PROBE_RS_PROBE to its VID:PID:serial",
    "unknown-target": "update probe-rs: this version does not know the chip (`probe-rs chip list`)",
  },
};

/** Writes and compares, then starts the image. */
export function probeRsPlan(entry: Extract<FlashTool, { tool: "probe-rs" }>, image: ImageFile): FlashPlan {
  const chip = ["--chip", entry.chip];
  return {
    files: [],
    steps: [
      { program: probeRs.program, args: ["download", ...chip, "--verify", image.path] },
      { program: probeRs.program, args: ["reset", ...chip] },
    ],
  };
}
