import { printable } from "../../diagnostics/text.js";
import { INPUT_LIMIT } from "../common/limits.js";
import { Rejection } from "../common/rejection.js";
import type { ValueInfoProto } from "./onnx_pb.js";
import { elementName } from "./tensor.js";

/** ONNX's numbers of float types other than float32. */
const [DOUBLE, HALF, BFLOAT] = [11, 10, 16];

/**
 * The shape of a float32 model input. A batch size that is open, or absent, is taken as 1. Throws a Rejection
 * for other types, open sizes and other batch sizes.
 */
export function inputShape(info: ValueInfoProto): readonly number[] {
  const tensor = info.type?.value.case === "tensorType" ? info.type.value.value : undefined;
  if (tensor?.shape === undefined)
    throw new Rejection("the input has no shape", "export the model with a fixed input shape");
  if (tensor.elemType !== 1)
    throw new Rejection(
      `the input is ${elementName(tensor.elemType)}, not float32`,
      remedyOf(tensor.elemType),
    );
  const sizes = tensor.shape.dim.map((d) => (d.value.case === "dimValue" ? Number(d.value.value) : 0));
  const shape = sizes.map((n, i) => (i === 0 && isOpen(n) ? 1 : n));
  if (shape.some(isOpen) && shape.length <= 8) throw openSizes(info, shape);
  const count = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((n) => n >= 1) || !(count <= INPUT_LIMIT) || shape.length > 8) {
    throw new Rejection(
      `the input has impossible sizes (${declaredShape(info)})`,
      `sizes from 1 on are possible, ${INPUT_LIMIT} elements and 8 axes at most`,
    );
  }
  if (shape.length > 1 && shape[0] !== 1) {
    throw new Rejection(
      `the batch size is ${shape[0]}`,
      "export with an example of batch size 1 (x[:1] in torch.onnx.export), or with an open batch size",
    );
  }
  return shape;
}

/** Other floats are a matter of a call; integers that the graph casts and scales are the device's own input. */
function remedyOf(elemType: number): string {
  const isOtherFloat = [DOUBLE, HALF, BFLOAT].includes(elemType);
  return isOtherFloat
    ? "export in single precision: call .float() on the model and its example input"
    : "export the part behind the cast, with a float32 input; --input-type and --input-scale say what integers the device gets";
}

/** Sizes that are open have a name, nothing, 0 or −1. */
function isOpen(size: number): boolean {
  return size === 0 || size === -1;
}

/** Only the batch may be open: the device's memory is planned for one size. */
function openSizes(info: ValueInfoProto, shape: readonly number[]): Rejection {
  const fixed = shape.map((n) => (isOpen(n) ? "N" : n)).join(",");
  const axes = shape.flatMap((n, axis) => (isOpen(n) ? [axis] : []));
  return new Rejection(
    `the input's size is open on ${axes.length === 1 ? "axis" : "axes"} ${axes.join(", ")} (${declaredShape(info)})`,
    `fix it: python -m onnxruntime.tools.make_dynamic_shape_fixed --input_name ${printable(info.name, 40)} --input_shape ${fixed} model.onnx fixed.onnx, with numbers for N`,
  );
}

/** A shape as the file declares it, for messages: open sizes by their name. */
export function declaredShape(info: ValueInfoProto): string | undefined {
  const tensor = info.type?.value.case === "tensorType" ? info.type.value.value : undefined;
  if (tensor?.shape === undefined || tensor.shape.dim.length > 8) return undefined;
  const sizes = tensor.shape.dim.map(({ value }) =>
    value.case === "dimParam" ? printable(value.value, 12) : String(value.value ?? "?"),
  );
  return sizes.length === 0 ? "scalar" : sizes.join("×");
}
