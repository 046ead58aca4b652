/** Checks of the operations on maps: windows that slide, and parts that are cut, joined and moved. */
import { shapeText } from "../diagnostics/text.js";
import type { GraphOp, Shape, WeightTensor, Window } from "./types.js";
import { everyWindowTouches, mapShape, mapSize, windowPositions } from "./window.js";

type Op<K extends GraphOp["kind"]> = Extract<GraphOp, { readonly kind: K }>;

export function convProblems(op: Op<"conv">, input: Shape, output: Shape): string[] {
  const { window, weights, groups } = op;
  const problems = windowProblems(window, input);
  if (problems.length > 0) return problems;
  const channels = input[1]!;
  if (!fitsGroups(weights, groups, channels) || !sameKernel(weights, window))
    return ["does not fit its weights"];
  if (!Number.isFinite(op.padValue)) problems.push("has a padding value that is not finite");
  return [...problems, ...sizeProblems(window, input, weights.shape[0]!, output)];
}

export function poolProblems(op: Op<"max-pool"> | Op<"average-pool">, input: Shape, output: Shape): string[] {
  const { window } = op;
  const problems = windowProblems(window, input);
  if (problems.length > 0) return problems;
  const { channels, height, width } = mapSize(input)!;
  const touches = everyWindowTouches(window, height, 0) && everyWindowTouches(window, width, 1);
  if (!touches) problems.push("has a window that lies outside the map");
  return [...problems, ...sizeProblems(window, input, channels, output)];
}

function windowProblems({ kernel, stride, dilation, pads }: Window, input: Shape): string[] {
  const whole = [...kernel, ...stride, ...dilation, ...pads].every(Number.isSafeInteger);
  const positive = [...kernel, ...stride, ...dilation].every((n) => n > 0) && pads.every((n) => n >= 0);
  if (!whole || !positive) return ["has an impossible window"];
  return mapSize(input) === undefined ? [`slides a window over the shape ${shapeText(input)}`] : [];
}

function fitsGroups(weights: WeightTensor, groups: number, channels: number): boolean {
  const [outputs = 0, perGroup = 0] = weights.shape;
  const divides = Number.isInteger(groups) && groups > 0 && outputs % groups === 0;
  return weights.shape.length === 4 && divides && perGroup * groups === channels;
}

function sameKernel({ shape }: WeightTensor, { kernel }: Window): boolean {
  return shape[2] === kernel[0] && shape[3] === kernel[1];
}

function sizeProblems(window: Window, input: Shape, channels: number, output: Shape): string[] {
  const map = mapSize(input)!;
  const [height, width] = [windowPositions(window, map.height, 0), windowPositions(window, map.width, 1)];
  if (height < 1 || width < 1) return ["has a window larger than the map"];
  if (input.length === 3 && height !== 1) return ["makes several rows of a signal"];
  return shapeProblems(output, mapShape(input.length, { channels, height, width }));
}

export function concatProblems(axis: number, inputs: readonly Shape[], output: Shape): string[] {
  const [first] = inputs as [Shape];
  if (!(axis >= 0 && axis < first.length)) return [`works on axis ${axis}, which does not exist`];
  const differs = (s: Shape): boolean =>
    s.length !== first.length || s.some((n, i) => i !== axis && n !== first[i]);
  if (inputs.some(differs)) return ["joins values of different shapes"];
  const sum = inputs.reduce((n, s) => n + s[axis]!, 0);
  return shapeProblems(
    output,
    first.map((n, i) => (i === axis ? sum : n)),
  );
}

export function sliceProblems({ starts, steps }: Op<"slice">, input: Shape, output: Shape): string[] {
  const rank = input.length;
  if ([starts, steps, output].some((list) => list.length !== rank)) return ["has a slice of another rank"];
  const inside = input.every((size, axis) => {
    const [start, step, count] = [starts[axis]!, steps[axis]!, output[axis]!];
    const whole = Number.isInteger(start) && Number.isInteger(step) && start >= 0 && step >= 1;
    return whole && start + (count - 1) * step < size;
  });
  return inside ? [] : ["has a slice that reaches outside its input"];
}

export function padProblems({ before, after, value }: Op<"pad">, input: Shape, output: Shape): string[] {
  if (before.length !== input.length || after.length !== input.length) return ["has pads of another rank"];
  if (![...before, ...after].every((n) => Number.isSafeInteger(n) && n >= 0)) return ["has impossible pads"];
  const problems = Number.isFinite(value) ? [] : ["has a padding value that is not finite"];
  const expected = input.map((n, axis) => before[axis]! + n + after[axis]!);
  return [...problems, ...shapeProblems(output, expected)];
}

/** Whether both inputs broadcast to the output, axis by axis. */
export function pairwiseProblems(inputs: readonly Shape[], output: Shape): string[] {
  if (inputs.some((shape) => shape.length !== output.length)) return ["joins values of different ranks"];
  const expected = output.map((_, axis) => Math.max(...inputs.map((shape) => shape[axis]!)));
  const fits = inputs.every((shape) => shape.every((n, axis) => n === 1 || n === expected[axis]));
  return fits ? shapeProblems(output, expected) : ["joins values that do not broadcast"];
}

export function reduceProblems(axes: readonly number[], input: Shape, output: Shape): string[] {
  const isPossible =
    axes.length > 0 &&
    axes.every((axis, i) => axis >= 0 && axis < input.length && !axes.includes(axis, i + 1));
  if (!isPossible) return ["reduces axes that do not exist, or none"];
  return shapeProblems(
    output,
    input.map((n, axis) => (axes.includes(axis) ? 1 : n)),
  );
}

export function transposeProblems(permutation: readonly number[], input: Shape, output: Shape): string[] {
  const sorted = [...permutation].sort((a, b) => a - b);
  if (permutation.length !== input.length || !sorted.every((p, i) => p === i))
    return ["has an order that is no permutation of its axes"];
  return shapeProblems(
    output,
    permutation.map((p) => input[p]!),
  );
}

export function shapeProblems(actual: Shape, expected: Shape): string[] {
  const same = actual.length === expected.length && actual.every((n, i) => n === expected[i]);
  return same ? [] : [`has the shape ${shapeText(actual)} where ${shapeText(expected)} is expected`];
}
