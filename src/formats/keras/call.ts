/** What layer handlers see: a layer's settings and weights, what it reads, and the graph under construction. */
import { printable, shapeText } from "../../diagnostics/text.js";
import type { FloatTensor, GraphOp, Shape } from "../../graph/types.js";
import type { ChannelsLastValue, Layout } from "../common/channels-last.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { Settings } from "./settings.js";

export interface LayerCall {
  readonly className: string;
  /** The package of the layer. */
  readonly from: "Keras" | "Larq" | "QKeras";
  /** The first number of the version of Keras that wrote the file. */
  readonly kerasMajor: number;
  readonly settings: Settings;
  readonly inputs: readonly ChannelsLastValue[];
  /** Further arguments of the call, by name or by place ("0", "1"). */
  readonly args: Settings;
  /**
   * The layer's weights, one for each name, in Keras' order of a layer's weights. Throws a Rejection where the file
   * has others.
   */
  weights(names: readonly string[]): readonly FloatTensor[];
  /**
   * Adds a graph node that reads values in a layout. `shape` is the result's in Keras' order; `part` tells the node
   * apart from the layer's main one.
   */
  emit(
    op: GraphOp,
    inputs: readonly ChannelsLastValue[],
    shape: Shape,
    layout: Layout,
    part?: string,
  ): ChannelsLastValue;
}

/** The result of a layer. Throws a Rejection for what it cannot take. */
export type LayerHandler = (call: LayerCall) => ChannelsLastValue;

/** The only value that a layer reads. */
export function onlyInput(call: LayerCall): ChannelsLastValue {
  const [input] = call.inputs;
  if (input !== undefined && call.inputs.length === 1) return input;
  throw new Rejection(`it reads ${call.inputs.length} values`, damaged);
}

/** The only value, which must be a map [1, H, W, C] or a signal [1, length, C]. */
export function mapInput(call: LayerCall, rank: number): ChannelsLastValue {
  const input = onlyInput(call);
  if (input.shape.length === rank) return input;
  throw new Rejection(
    `its input has the shape ${shapeText(input.shape)}`,
    rank === 4
      ? "maps of shape 1×height×width×channels are expected"
      : "signals of shape 1×length×channels are expected",
  );
}

/** Refuses layers with channels in front: their files describe other shapes. */
export function checkChannelsLast(settings: Settings): void {
  const format = settings.text("data_format", "channels_last");
  if (format !== "channels_last")
    throw new Rejection(
      `its data format is ${printable(format, 20)}`,
      "build the model with data_format='channels_last'",
    );
}
