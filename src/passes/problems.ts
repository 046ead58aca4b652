/** Problems that several rules report in the same words. */
import { shapeText } from "../diagnostics/text.js";
import type { GraphNode, Shape } from "../graph/types.js";
import type { Lowering } from "./lowering.js";

export function reportLayout(context: Lowering, node: GraphNode, shape: Shape): undefined {
  context.diagnostics.error(
    "lowering/layout",
    `reads a ${shapeText(shape)} value whose elements lie in an order that no kernel can read`,
    {
      where: node.name,
      remedy:
        "reshapes and transposes before it must keep pixels and channels apart: undo a flatten, or a swap of height and width",
    },
  );
  return undefined;
}
