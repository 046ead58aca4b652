/** Operators that cut, join and move computed values; lists of sizes are folded. */
import { printable, shapeText } from "../../../diagnostics/text.js";
import { stridedPositions, stridesOf } from "../../../graph/broadcast.js";
import type { Shape } from "../../../graph/types.js";
import { type Constant, countOf, intConstant } from "../../common/constant.js";
import { checkComputed, checkList } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import {
  constantValue,
  floatInput,
  intInput,
  normalAxis,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
  type Value,
} from "../node.js";

export const concat: OpHandler = (node) => {
  if (node.inputs.length === 0) throw new Rejection("it joins nothing", damaged);
  const given = node.inputs.map((_, i) => requiredInput(node, i));
  if (given.every((v) => v.kind === "constant")) return concatLists(node);
  if (given.some((v) => v.kind === "constant"))
    throw new Rejection("it joins a computed value with a constant", "join computed values only, or use Pad");
  const parts = given.map((_, i) => runtimeInput(node, i));
  const [first] = parts as [RuntimeValue];
  const rank = first.shape.length;
  const axis = normalAxis(intAttribute(node.attributes, "axis", 0), rank);
  const fits = (s: Shape): boolean =>
    s.length === rank && s.every((n, i) => i === axis || n === first.shape[i]);
  if (!parts.every((p) => fits(p.shape))) {
    const shapes = parts.slice(0, 4).map((p) => shapeText(p.shape));
    throw new Rejection(
      `it joins the shapes ${shapes.join(", ")} along axis ${axis}`,
      "all other sizes must be equal",
    );
  }
  if (parts.length === 1) return first;
  const size = parts.reduce((sum, p) => sum + p.shape[axis]!, 0);
  return node.emit({ kind: "concat", axis }, parts, first.shape.with(axis, size));
};

function concatLists(node: OnnxNode): Value {
  const parts = node.inputs.map((_, i) => intInput(node, i, "parts"));
  if (parts.some((p) => p.shape.length !== 1))
    throw new Rejection("it joins constants other than lists of sizes", "simplify the model");
  normalAxis(intAttribute(node.attributes, "axis", 0), 1);
  const count = parts.reduce((sum, p) => sum + p.data.length, 0);
  checkList(count);
  const data = parts.flatMap((p) => [...p.data]);
  return constantValue(intConstant([data.length], data));
}

/** One part of an axis: elements `start`, `start + step`, … */
interface Range {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

export const slice: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const shape = input.kind === "constant" ? input.constant.shape : input.shape;
  const ranges = rangesOf(node, shape);
  if (input.kind === "constant") return constantValue(cutConstant(input.constant, ranges));
  const backward = ranges.find((r) => r.step < 0);
  if (backward !== undefined)
    throw new Rejection(`it has the step ${backward.step}`, "only slices that go forward are supported");
  return cut(node, runtimeInput(node, 0), ranges);
};

/** Lists of sizes and axes, which exporters also turn around. */
function cutConstant(constant: Constant, ranges: readonly Range[]): Constant {
  if (constant.kind !== "int")
    throw new Rejection("it cuts a float constant", "simplify the model before exporting");
  const strides = stridesOf(constant.shape);
  const sizes = [...constant.shape];
  let first = 0;
  for (const { axis, start, step, count } of ranges) {
    first += start * strides[axis]!;
    strides[axis]! *= step;
    sizes[axis] = count;
  }
  checkList(countOf(sizes));
  const data = Array.from(stridedPositions(sizes, strides, first), (position) => constant.data[position]!);
  return intConstant(sizes, data);
}

/** Starts, ends, axes and steps are attributes before opset 10, then inputs. Ends beyond the axis mean its end. */
function rangesOf(node: OnnxNode, shape: Shape): Range[] {
  const isOld = node.inputs.length === 1;
  const list = (name: string, index: number): readonly number[] | undefined => {
    if (isOld) return intsAttribute(node.attributes, name);
    return node.inputs[index] === undefined ? undefined : intInput(node, index, name).data;
  };
  const [starts, ends] = [list("starts", 1), list("ends", 2)];
  if (starts === undefined || ends === undefined)
    throw new Rejection("it does not say where it starts and ends", damaged);
  const axes = (list("axes", 3) ?? starts.map((_, i) => i)).map((a) => normalAxis(a, shape.length));
  const steps = list("steps", 4) ?? starts.map(() => 1);
  const same = [ends, axes, steps].every((l) => l.length === starts.length);
  if (!same || new Set(axes).size !== axes.length)
    throw new Rejection("its starts, ends, axes and steps do not fit together", damaged);
  return axes.map((axis, i) => rangeOf(axis, shape[axis]!, starts[i]!, ends[i]!, steps[i]!));
}

function rangeOf(axis: number, size: number, from: number, to: number, step: number): Range {
  if (step === 0) throw new Rejection("it has the step 0", damaged);
  const clamp = (n: number, least: number, most: number): number =>
    Math.min(Math.max(n < 0 ? n + size : n, least), most);
  const [start, end] =
    step > 0
      ? [clamp(from, 0, size), clamp(to, 0, size)]
      : [clamp(from, 0, size - 1), clamp(to, -1, size - 1)];
  const count = Math.ceil((end - start) / step);
  if (count >= 1) return { axis, start, step, count };
  throw new Rejection(`it takes nothing of axis ${axis}, which has ${size} elements`, damaged);
}

function cut(node: OnnxNode, input: RuntimeValue, ranges: readonly Range[], output = 0): RuntimeValue {
  const starts = input.shape.map(() => 0);
  const steps = input.shape.map(() => 1);
  const sizes = [...input.shape];
  for (const { axis, start, step, count } of ranges) {
    starts[axis] = start;
    steps[axis] = step;
    sizes[axis] = count;
  }
  if (sizes.every((n, i) => n === input.shape[i])) return input;
  return node.emit({ kind: "slice", starts, steps }, input, sizes, { output });
}

/** One slice per output that is read. */
export const split: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const axis = normalAxis(intAttribute(node.attributes, "axis", 0), input.shape.length);
  const sizes = splitSizes(node, input.shape[axis]!);
  let start = 0;
  return sizes.map((count, output) => {
    const range = { axis, start, step: 1, count };
    start += count;
    return node.outputs[output] ? cut(node, input, [range], output) : undefined;
  });
};

/** As the node lists them, or equal ones; of `num_outputs` (opset 18) the last may be smaller. */
function splitSizes(node: OnnxNode, size: number): readonly number[] {
  const parts = node.outputs.length;
  const listed =
    node.inputs[1] === undefined ? intsAttribute(node.attributes, "split") : intInput(node, 1, "sizes").data;
  const stated = intAttribute(node.attributes, "num_outputs", parts);
  if (listed === undefined && stated === parts) {
    const each = Math.ceil(size / parts);
    const isEven = each * parts === size || node.attributes.has("num_outputs");
    if (isEven && (parts - 1) * each < size)
      return Array.from({ length: parts }, (_, i) => Math.min(each, size - i * each));
  }
  if (listed?.length === parts && listed.every((n) => n >= 1) && listed.reduce((a, b) => a + b, 0) === size)
    return listed;
  throw new Rejection(
    `its ${parts} outputs do not add up to the ${size} elements of the axis`,
    listed === undefined ? damaged : `its sizes are ${listText(listed)}: export the model again`,
  );
}

/** Constant pads. A value other than 0 stays what it is: ±1 are the pads of binary nets. */
export const pad: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const mode = textAttribute(node.attributes, "mode", "constant");
  if (mode !== "constant")
    throw new Rejection(`it pads in mode "${printable(mode, 20)}"`, "pad with a constant: mode = constant");
  const rank = input.shape.length;
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  const pads = intsAttribute(node.attributes, "pads") ?? intInput(node, 1, "pads").data;
  const axes = (
    node.inputs[3] === undefined ? input.shape.map((_, i) => i) : intInput(node, 3, "axes").data
  ).map((a) => normalAxis(a, rank));
  if (pads.length !== 2 * axes.length || new Set(axes).size !== axes.length)
    throw new Rejection(`it has ${pads.length} pads for ${axes.length} axes`, damaged);
  if (pads.some((n) => n < 0))
    throw new Rejection(
      `its pads are ${listText(pads)}`,
      "cut the input with Slice in place of negative pads",
    );
  for (const [i, axis] of axes.entries()) {
    before[axis] = pads[i]!;
    after[axis] = pads[i + axes.length]!;
  }
  if (pads.every((n) => n === 0)) return input;
  const sizes = input.shape.map((n, i) => before[i]! + n + after[i]!);
  checkComputed(sizes);
  return node.emit({ kind: "pad", before, after, value: padValue(node) }, input, sizes);
};

function padValue(node: OnnxNode): number {
  if (node.inputs[2] === undefined) return floatAttribute(node.attributes, "value", 0);
  const { data } = floatInput(node, 2, "padding value");
  if (data.length === 1) return data[0]!;
  throw new Rejection(`its padding value has ${data.length} elements`, damaged);
}
