import type { AttributeType } from "./attributes.js";
import type { OpHandler } from "./node.js";
import * as activations from "./ops/activations.js";
import * as arithmetic from "./ops/arithmetic.js";
import * as channelsLast from "./ops/channels-last.js";
import * as comparisons from "./ops/comparisons.js";
import { constant, constantOfShape } from "./ops/constants.js";
import { conv } from "./ops/conv.js";
import { dequantizeLinear, quantizeLinear } from "./ops/integer-quantizers.js";
import { gemm, matMul } from "./ops/linear.js";
import * as moves from "./ops/moves.js";
import { multiThreshold } from "./ops/multi-threshold.js";
import { batchNormalization } from "./ops/normalization.js";
import { argMax, softmax } from "./ops/output.js";
import * as pools from "./ops/pools.js";
import { bipolarQuant, quant } from "./ops/quantizers.js";
import { reduceConstant, reduceSum } from "./ops/reductions.js";
import * as repeat from "./ops/repeat.js";
import * as rounding from "./ops/rounding.js";
import * as shapes from "./ops/shapes.js";
import { sign, tanh } from "./ops/sign.js";
import { quantAvgPool2d, trunc } from "./ops/truncation.js";
import { where } from "./ops/where.js";
import { xnorPopcountMatMul } from "./ops/xnor.js";

/** One supported operator. */
export interface OpEntry {
  readonly op: string;
  /** Domains in which it is known: "" is ONNX's own, also written "ai.onnx". */
  readonly domains: readonly string[];
  /** What is supported of it, for `bitloom ops` and docs/FORMATS.md. */
  readonly notes: string;
  /** Its attributes in all supported versions. Others are refused. */
  readonly attributes: Readonly<Record<string, AttributeType>>;
  readonly handler: OpHandler;
}

const onnx = ["", "ai.onnx"];
/** QONNX's operators on maps with channels innermost. */
const lastDomain = ["qonnx.custom_op.channels_last"];
/** The quantizers' three spellings: QONNX's own, Brevitas' and FINN's. */
const qonnx = ["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"];

const slides = {
  auto_pad: "text",
  dilations: "ints",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;
const poolAttributes = { ...slides, ceil_mode: "int" } as const;
const axesAttributes = { axes: "ints", keepdims: "int", noop_with_empty_axes: "int" } as const;
const joins = "one side constant, or two computed values that broadcast";
const comparison = "of a computed value with a constant; of constants, folded";
const logic = "of comparisons of one value; of constants, folded";
const quantAttributes = { signed: "int", narrow: "int", rounding_mode: "text" } as const;
const quantNotes = "1 to 8 bits, all rounding modes; weights per tensor or output channel";

/** Every supported operator. */
export const onnxOps: readonly OpEntry[] = Object.freeze([
  entry("BipolarQuant", qonnx, "weights and activations; sign(0) = +1", {}, bipolarQuant),
  entry("Quant", qonnx, quantNotes, quantAttributes, quant),
  entry("IntQuant", qonnx, "the newer name of Quant", quantAttributes, quant),
  entry(
    "MultiThreshold",
    qonnx,
    "up to 255 thresholds, in common or per channel; all layouts",
    { out_dtype: "text", out_scale: "float", out_bias: "float", data_layout: "text" },
    multiThreshold,
  ),
  entry(
    "Trunc",
    qonnx,
    "versions 1 and 2; of integers times one scale",
    { rounding_mode: "text", signed: "int", narrow: "int" },
    trunc,
  ),
  entry(
    "QuantAvgPool2d",
    qonnx,
    "sums of integers, shifted; both layouts",
    { kernel: "int", stride: "int", ibits: "int", obits: "int", signed: "int", data_layout: "text" },
    quantAvgPool2d,
  ),
  entry("XnorPopcountMatMul", qonnx, "constant weights of 0 and 1 on the right", {}, xnorPopcountMatMul),
  entry(
    "MaxPoolNHWC",
    qonnx,
    "channels innermost",
    { kernel_shape: "ints", pads: "ints", strides: "ints", ceil_mode: "int" },
    channelsLast.maxPoolLast,
  ),
  entry(
    "QuantizeLinear",
    onnx,
    "to int8 or uint8, before DequantizeLinear, or Clip and DequantizeLinear",
    { axis: "int", block_size: "int", output_dtype: "int", precision: "int", saturate: "int" },
    quantizeLinear,
  ),
  entry(
    "DequantizeLinear",
    onnx,
    "of QuantizeLinear, clipped or not, or of weights",
    { axis: "int", block_size: "int", output_dtype: "int" },
    dequantizeLinear,
  ),
  entry("MatMul", onnx, "constant quantized weights on the right", {}, matMul),
  entry(
    "Gemm",
    onnx,
    "constant quantized weights; transA = 0",
    { alpha: "float", beta: "float", transA: "int", transB: "int" },
    gemm,
  ),
  entry("Conv", onnx, "1-D and 2-D, constant weights; all attributes", { ...slides, group: "int" }, conv),
  entry(
    "MaxPool",
    onnx,
    "1-D and 2-D; first output",
    { ...poolAttributes, storage_order: "int" },
    pools.maxPool,
  ),
  entry(
    "AveragePool",
    onnx,
    "1-D and 2-D; ceil_mode or counted pads, not both at once",
    { ...poolAttributes, count_include_pad: "int" },
    pools.averagePool,
  ),
  entry("GlobalAveragePool", onnx, "1-D and 2-D", {}, pools.globalAveragePool),
  entry("GlobalMaxPool", onnx, "1-D and 2-D", {}, pools.globalMaxPool),
  entry(
    "ReduceMean",
    onnx,
    "over height and width, over channels or over all; of constants, folded",
    axesAttributes,
    pools.reduceMean,
  ),
  entry("ReduceMax", onnx, "over height and width; of constants, folded", axesAttributes, pools.reduceMax),
  entry(
    "BatchNormalization",
    onnx,
    "inference, axis 1",
    { epsilon: "float", momentum: "float", spatial: "int", training_mode: "int" },
    batchNormalization,
  ),
  entry("Add", onnx, joins, {}, arithmetic.add),
  entry("Sub", onnx, joins, {}, arithmetic.sub),
  entry("Mul", onnx, joins, {}, arithmetic.mul),
  entry("Div", onnx, "one side constant", {}, arithmetic.div),
  entry("Relu", onnx, "", {}, arithmetic.relu),
  entry("LeakyRelu", onnx, "", { alpha: "float" }, activations.leakyRelu),
  entry("PRelu", onnx, "one slope, or one per channel", {}, activations.prelu),
  entry(
    "Clip",
    onnx,
    "constant bounds; of the integers of QuantizeLinear, fewer bits",
    { min: "float", max: "float" },
    activations.clip,
  ),
  entry("Softmax", onnx, "at the end of the model", { axis: "int" }, softmax),
  entry(
    "ArgMax",
    onnx,
    "at the end of the model",
    { axis: "int", keepdims: "int", select_last_index: "int" },
    argMax,
  ),
  entry("Reshape", onnx, "fixed or computed from Shape", { allowzero: "int" }, shapes.reshape),
  entry("Flatten", onnx, "", { axis: "int" }, shapes.flatten),
  entry("Squeeze", onnx, "", { axes: "ints" }, shapes.squeeze),
  entry("Unsqueeze", onnx, "", { axes: "ints" }, shapes.unsqueeze),
  entry("Transpose", onnx, "", { perm: "ints" }, shapes.transpose),
  entry("Identity", onnx, "", {}, shapes.identity),
  entry("Dropout", onnx, "does nothing at inference", { ratio: "float", seed: "int" }, shapes.dropout),
  entry(
    "Cast",
    onnx,
    "to the type a value has; of comparisons and constants",
    { to: "int", saturate: "int", round_mode: "text" },
    shapes.cast,
  ),
  entry(
    "Constant",
    onnx,
    "float32, float64, integers",
    {
      value: "tensor",
      value_float: "float",
      value_floats: "floats",
      value_int: "int",
      value_ints: "ints",
      // Known so that they are refused by what they are.
      value_string: "text",
      value_strings: "texts",
      sparse_value: "sparse",
    },
    constant,
  ),
  entry("ConstantOfShape", onnx, "folded", { value: "tensor" }, constantOfShape),
  entry("Shape", onnx, "folded", { start: "int", end: "int" }, shapes.shape),
  entry("Gather", onnx, "of sizes, folded", { axis: "int" }, shapes.gather),
  entry("Concat", onnx, "of computed values; of sizes, folded", { axis: "int" }, moves.concat),
  entry(
    "Slice",
    onnx,
    "forward; of sizes, folded",
    { axes: "ints", ends: "ints", starts: "ints" },
    moves.slice,
  ),
  entry("Split", onnx, "", { axis: "int", num_outputs: "int", split: "ints" }, moves.split),
  entry("Pad", onnx, "constant mode", { mode: "text", pads: "ints", value: "float" }, moves.pad),
  entry("Pow", onnx, "of constants, folded", {}, arithmetic.pow),
  entry("Sqrt", onnx, "of constants, folded", {}, arithmetic.sqrt),
  entry("Neg", onnx, "", {}, arithmetic.neg),
  entry("Reciprocal", onnx, "of constants, folded", {}, arithmetic.reciprocal),
  entry("Abs", onnx, "", {}, arithmetic.abs),
  entry("Exp", onnx, "of constants, folded", {}, arithmetic.exp),
  entry("Sign", onnx, "sign(0) from the graph or from --sign-of-zero", {}, sign),
  entry("Tanh", onnx, "in front of a sign; of constants, folded", {}, tanh),
  entry("Round", onnx, "between bounds of at most 8 bits: a quantizer", {}, rounding.round),
  entry("Floor", onnx, "between bounds of at most 8 bits: a quantizer", {}, rounding.floor),
  entry("Ceil", onnx, "between bounds of at most 8 bits: a quantizer", {}, rounding.ceil),
  entry("Greater", onnx, comparison, {}, comparisons.greater),
  entry("GreaterOrEqual", onnx, comparison, {}, comparisons.greaterOrEqual),
  entry("Less", onnx, comparison, {}, comparisons.less),
  entry("LessOrEqual", onnx, comparison, {}, comparisons.lessOrEqual),
  entry("Equal", onnx, comparison, {}, comparisons.equal),
  entry("Not", onnx, logic, {}, comparisons.not),
  entry("And", onnx, logic, {}, comparisons.and),
  entry("Or", onnx, logic, {}, comparisons.or),
  entry("Xor", onnx, logic, {}, comparisons.xor),
  entry("Where", onnx, "one comparison chooses numbers; relu, clip and prelu by comparison", {}, where),
  entry("Max", onnx, "with one number; of constants, folded", {}, activations.max),
  entry("Min", onnx, "with one number; of constants, folded", {}, activations.min),
  entry("Sum", onnx, "as Add", {}, arithmetic.sumOfAll),
  entry("HardSigmoid", onnx, "", { alpha: "float", beta: "float" }, activations.hardSigmoid),
  entry("ReduceSum", onnx, "over channels or over all; of constants, folded", axesAttributes, reduceSum),
  entry("ReduceMin", onnx, "of constants, folded", axesAttributes, reduceConstant),
  entry("ReduceL1", onnx, "of constants, folded", axesAttributes, reduceConstant),
  entry("ReduceL2", onnx, "of constants, folded", axesAttributes, reduceConstant),
  entry(
    "Expand",
    onnx,
    "of constants, folded; of computed values where it changes nothing",
    {},
    repeat.expand,
  ),
  entry("Tile", onnx, "of constants, folded; of computed values where it changes nothing", {}, repeat.tile),
  // Behind ONNX's own, which messages name first.
  entry(
    "Conv",
    lastDomain,
    "channels innermost, as Conv",
    { ...slides, group: "int" },
    channelsLast.convLast,
  ),
  entry(
    "MaxPool",
    lastDomain,
    "channels innermost, as MaxPool",
    { ...poolAttributes, storage_order: "int" },
    channelsLast.maxPoolLast,
  ),
  entry(
    "BatchNormalization",
    lastDomain,
    "channels innermost, as BatchNormalization",
    { epsilon: "float", momentum: "float", spatial: "int", training_mode: "int" },
    channelsLast.batchNormalizationLast,
  ),
]);

/** ONNX's own domain has two spellings. */
export function normalDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** The operator's entry, if it is supported in this domain. */
export function findOp(op: string, domain: string): OpEntry | undefined {
  return onnxOps.find((entry) => entry.op === op && entry.domains.includes(domain));
}

function entry(
  op: string,
  domains: readonly string[],
  notes: string,
  attributes: OpEntry["attributes"],
  handler: OpHandler,
): OpEntry {
  return Object.freeze({ op, domains, notes, attributes, handler });
}
