import { Command } from "commander";
import { ExitCode } from "../diagnostics/diagnostic.js";
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

async function run() {
  const tools = await probeTools();
  const missing = tools.filter((t) => t.path === undefined);
  const rows = tools.map((t) => [
    t.path === undefined ? "missing" : "ok",
    t.name,
    t.version ?? "",
    t.path ?? t.neededFor,
  ]);
  const remedies = missing.map((t) => `${t.name}: ${t.remedy}`);
  return {
    text: [
      textTable(["", "tool", "version", "path"], rows),
      ...(remedies.length > 0 ? ["", ...remedies] : []),
    ].join("\n"),
    json: { node: process.version, tools },
    exitCode: missing.some((t) => t.required) ? ExitCode.toolMissing : ExitCode.ok,
  };
}
