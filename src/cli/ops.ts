import { Command } from "commander";
import { kerasLayers, kerasQuantizers } from "../formats/keras/registry.js";
import { onnxOps } from "../formats/onnx/registry.js";
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
  const ops = onnxOps.map(({ op, domains, notes }) => ({
    op,
    domains: domains.filter((d) => d !== ""),
    notes,
  }));
  const rows = ops.map(({ op, domains, notes }) => [
    op,
    domains.includes("ai.onnx") ? "ONNX" : "QONNX",
    notes,
  ]);
  return {
    text: [
      textTable(["operator", "format", "supported"], rows),
      "",
      textTable(
        ["layer", "format", "supported"],
        kerasLayers.map((l) => [l.layer, l.from, l.notes]),
      ),
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
      layers: kerasLayers.map(({ layer, from, notes }) => ({ layer, from, notes })),
      quantizers: kerasQuantizers,
      kernels: kernels.map(({ name, summary }) => ({ name, summary })),
    },
  };
}
