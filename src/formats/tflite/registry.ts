import type { OpHandler } from "./node.js";
import * as arithmetic from "./ops/arithmetic.js";
import * as layers from "./ops/conv.js";
import * as lce from "./ops/lce.js";
import * as moves from "./ops/moves.js";
import { argMax, softmax } from "./ops/output.js";
import * as pools from "./ops/pools.js";
import { dequantize, quantize } from "./ops/quantize.js";

/** One supported operator. */
export interface TfliteOp {
  /** The schema's name of a builtin operator, or a custom operator's own. */
  readonly op: string;
  readonly isCustom: boolean;
  /** What is supported of it, for `bitloom ops` and docs/FORMATS.md. */
  readonly notes: string;
  /** The number of its options in the schema's union of builtin options; 0 where it has none that matter. */
  readonly optionsType: number;
  readonly handler: OpHandler;
}

/** Every supported operator: those of Larq Compute Engine, then TFLite's own. */
export const tfliteOps: readonly TfliteOp[] = Object.freeze([
  custom("LceQuantize", "of float32 and int8; sign(0) = +1", lce.lceQuantize),
  custom("LceDequantize", "to float32 and int8", lce.lceDequantize),
  custom(
    "LceBconv2d",
    "all options: pads of 0 and +1, groups, fused activation; float32, int8 and bit output",
    lce.lceConv,
  ),
  custom("LceBMaxPool2d", "SAME and VALID", lce.lceMaxPool),
  builtin("CONV_2D", "float32 and int8, constant weights, groups", 1, layers.conv),
  builtin("DEPTHWISE_CONV_2D", "float32 and int8, constant weights", 2, layers.depthwise),
  builtin("FULLY_CONNECTED", "float32 and int8, constant weights", 8, layers.fullyConnected),
  builtin("MAX_POOL_2D", "float32, int8 and uint8", 5, pools.maxPool),
  builtin("AVERAGE_POOL_2D", "float32, int8 and uint8; pads are not counted", 5, pools.averagePool),
  builtin("MEAN", "float32 and int8, over height and width", 27, pools.mean),
  builtin(
    "ADD",
    "float32 and int8: one side constant, or two computed values (float32: that broadcast; int8: of one shape)",
    11,
    arithmetic.add,
  ),
  builtin(
    "SUB",
    "float32 and int8: one side constant, or two computed values (float32: that broadcast; int8: of one shape)",
    28,
    arithmetic.sub,
  ),
  builtin(
    "MUL",
    "float32 and int8: one side constant, or two computed values (float32: that broadcast; int8: of one shape)",
    21,
    arithmetic.mul,
  ),
  builtin("DIV", "float32, one side constant", 29, arithmetic.div),
  builtin("MINIMUM", "float32 and int8, one constant bound", 0, arithmetic.minimum),
  builtin("MAXIMUM", "float32 and int8, one constant bound", 0, arithmetic.maximum),
  builtin("RELU", "float32 and int8", 0, arithmetic.relu),
  builtin("RELU6", "float32 and int8", 0, arithmetic.relu6),
  builtin("RELU_N1_TO_1", "float32 and int8", 0, arithmetic.reluN1To1),
  builtin("PRELU", "float32 and int8, one slope, or one per channel", 0, arithmetic.prelu),
  builtin("LEAKY_RELU", "float32 and int8", 75, arithmetic.leakyRelu),
  builtin("LOGISTIC", "int8", 0, arithmetic.logistic),
  builtin("TANH", "int8", 0, arithmetic.tanh),
  builtin("QUANTIZE", "float32 to int8 and uint8; int8 to int8 of another scale", 0, quantize),
  builtin("DEQUANTIZE", "int8 and uint8 to float32; of constants, also float16", 0, dequantize),
  builtin("PAD", "", 0, moves.pad),
  builtin("PADV2", "", 0, moves.pad),
  builtin("CONCATENATION", "", 10, moves.concatenation),
  builtin("SLICE", "", 0, moves.slice),
  builtin(
    "STRIDED_SLICE",
    "forward, without ellipsis and new axes; of sizes, folded",
    32,
    moves.stridedSlice,
  ),
  builtin("TRANSPOSE", "", 0, moves.transpose),
  builtin("RESHAPE", "fixed or computed from SHAPE", 17, moves.reshape),
  builtin("SQUEEZE", "", 30, moves.squeeze),
  builtin("EXPAND_DIMS", "", 0, moves.expandDims),
  builtin("SHAPE", "folded", 0, moves.shape),
  builtin("PACK", "of sizes, folded", 0, moves.pack),
  builtin("CAST", "to the type a value has, or of constants", 0, moves.cast),
  builtin("SOFTMAX", "float32 and int8, at the end of the model", 9, softmax),
  builtin("ARG_MAX", "float32 and int8, at the end of the model", 0, argMax),
]);

export function findTfliteOp(op: string, isCustom: boolean): TfliteOp | undefined {
  return tfliteOps.find((entry) => entry.op === op && entry.isCustom === isCustom);
}

function builtin(op: string, notes: string, optionsType: number, handler: OpHandler): TfliteOp {
  return Object.freeze({ op, isCustom: false, notes, optionsType, handler });
}

function custom(op: string, notes: string, handler: OpHandler): TfliteOp {
  return Object.freeze({ op, isCustom: true, notes, optionsType: 0, handler });
}
