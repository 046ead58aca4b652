/** Layers that move, cut and surround values. */
import { shapeText } from "../../../diagnostics/text.js";
import type { Shape } from "../../../graph/types.js";
import { listText, Rejection } from "../../common/rejection.js";
import { axisOf, type BundleValue, type LayerCall, mapInput, onlyInput } from "../call.js";
import { dimension, float, oneOf, perDimension, wholeNumber } from "../fields.js";
import { layer } from "../layer.js";

export const flatten = layer("flatten", "all but the batch", {}, (call) => {
  const input = onlyInput(call);
  return reshaped(call, input, [1, countOf(input.shape)]);
});

export const reshape = layer(
  "reshape",
  "one size may be −1",
  {
    shape: perDimension(
      -1,
      "the new shape, the batch of 1 included; one size may be −1, which is what is left",
    ),
  },
  (call, settings) => {
    const input = onlyInput(call);
    const known = settings.shape.filter((n) => n !== -1).reduce((a, b) => a * b, 1);
    const shape = settings.shape.map((n) => (n === -1 ? countOf(input.shape) / known : n));
    const isWhole = shape.every((n) => Number.isSafeInteger(n) && n >= 1);
    if (
      isWhole &&
      countOf(shape) === countOf(input.shape) &&
      settings.shape.filter((n) => n === -1).length <= 1
    )
      return reshaped(call, input, shape);
    throw new Rejection(
      `shape ${shapeText(input.shape)} cannot become ${listText(settings.shape, "×")}`,
      "both must have the same number of elements",
    );
  },
);

function reshaped(call: LayerCall, input: BundleValue, shape: Shape, part?: string): BundleValue {
  return call.emit({ kind: "reshape" }, [input], shape, {
    dtype: input.dtype,
    ...(part === undefined ? {} : { part }),
  });
}

export const permute = layer(
  "permute",
  "",
  { dims: perDimension(0, "axes of the input in their new order, counted from 0: [0, 2, 3, 1]") },
  (call, { dims }) => {
    const input = onlyInput(call);
    const isOrder = [...dims].sort((a, b) => a - b).every((axis, i) => axis === i);
    if (!isOrder || dims.length !== input.shape.length)
      throw new Rejection(
        `${listText(dims)} is no order of ${input.shape.length} axes`,
        "name every axis once, from 0 on",
      );
    return permuted(call, input, dims);
  },
);

function permuted(
  call: LayerCall,
  input: BundleValue,
  permutation: readonly number[],
  part?: string,
): BundleValue {
  const shape = permutation.map((axis) => input.shape[axis]!);
  return call.emit({ kind: "transpose", permutation }, [input], shape, part === undefined ? {} : { part });
}

/** `x.view(1, groups, -1, H, W).transpose(1, 2)` and back, as torch.nn.ChannelShuffle. */
export const channelShuffle = layer(
  "channel_shuffle",
  "",
  { groups: wholeNumber(1, 1 << 16, "groups of channels: a whole number from 1 on") },
  (call, { groups }) => {
    const input = onlyInput(call);
    const [, channels = 1, ...rest] = input.shape;
    if (channels % groups !== 0)
      throw new Rejection(`${groups} groups do not divide ${channels} channels`, "use a divisor");
    const apart = reshaped(call, input, [1, groups, channels / groups, ...rest], "groups");
    const turned = permuted(call, apart, [0, 2, 1, ...rest.map((_, i) => i + 3)], "turned");
    return reshaped(call, turned, input.shape);
  },
);

const orders = ["torch", "onnx", "darknet"] as const;

/** torch.nn.PixelUnshuffle, ONNX' and TensorFlow's SpaceToDepth, or darknet's reorg layer. */
export const spaceToDepth = layer(
  "space_to_depth",
  "darknet's order needs channels that block_size² divides",
  {
    block_size: wholeNumber(1, 1 << 8, "rows and columns that become channels: a whole number from 1 on"),
    order: oneOf(
      orders,
      "torch (as PixelUnshuffle: the block's pixels innermost), onnx (the channels innermost) or darknet (as its reorg layer)",
    ),
  },
  (call, { block_size: size, order }) => {
    const { channels, height, width } = mapInput(call, 2);
    const input = onlyInput(call);
    const area = size * size;
    const shape = [1, channels * area, height / size, width / size];
    if (height % size !== 0 || width % size !== 0 || (order === "darknet" && channels % area !== 0))
      throw new Rejection(
        `blocks of ${size} do not divide ${shapeText(input.shape)}`,
        "the block size divides height and width; in darknet's order its square divides the channels",
      );
    if (order !== "darknet") return blocksMoved(call, input, size, order, shape);
    // reorg_cpu takes the map's numbers for those of one with fewer channels and more rows and columns.
    const larger = [1, channels / area, height * size, width * size];
    const taken = reshaped(call, input, larger, "larger map");
    const moved = blocksMoved(call, taken, size, "onnx", input.shape, "moved");
    return reshaped(call, moved, shape);
  },
);

/** Space-to-depth to `shape`, or to another of as many elements. */
function blocksMoved(
  call: LayerCall,
  input: BundleValue,
  size: number,
  order: "torch" | "onnx",
  shape: Shape,
  part?: string,
): BundleValue {
  const [, channels, height, width] = input.shape as readonly [number, number, number, number];
  const apart = [1, channels, height / size, size, width / size, size];
  const blocks = reshaped(call, input, apart, "blocks");
  const axes = order === "torch" ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  return reshaped(call, permuted(call, blocks, axes, "turned"), shape, part);
}

const sides = "elements for each axis of the input, the batch included: [0, 0, 1, 1]";

export const pad = layer(
  "pad",
  "",
  {
    before: perDimension(0, `before: ${sides}`),
    after: perDimension(0, `after: ${sides}`),
    value: float("what the new elements are (PyTorch's ZeroPad2d: 0)"),
  },
  (call, { before, after, value }) => {
    const input = onlyInput(call);
    const { length } = input.shape;
    if (before.length !== length || after.length !== length)
      throw new Rejection(
        `it has ${before.length} and ${after.length} pads for ${length} axes`,
        "give one number per axis, the batch included",
      );
    const shape = input.shape.map((n, axis) => before[axis]! + n + after[axis]!);
    return call.emit({ kind: "pad", before, after, value: Math.fround(value) }, [input], shape);
  },
);

const place = (what: string) => wholeNumber(-(1 << 24), 1 << 24, `${what}; negative ones count from the end`);

export const slice = layer(
  "slice",
  "one axis, forward: x[start:end:step]",
  {
    dim: dimension("what is cut"),
    start: place("the first element").default(0),
    end: place("the element behind the last; without it, all that follow").optional(),
    step: wholeNumber(1, 1 << 24, "a whole number from 1 on").default(1),
  },
  (call, { dim, start, end, step }) => {
    const input = onlyInput(call);
    const axis = axisOf(dim, input);
    const size = input.shape[axis]!;
    const inside = (n: number): number => Math.min(Math.max(n < 0 ? n + size : n, 0), size);
    const count = Math.ceil((inside(end ?? size) - inside(start)) / step);
    if (count < 1)
      throw new Rejection(
        `it takes nothing of axis ${axis}, which has ${size} elements`,
        "check start and end",
      );
    const along = (value: number, others: number): number[] =>
      input.shape.map((_, i) => (i === axis ? value : others));
    const op = { kind: "slice", starts: along(inside(start), 0), steps: along(step, 1) } as const;
    return call.emit(op, [input], input.shape.with(axis, count));
  },
);

/** The sum of two values or more, from the left. */
export const add = layer("add", "values of one shape", {}, (call) => {
  const [first, ...rest] = call.inputs;
  if (first === undefined || rest.length === 0)
    throw new Rejection("it adds fewer than two values", 'name them: "inputs": ["conv1", "input"]');
  const other = rest.find(({ shape }) => shapeText(shape) !== shapeText(first.shape));
  if (other !== undefined) {
    throw new Rejection(
      `it adds the shapes ${shapeText(first.shape)} and ${shapeText(other.shape)}`,
      "all must have the same shape",
    );
  }
  return rest.reduce(
    (sum, next, i) =>
      call.emit(
        { kind: "sum" },
        [sum, next],
        first.shape,
        i === rest.length - 1 ? {} : { part: `sum of ${i + 2}` },
      ),
    first,
  );
});

export const concat = layer(
  "concat",
  "",
  { dim: dimension("along which the values stand side by side (channels: 1)") },
  (call, { dim }) => {
    const [first, ...rest] = call.inputs;
    if (first === undefined || rest.length === 0)
      throw new Rejection("it joins fewer than two values", 'name them: "inputs": ["conv1", "input"]');
    const axis = axisOf(dim, first);
    const fits = ({ shape }: BundleValue): boolean =>
      shape.length === first.shape.length && shape.every((n, i) => i === axis || n === first.shape[i]);
    if (!rest.every(fits)) {
      const shapes = call.inputs.slice(0, 4).map((v) => shapeText(v.shape));
      throw new Rejection(
        `it joins the shapes ${shapes.join(", ")} along axis ${dim}`,
        "all other sizes must be equal",
      );
    }
    const size = call.inputs.reduce((n, v) => n + v.shape[axis]!, 0);
    return call.emit({ kind: "concat", axis }, call.inputs, first.shape.with(axis, size));
  },
);

function countOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
