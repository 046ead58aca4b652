/** Checks of a file as a whole, before any of its nodes is looked at. */
import type { Diagnostics } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/text.js";
import { damaged } from "../common/rejection.js";
import type { GraphProto, NodeProto } from "./onnx_pb.js";
import { normalDomain } from "./registry.js";

/** Versions of ONNX's own operators in which those that are read mean what they mean here. */
const OPSETS = { oldest: 7, newest: 25 } as const;

/** Every value has one source: a node, an initializer or an input (old files list initializers as inputs too). */
export function checkNames(graph: GraphProto, fileName: string, diagnostics: Diagnostics): void {
  const report = (message: string, where: string): void =>
    diagnostics.error("onnx/duplicate", message, { where, remedy: damaged });
  const outputs = graph.node.flatMap((node) => node.output).filter((name) => name !== "");
  const initializers = graph.initializer.map((tensor) => tensor.name);
  const inputs = graph.input.map((input) => input.name);
  for (const name of repeated(outputs)) report(`two nodes write "${printable(name)}"`, name);
  for (const name of repeated(initializers)) report(`two initializers are called "${printable(name)}"`, name);
  for (const name of repeated(inputs)) report(`two inputs are called "${printable(name)}"`, name);
  const written = new Set(outputs);
  for (const name of new Set([...initializers, ...inputs])) {
    if (written.has(name)) report(`a node writes "${printable(name)}", which the file gives already`, name);
  }
  if (graph.output.length === 0)
    diagnostics.error("onnx/no-output", "the graph has no output", { where: fileName, remedy: damaged });
}

export function checkCycle(cycle: readonly NodeProto[], fileName: string, diagnostics: Diagnostics): void {
  if (cycle.length === 0) return;
  const names = cycle.slice(0, 8).map((n) => printable(n.name || n.opType, 40));
  const rest = cycle.length > names.length ? ` and ${cycle.length - names.length} more` : "";
  diagnostics.error(
    "onnx/cycle",
    `these nodes wait for each other in a circle: ${names.join(" → ")}${rest}`,
    { where: fileName, remedy: "a feed-forward graph has no circles: export the model again" },
  );
}

/** `version` is that of ONNX's own operators; a file that uses none of them needs none. */
export function checkOpset(
  nodes: readonly NodeProto[],
  version: number | undefined,
  fileName: string,
  diagnostics: Diagnostics,
): void {
  if (!nodes.some((n) => normalDomain(n.domain) === "")) return;
  if (version !== undefined && version >= OPSETS.oldest && version <= OPSETS.newest) return;
  diagnostics.error(
    "onnx/opset",
    version === undefined
      ? "the file does not say which version of ONNX's operators it uses"
      : `the file uses version ${version} of ONNX's operators; ${OPSETS.oldest} to ${OPSETS.newest} are supported`,
    {
      where: fileName,
      remedy: `export with opset_version=18, or use onnx.version_converter.convert_version(model, ${OPSETS.newest})`,
    },
  );
}

/** Names that occur more than once. */
function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  return new Set(names.filter((name) => seen.has(name) || !seen.add(name)));
}
