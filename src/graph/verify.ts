import { BitloomError, Diagnostics } from "../diagnostics/diagnostic.js";
import { printable, shapeText } from "../diagnostics/text.js";
import { broadcastPositions } from "./broadcast.js";
import { type IntegerArithmetic, SUM_SHIFT } from "./integer-arithmetic.js";
import { planesValue, sumOfBases } from "./planes.js";
import { isCounting } from "./quantize.js";
import type {
  CountingQuantizer,
  FixedPoint,
  FloatTensor,
  GraphNode,
  GraphOp,
  LevelsQuantizer,
  ModelGraph,
  Region,
  Shape,
  ThresholdQuantizer,
  WeightTensor,
} from "./types.js";
import {
  concatProblems,
  convProblems,
  padProblems,
  pairwiseProblems,
  poolProblems,
  reduceProblems,
  shapeProblems,
  sliceProblems,
  transposeProblems,
} from "./verify-maps.js";

/**
 * Checks what the stages after the graph rely on: values are written once and before they are read, shapes
 * follow from the operations, constants are finite and fit their shapes, codes times scale are the weights.
 * A violation is a defect of an importer; all of them are thrown as one BitloomError.
 */
export function verifyGraph(graph: ModelGraph): void {
  const diagnostics = new Diagnostics();
  const report = (where: string, problem: string): void =>
    diagnostics.error("graph/invalid", `the imported graph is inconsistent: ${problem}`, {
      where,
      remedy: "this is a defect of bitloom; please report it with the model",
    });
  checkOrder(graph, report);
  for (const node of graph.nodes) {
    for (const problem of nodeProblems(graph, node)) report(node.name, problem);
  }
  if (diagnostics.hasErrors) throw new BitloomError(diagnostics.all);
}

type Report = (where: string, problem: string) => void;

function checkOrder(graph: ModelGraph, report: Report): void {
  const written = new Set<string>();
  const names = new Set<string>();
  for (const name of graph.inputs) {
    if (written.has(name)) report(graph.name, `${printable(name)} is an input twice`);
    written.add(name);
    const shape = graph.values.get(name)?.shape;
    if (shape === undefined || !isPossible(shape)) report(graph.name, `${printable(name)} has no shape`);
  }
  for (const node of graph.nodes) {
    if (names.has(node.name)) report(node.name, "shares its name with another node");
    names.add(node.name);
    for (const input of node.inputs) {
      if (!written.has(input)) report(node.name, `reads ${printable(input)} before it is written`);
    }
    if (written.has(node.output)) report(node.name, `writes ${printable(node.output)} a second time`);
    written.add(node.output);
  }
  if (graph.outputs.length === 0) report(graph.name, "there is no output");
  for (const output of graph.outputs) {
    if (!written.has(output)) report(graph.name, `the output ${printable(output)} is never written`);
  }
}

function nodeProblems(graph: ModelGraph, node: GraphNode): string[] {
  const inputs = node.inputs.flatMap((name) => graph.values.get(name) ?? []);
  const output = graph.values.get(node.output);
  if (!takes(node.op, node.inputs.length)) return [`has ${node.inputs.length} inputs`];
  if (inputs.length !== node.inputs.length || output === undefined) return ["has a value without a shape"];
  if (!isPossible(output.shape)) return [`has the impossible shape ${shapeText(output.shape)}`];
  const constants = constantsOf(node.op);
  if (constants.some((c) => c.data.length !== count(c.shape)))
    return ["has a constant whose data do not fill its shape"];
  const problems = constants.every((c) => c.data.every(Number.isFinite))
    ? []
    : ["has a constant that is not finite"];
  const { dtype: inputType } = inputs[0]!;
  if (node.op.kind !== "reshape" && inputs.some((v) => v.dtype !== "float32"))
    problems.push("computes with class indices");
  const dtype = node.op.kind === "argmax" ? "int64" : inputType;
  if (output.dtype !== dtype) problems.push(`gives ${output.dtype} where ${dtype} is expected`);
  const shapes = inputs.map((v) => v.shape);
  return [...problems, ...opProblems(node.op, shapes, output.shape)];
}

/** Whether an operation takes so many inputs. */
function takes(op: GraphOp, inputs: number): boolean {
  if (op.kind === "concat") return inputs >= 1;
  const ofTwo: readonly GraphOp["kind"][] = ["sum", "integer-arithmetic", "pairwise"];
  return inputs === (ofTwo.includes(op.kind) ? 2 : 1);
}

function opProblems(op: GraphOp, inputs: readonly Shape[], output: Shape): string[] {
  const [input] = inputs as [Shape];
  switch (op.kind) {
    case "conv":
      return [...convProblems(op, input, output), ...codeProblems(op.weights)];
    case "max-pool":
    case "average-pool":
      return poolProblems(op, input, output);
    case "sum":
      return inputs.flatMap((shape) => shapeProblems(output, shape)).slice(0, 1);
    case "integer-arithmetic":
      return [
        ...inputs.flatMap((shape) => shapeProblems(output, shape)).slice(0, 1),
        ...integerProblems(op),
        ...(op.inBlocks >= 0 && op.inBlocks <= count(output)
          ? []
          : ["has more elements in blocks than it has"]),
      ];
    case "table":
      return [...shapeProblems(output, input), ...tableProblems(op, input)];
    case "concat":
      return concatProblems(op.axis, inputs, output);
    case "slice":
      return sliceProblems(op, input, output);
    case "pad":
      return padProblems(op, input, output);
    case "transpose":
      return transposeProblems(op.permutation, input, output);
    case "prelu":
      return [...shapeProblems(output, input), ...fitsInto(op.slope, input)];
    case "clip":
      return [...shapeProblems(output, input), ...(op.low <= op.high ? [] : ["clips to an empty range"])];
    case "dense":
      return denseProblems(op.weights, input, output);
    case "region":
      return regionProblems(op, input, output);
    case "reshape":
      return count(input) === count(output) ? [] : ["changes the number of elements"];
    case "argmax": {
      const expected = input.flatMap((n, i) => (i !== op.axis ? [n] : op.keepDims ? [1] : []));
      return [...axisProblems(op.axis, input), ...shapeProblems(output, expected)];
    }
    case "softmax": {
      const isPossible = op.integers === undefined || op.integers.step > 0;
      return [
        ...axisProblems(op.axis, input),
        ...shapeProblems(output, input),
        ...(isPossible ? [] : ["has steps that are not positive"]),
      ];
    }
    case "batch-normalization": {
      const fits = [op.scale, op.bias, op.mean, op.variance].every(
        (c) => shapeText(c.shape) === `${input[1]}`,
      );
      return [
        ...shapeProblems(output, input),
        ...(fits ? [] : ["has constants that are not one per channel"]),
      ];
    }
    case "quantize": {
      const { quantizer } = op;
      if (isCounting(quantizer))
        return [...shapeProblems(output, input), ...thresholdProblems(quantizer, input)];
      const problems = [
        ...shapeProblems(output, input),
        ...constantsOf(op).flatMap((c) => fitsInto(c, input)),
      ];
      if (quantizer.scale.data.includes(0)) problems.push("has a scale of 0");
      if (quantizer.kind === "uniform" && !(quantizer.qmin <= quantizer.qmax)) problems.push("has no levels");
      return problems;
    }
    case "arithmetic":
      return [...shapeProblems(output, input), ...fitsInto(op.operand, input)];
    case "relu":
    case "abs":
      return shapeProblems(output, input);
    case "pairwise":
      return pairwiseProblems(inputs, output);
    case "reduce":
      return reduceProblems(op.axes, input, output);
    case "rescale":
      return [...shapeProblems(output, input), ...rescaleProblems(op, input)];
  }
}

function thresholdProblems(quantizer: CountingQuantizer, input: Shape): string[] {
  const { thresholds, axis } = quantizer;
  const [rows = 0, levels = 0] = thresholds.shape;
  if (thresholds.shape.length !== 2 || rows < 1 || levels < 1 || (rows !== 1 && rows !== input[axis]))
    return ["has thresholds that do not fit its channels"];
  if (!(axis >= 0 && axis < input.length)) return axisProblems(axis, input);
  const problems = quantizer.kind === "levels" ? levelProblems(quantizer, levels) : codesProblems(quantizer);
  if (problems.length > 0) return problems;
  const rises = thresholds.data.every((t, i) => i % levels === 0 || t >= thresholds.data[i - 1]!);
  return rises ? [] : ["has thresholds that do not rise"];
}

function codesProblems({ step, offset, thresholds }: ThresholdQuantizer): string[] {
  const isCode = Number.isSafeInteger(offset) && (step === 1 || thresholds.shape[1] === 1);
  return isCode ? [] : ["has levels that are no codes"];
}

const MOST_PLANES = 8;

function levelProblems({ values, planes }: LevelsQuantizer, levels: number): string[] {
  if (values.shape.length !== 1 || values.data.length !== levels + 1)
    return ["has not one value per number of thresholds"];
  if (planes === undefined) return [];
  const count = planes.coefficients.data.length;
  const fits = planes.codes.length === levels + 1 && count >= 1 && count <= MOST_PLANES;
  if (!fits || planes.codes.some((code) => code < 0 || code >= 2 ** count))
    return ["has planes that do not fit its values"];
  const odd = values.data.findIndex((v, i) => planesValue(planes, planes.codes[i]!) !== v);
  return odd < 0 ? [] : [`has a value that is not the sum of its planes, at ${odd}`];
}

/** Whether no step leaves 32 bits, and the result is a byte's. */
function integerProblems({ operator, terms, factor, low, high }: IntegerArithmetic): string[] {
  const isSum = operator !== "multiply";
  const factors = [factor, ...(isSum ? terms.map((t) => t.factor) : [])];
  const isFixed = factors.every((f) => f !== undefined && isFixedPoint(f));
  if (!isFixed || !(low <= high && high - low <= 255)) return ["has an impossible factor or range"];
  const [a, b] = terms.map(({ least, greatest }) => Math.max(Math.abs(least), Math.abs(greatest)));
  // Factors of a sum are at most 1, so its operands only shrink.
  const largest = isSum ? (a! + b!) * 2 ** SUM_SHIFT : a! * b!;
  const isSmall = terms.every((t) => (t.factor?.shift ?? 0) <= 0);
  const fits = isSmall && largest * 2 ** Math.max(factor.shift, 0) < 2 ** 31;
  return fits ? [] : ["has numbers that leave 32 bits"];
}

function isFixedPoint({ multiplier, shift }: FixedPoint): boolean {
  return multiplier >= 0 && multiplier < 2 ** 31 && shift >= -31 && shift <= 30;
}

function tableProblems(
  { tables, index }: Extract<GraphOp, { readonly kind: "table" }>,
  input: Shape,
): string[] {
  const [first] = tables;
  const isWhole = first !== undefined && first.length > 0 && tables.every((t) => t.length === first.length);
  const isFull = index.data.length === count(index.shape);
  if (!isWhole || !isFull || index.data.some((i) => i < 0 || i >= tables.length))
    return ["has an impossible table"];
  const isOrdered = tables.every(
    (t) => t.every((y, i) => i === 0 || y >= t[i - 1]!) || t.every((y, i) => i === 0 || y <= t[i - 1]!),
  );
  return [...(isOrdered ? [] : ["has a table that rises and falls"]), ...fitsInto(index, input)];
}

function rescaleProblems(
  { multiplier, shift }: Extract<GraphOp, { readonly kind: "rescale" }>,
  input: Shape,
): string[] {
  const isWhole = [multiplier, shift].every((c) => c.data.length === count(c.shape));
  const isSame = shapeText(multiplier.shape) === shapeText(shift.shape);
  const inRange = multiplier.data.every((m) => m >= 0) && shift.data.every((s) => s >= -31 && s <= 30);
  if (!isWhole || !isSame || !inRange) return ["has an impossible fixed-point multiplier"];
  return fitsInto(multiplier, input);
}

function regionProblems(op: Region, input: Shape, output: Shape): string[] {
  const { anchors, classes, scoreThreshold, iouThreshold, candidates } = op;
  const [batch, channels, ...map] = input;
  const count = anchors.length / 2;
  const isMap = batch === 1 && map.length === 2 && channels === count * (5 + classes);
  if (!isMap || !(classes >= 1)) return ["has a head that does not fit its anchors"];
  const isPositive = anchors.every((p) => p > 0 && Number.isFinite(p));
  const inRange = [scoreThreshold, iouThreshold].every((t) => t >= 0 && t < 1 && Math.fround(t) === t);
  const boxes = output[1] ?? 0;
  return [
    ...(isPositive && inRange ? [] : ["has impossible anchors or thresholds"]),
    ...(boxes <= candidates ? [] : ["has more boxes than candidates"]),
    ...shapeProblems(output, [1, boxes, 6]),
  ];
}

function denseProblems(weights: WeightTensor, input: Shape, output: Shape): string[] {
  const [inputs, outputs] = weights.shape;
  const expected = [...input.slice(0, -1), outputs ?? 0];
  if (weights.shape.length !== 2 || input.at(-1) !== inputs) return ["does not fit its weights"];
  return [...shapeProblems(output, expected), ...codeProblems(weights)];
}

function basisProblems({ shape, data, bases }: WeightTensor): string[] {
  if (bases === undefined) return [];
  const isComplete = bases.every(
    ({ codes, coefficient: c }) =>
      codes.length === data.length &&
      c.data.length === count(c.shape) &&
      c.shape.length === shape.length &&
      fitsInto(c, shape).length === 0,
  );
  if (!isComplete || bases.length === 0) return ["has bases that do not fit its weights"];
  const sums = sumOfBases(bases, shape);
  const odd = data.findIndex((x, i) => sums[i] !== x);
  return odd < 0 ? [] : [`has a weight that is not the sum of its bases, at ${odd}`];
}

function codeProblems(weights: WeightTensor): string[] {
  const { shape, data, quantized } = weights;
  if (quantized === undefined) return basisProblems(weights);
  const { codes, scale } = quantized;
  const complete = scale.data.length === count(scale.shape) && codes.length === data.length;
  const fits = scale.shape.length === shape.length && fitsInto(scale, shape).length === 0;
  if (!complete || !fits || data.length !== count(shape))
    return ["has codes or scales that do not fit its weights"];
  const positions = broadcastPositions(scale.shape, shape);
  const odd = data.findIndex((x, i) => Math.fround(codes[i]! * scale.data[positions[i]!]!) !== x);
  return odd < 0 ? [] : [`has a weight that is not its code times its scale, at ${odd}`];
}

function axisProblems(axis: number, shape: Shape): string[] {
  return axis >= 0 && axis < shape.length ? [] : [`works on axis ${axis}, which does not exist`];
}

/** Whether a constant broadcasts to `shape` without enlarging it. */
function fitsInto(constant: Pick<FloatTensor, "shape">, shape: Shape): string[] {
  const missing = shape.length - constant.shape.length;
  const fits = missing >= 0 && constant.shape.every((n, i) => n === 1 || n === shape[i + missing]);
  return fits ? [] : [`has a constant of shape ${shapeText(constant.shape)} for ${shapeText(shape)}`];
}

function constantsOf(op: GraphOp): readonly FloatTensor[] {
  if (op.kind === "dense" || op.kind === "conv") return [op.weights];
  if (op.kind === "prelu") return [op.slope];
  if (op.kind === "arithmetic") return [op.operand];
  if (op.kind === "batch-normalization") return [op.scale, op.bias, op.mean, op.variance];
  if (op.kind !== "quantize") return [];
  const { quantizer } = op;
  if (quantizer.kind === "levels")
    return [
      quantizer.thresholds,
      quantizer.values,
      ...(quantizer.planes === undefined ? [] : [quantizer.planes.coefficients]),
    ];
  if (quantizer.kind === "thresholds") return [quantizer.thresholds];
  return quantizer.kind === "bipolar" ? [quantizer.scale] : [quantizer.scale, quantizer.zeroPoint];
}

function isPossible(shape: Shape): boolean {
  return shape.every((n) => Number.isInteger(n) && n > 0);
}

function count(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
