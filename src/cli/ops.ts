import { Command } from "commander";
import { kerasQuantizers } from "../formats/keras/registry.js";
import { supportedOps } from "../formats/support.js";
import { kernels } from "../kernels/registry.js";
import { textTable } from "../report/table.js";
import { present } from "./output.js";

export function opsCommand(): Command {
  return new Command("ops")
    .description("list the operators and layers that importers read and the kernels that compute them")
    .option("--json", "print one JSON object", false)
    .addHelpText("after", "\nExample:\n  bitloom ops\n")
    .action((options: { json: boolean }) => present(options.json, run));
}

function run() {
  const ops = supportedOps.map((entry) => ({ ...entry, domains: entry.domains.filter((d) => d !== "") }));
  const rows = ops.map(({ op, format, notes }) => [op, format, notes]);
  return {
    text: [
      textTable(["operator or layer", "format", "supported"], rows),
      "",
      textTable(
        ["quantizer or activation", "of"],
        kerasQuantizers.map((q) => [q.name, q.of]),
      ),
      "",
      textTable(
        ["kernel", "computes"],
        kernels.map((k) => [k.name, k.summary]),
      ),
    ].join("\n"),
    json: {
      ops,
      quantizers: kerasQuantizers,
      kernels: kernels.map(({ name, summary }) => ({ name, summary })),
    },
  };
}
