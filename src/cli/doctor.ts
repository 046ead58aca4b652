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

async function run() {
  const flashers = (await probeFlashers()).map(({ tool, ...rest }) => ({ id: tool, ...rest }));
  const tools = [...(await probeTools()), ...flashers];
  const missing = tools.filter((t) => !t.found);
  const rows = tools.map((t) => [t.found ? "ok" : "missing", t.id, t.purpose, t.version ?? t.path ?? ""]);
  const remedies = missing.map((t) => `${t.id}: ${t.remedy}`);
  const text = [
    textTable(["", "tool", "purpose", "found"], rows),
    ...(remedies.length > 0 ? ["", ...remedies] : []),
  ];
  return {
    text: text.join("\n"),
    json: { node: process.version, tools },
    exitCode: missing.some((t) => REQUIRED.includes(t.id)) ? ExitCode.toolMissing : ExitCode.ok,
  };
}
