/** Counting calls of functions in QEMU: arguments for the plugin, and its report read back. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { instructionsIn, parseCounts } from "../profile/counters.js";
import { temporaryFolder } from "../toolchain/at-exit.js";
import type { Elf } from "../toolchain/elf.js";
import type { ProcessOptions } from "./process-machine.js";
import { addressOf } from "./profiled-function.js";
import { buildQemuPlugin } from "./qemu-plugin.js";
import type { FunctionCall } from "./types.js";

export interface QemuProfile extends Required<Pick<ProcessOptions, "findings" | "cleanUp">> {
  readonly args: readonly string[];
}

/** Throws `emulator/no-function` (exit 2) for a function that the image does not have. */
export async function profileByPlugin(
  qemu: string,
  elf: Elf,
  functions: readonly string[],
): Promise<QemuProfile> {
  const addresses = functions.map((name) => addressOf(elf, name));
  const plugin = await buildQemuPlugin(qemu);
  const folder = temporaryFolder(`bitloom-profile-${process.pid}-`);
  const report = join(folder.path, "calls.txt");
  const hex = addresses.map((a) => `0x${a.toString(16)}`).join(":");
  return {
    args: ["-plugin", `file=${option(plugin)},out=${option(report)},regions=${hex}`],
    findings: async () => {
      const text = await readFile(report, "utf8").catch(() => "");
      return { calls: parseReport(text, functions) };
    },
    cleanUp: folder.remove,
  };
}

/** Calls in the order of their returns. A last line that is cut short belongs to a call that is left out. */
export function parseReport(text: string, functions: readonly string[]): FunctionCall[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => {
    const [region, ...words] = line.split(" ");
    const counts = parseCounts(words);
    return { function: functions[Number(region)]!, instructions: instructionsIn(counts), counts };
  });
}

/** A value in an option of QEMU, where a comma ends it unless doubled. */
function option(value: string): string {
  return value.replaceAll(",", ",,");
}
