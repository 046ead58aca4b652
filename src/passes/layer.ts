/** What convolutions and dense layers are lowered from. */
import type { GraphNode, WeightTensor } from "../graph/types.js";
import type { Window } from "../program/types.js";
import type { Part } from "./select.js";
import type { MapShape, Value, View } from "./values.js";
import type { TapOrder } from "./weights.js";

/** A layer whose input and output have been placed: what is left is arithmetic. */
export interface Layer {
  readonly node: GraphNode;
  readonly weights: WeightTensor;
  readonly order: TapOrder;
  /** The weights' axis that counts outputs. */
  readonly outputAxis: number;
  readonly window: Window;
  readonly groups: number;
  readonly padValue: number;
  readonly input: Value;
  /** What the layer reads of the input's tensor; absent for all of it. */
  readonly part?: Part;
  readonly shape: MapShape;
  readonly view: View;
}
