import type { Command } from "commander";
import { BitloomError, type Diagnostic } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import { lowerGraph } from "../passes/registry.js";
import { type Plan, planProgram } from "../plan/index.js";
import { inspectGraph, inspectionText } from "../report/inspection.js";
import { summarize, summaryText } from "../report/summary.js";
import { modelCommand } from "./model-command.js";
import { compileOptions, graphFromOptions, type ModelOptions } from "./options.js";
import { present } from "./output.js";

export function inspectCommand(): Command {
  return modelCommand(
    "inspect",
    "show what is in a model file: its producer, each layer's method, the conventions taken, the costs, every problem",
  )
    .addHelpText("after", "\nExample:\n  bitloom inspect mnist.onnx\n")
    .action((model: string, options: ModelOptions & { json: boolean }) =>
      present(options.json, () => run(model, options)),
    );
}

/** A graph that can be read but not deployed is still shown, with what stands in its way. */
function run(path: string, options: ModelOptions) {
  const graph = graphFromOptions(path, options);
  const { plan, diagnostics, failed } = tryPlan(graph, options);
  const inspection = inspectGraph(graph);
  const summary = plan === undefined ? undefined : summarize(plan);
  return {
    text: [inspectionText(graph, inspection), ...(summary === undefined ? [] : [summaryText(summary)])].join(
      "\n",
    ),
    json: { ...inspection, ...(summary ?? {}) },
    diagnostics,
    ...(failed === undefined ? {} : { exitCode: failed.exitCode }),
  };
}

function tryPlan(
  graph: ModelGraph,
  options: ModelOptions,
): { plan?: Plan; diagnostics: readonly Diagnostic[]; failed?: BitloomError } {
  try {
    const wanted = compileOptions(options);
    const { program, diagnostics } = lowerGraph(graph, wanted);
    return { plan: planProgram(program, wanted), diagnostics: diagnostics.all };
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    return { diagnostics: error.diagnostics, failed: error };
  }
}
