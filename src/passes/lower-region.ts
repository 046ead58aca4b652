/** A YOLO head's numbers to boxes. */
import type { GraphNode, Region } from "../graph/types.js";
import { gathered } from "./gather.js";
import type { Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { arrangedMap } from "./select.js";
import { settleFloat } from "./settle.js";
import { emit, F32 } from "./sources.js";
import type { Value } from "./values.js";
import { identityView } from "./views.js";

export function lowerRegion(
  context: Lowering,
  node: GraphNode,
  { anchors, classes, classScores, scoreThreshold, iouThreshold, suppression, candidates }: Region,
  value: Value,
): Value | undefined {
  const settled = settleFloat(context, value, `${node.name} input`);
  if (settled === undefined) return undefined;
  const name = `${node.name} selection`;
  const head = arrangedMap(context, settled, 1, name) ?? gathered(context, settled, 1, name);
  if (head === undefined) return reportLayout(context, node, value.view.shape);
  const { shape } = context.graph.values.get(node.output)!;
  const boxes = shape[1]!;
  const rule = { anchors, classes, classScores, scoreThreshold, iouThreshold, suppression, candidates };
  const source = emit(context, node.name, [1, boxes, 6], { domain: F32 }, (output) => ({
    kind: "region",
    input: head.source.tensor,
    output,
    ...rule,
  }));
  return { source, steps: [], shape: source.shape, view: identityView(shape) };
}
