import type { OpHandler } from "./node.js";
import * as arithmetic from "./ops/arithmetic.js";
import { gemm, matMul } from "./ops/linear.js";
import { batchNormalization } from "./ops/normalization.js";
import { argMax, softmax } from "./ops/output.js";
import { bipolarQuant, quant } from "./ops/quantizers.js";
import * as shapes from "./ops/shapes.js";

/** One supported operator. */
export interface OpEntry {
  readonly op: string;
  /** Domains in which it is known: "" is ONNX's own. */
  readonly domains: readonly string[];
  /** What is supported of it, for `bitloom ops` and docs/FORMATS.md. */
  readonly notes: string;
  readonly handler: OpHandler;
}

const onnx = ["", "ai.onnx"];
/** The quantizers' three spellings: QONNX's own, Brevitas' and FINN's. */
const qonnx = ["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"];

/** Every supported operator. */
export const onnxOps: readonly OpEntry[] = Object.freeze([
  {
    op: "BipolarQuant",
    domains: qonnx,
    notes: "weights and activations; sign(0) = +1",
    handler: bipolarQuant,
  },
  {
    op: "Quant",
    domains: qonnx,
    notes: "1 to 8 bits, all rounding modes; weights per tensor or output channel",
    handler: quant,
  },
  { op: "MatMul", domains: onnx, notes: "constant quantized weights on the right", handler: matMul },
  { op: "Gemm", domains: onnx, notes: "constant quantized weights; transA = 0", handler: gemm },
  { op: "BatchNormalization", domains: onnx, notes: "inference, axis 1", handler: batchNormalization },
  { op: "Add", domains: onnx, notes: "one side constant", handler: arithmetic.add },
  { op: "Sub", domains: onnx, notes: "one side constant", handler: arithmetic.sub },
  { op: "Mul", domains: onnx, notes: "one side constant", handler: arithmetic.mul },
  { op: "Div", domains: onnx, notes: "one side constant", handler: arithmetic.div },
  { op: "Relu", domains: onnx, notes: "", handler: arithmetic.relu },
  { op: "Softmax", domains: onnx, notes: "at the end of the model", handler: softmax },
  { op: "ArgMax", domains: onnx, notes: "at the end of the model", handler: argMax },
  { op: "Reshape", domains: onnx, notes: "fixed or computed from Shape", handler: shapes.reshape },
  { op: "Flatten", domains: onnx, notes: "", handler: shapes.flatten },
  { op: "Squeeze", domains: onnx, notes: "", handler: shapes.squeeze },
  { op: "Unsqueeze", domains: onnx, notes: "", handler: shapes.unsqueeze },
  { op: "Transpose", domains: onnx, notes: "of weights", handler: shapes.transpose },
  { op: "Identity", domains: onnx, notes: "", handler: shapes.identity },
  { op: "Dropout", domains: onnx, notes: "does nothing at inference", handler: shapes.identity },
  { op: "Cast", domains: onnx, notes: "to float, or of constants", handler: shapes.cast },
  { op: "Shape", domains: onnx, notes: "folded", handler: shapes.shape },
  { op: "Gather", domains: onnx, notes: "of sizes, folded", handler: shapes.gather },
  { op: "Concat", domains: onnx, notes: "of sizes, folded", handler: shapes.concat },
  { op: "Pow", domains: onnx, notes: "of constants, folded", handler: arithmetic.pow },
  { op: "Sqrt", domains: onnx, notes: "of constants, folded", handler: arithmetic.sqrt },
  { op: "Neg", domains: onnx, notes: "of constants, folded", handler: arithmetic.neg },
  { op: "Reciprocal", domains: onnx, notes: "of constants, folded", handler: arithmetic.reciprocal },
  { op: "Abs", domains: onnx, notes: "of constants, folded", handler: arithmetic.abs },
  { op: "Exp", domains: onnx, notes: "of constants, folded", handler: arithmetic.exp },
]);

/** The operator's entry, if it is supported in this domain. */
export function findOp(op: string, domain: string): OpEntry | undefined {
  return onnxOps.find((entry) => entry.op === op && entry.domains.includes(domain));
}
