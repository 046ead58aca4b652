import { printable } from "../../diagnostics/text.js";
import { INPUT_LIMIT } from "../common/limits.js";
import { Rejection } from "../common/rejection.js";
import type { ValueInfoProto } from "./onnx_pb.js";

/**
 * The shape of a float32 model input. A batch size that is open, or absent, is taken as 1. Throws a Rejection
 * for other types, open sizes and other batch sizes.
 */
export function inputShape(info: ValueInfoProto): readonly number[] {
  const tensor = info.type?.value.case === "tensorType" ? info.type.value.value : undefined;
  if (tensor?.shape === undefined)
    throw new Rejection("the input has no shape", "export the model with a fixed input shape");
  if (tensor.elemType !== 1)
    throw new Rejection("the input is not float32", "export the model with a float32 input");
  const sizes = tensor.shape.dim.map((d) => (d.value.case === "dimValue" ? Number(d.value.value) : 0));
  const shape = sizes.map((n, i) => (i === 0 && n <= 0 ? 1 : n));
  const count = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((n) => n >= 1) || !(count <= INPUT_LIMIT) || shape.length > 8) {
    throw new Rejection(
      `the input has open or impossible sizes (${declaredShape(info)})`,
      "export the model with a fixed input shape",
    );
  }
  if (shape.length > 1 && shape[0] !== 1) {
    throw new Rejection(
      `the batch size is ${shape[0]}`,
      "export the model with batch size 1 or an open batch size",
    );
  }
  return shape;
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
