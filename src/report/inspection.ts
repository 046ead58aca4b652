/** What is in a model file, as data and as text: the first part of what `bitloom inspect` shows. */
import { shortName } from "../diagnostics/text.js";
import { originText, printGraph } from "../graph/index.js";
import type { ModelGraph, Origin, Shape } from "../graph/types.js";
import { type Convention, conventionsOf } from "./conventions.js";
import { type LayerMethod, layerMethods } from "./methods.js";
import { textTable } from "./table.js";

export interface Inspection extends Origin {
  /** Format, version and producer in one text. */
  readonly source: string;
  readonly nodes: readonly { readonly name: string; readonly op: string; readonly output: Shape }[];
  readonly methods: readonly LayerMethod[];
  readonly conventions: readonly Convention[];
}

export function inspectGraph(graph: ModelGraph): Inspection {
  return {
    source: originText(graph.origin),
    ...graph.origin,
    nodes: graph.nodes.map((n) => ({
      name: n.name,
      op: n.op.kind,
      output: graph.values.get(n.output)!.shape,
    })),
    methods: layerMethods(graph),
    conventions: conventionsOf(graph),
  };
}

/** So many nodes are named where a convention holds for more. */
const NODES_SHOWN = 2;

export function inspectionText(graph: ModelGraph, { methods, conventions, ...origin }: Inspection): string {
  const { format, version, producer } = origin;
  const parts = [
    `format    ${[format, version].filter((part) => part !== "").join(", ")}`,
    `producer  ${producer || "not named in the file"}`,
    "",
    printGraph(graph),
  ];
  if (methods.length > 0) {
    const rows = methods.map((m) => [shortName(m.layer), m.weights, m.activations, m.bits, m.method]);
    parts.push(textTable(["layer", "weights", "activations", "bits", "method"], rows), "");
  }
  if (conventions.length > 0) {
    const rows = conventions.map((c) => [c.convention, c.taken, nodesText(c.nodes)]);
    parts.push(textTable(["convention", "taken", "in"], rows), "");
  }
  return parts.join("\n");
}

function nodesText(nodes: readonly string[]): string {
  const shown = nodes.slice(0, NODES_SHOWN).map(shortName).join(", ");
  return nodes.length <= NODES_SHOWN ? shown : `${shown} and ${nodes.length - NODES_SHOWN} more`;
}
