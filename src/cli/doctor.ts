import { Command } from "commander";
import { ExitCode } from "../diagnostics/diagnostic.js";
import { probeFlashers } from "../flashing/index.js";
import { textTable } from "../report/table.js";
import { probeTools } from "../toolchain/index.js";
import { present } from "./output.js";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("check which tools are installed, and say how to install what is missing")
    .option("--json", "print one JSON object", false)
    .addHelpText("after", "\nExample:\n  bitloom doctor\n")
    .action((options: { json: boolean }) => present(options.json, run));
}

/** Without these nothing can be built; the rest adds emulators and flashers. */
const REQUIRED = ["gcc-arm", "newlib", "host-cc"];

/** What can be done with what is here: a list of missing tools looks worse than it is. */
function readiness(
  has: (id: string) => boolean,
  flashers: readonly { id: string; found: boolean }[],
): string[] {
  const lacking = REQUIRED.filter((id) => !has(id));
  const emulators = ["qemu", "renode"].filter(has);
  const usable = flashers.filter((f) => f.found).map((f) => f.id);
  return [
    "compile, fit, inspect, run: ready (they need no tool)",
    lacking.length > 0
      ? `verify, profile, compare: not ready without ${lacking.join(", ")}`
      : emulators.length > 0
        ? `verify: ready, in ${emulators.join(" and ")}`
        : "verify: ready with --emulator host only; install qemu or renode for whole images",
    usable.length > 0
      ? `flash: ready for boards that take ${usable.join(" or ")}, or UF2 files`
      : "flash: ready for boards that take UF2 files; others need one of their tools, not all (`bitloom boards ID` lists them)",
  ];
}

async function run() {
  const flashers = (await probeFlashers()).map(({ tool, ...rest }) => ({ id: tool, ...rest }));
  const tools = [...(await probeTools()), ...flashers];
  const missing = tools.filter((t) => !t.found);
  const rows = tools.map((t) => [t.found ? "ok" : "missing", t.id, t.purpose, t.version ?? t.path ?? ""]);
  const remedies = missing.map((t) => `${t.id}: ${t.remedy}`);
  const text = [
    textTable(["", "tool", "purpose", "found"], rows),
    ...(remedies.length > 0 ? ["", "To add what is missing:", ...remedies] : []),
    "",
    ...readiness((id) => tools.some((t) => t.id === id && t.found), flashers),
  ];
  return {
    text: text.join("\n"),
    json: { node: process.version, tools },
    exitCode: missing.some((t) => REQUIRED.includes(t.id)) ? ExitCode.toolMissing : ExitCode.ok,
  };
}
