import { elementCount, type ProgramTensor } from "../program/index.js";
import { type Layout, unitBytes } from "./layout.js";

/** `u8` … `f32`, or `codes`: the end of a runtime function's name. */
export function typeName({ domain }: ProgramTensor): "u8" | "i8" | "i16" | "i32" | "f32" | "codes" {
  return domain.kind === "codes" ? "codes" : domain.type;
}

/** Bytes of a scalar; 0 for codes. */
export function elementBytes({ domain }: ProgramTensor): number {
  if (domain.kind === "codes") return 0;
  return { u8: 1, i8: 1, i16: 2, i32: 4, f32: 4 }[domain.type];
}

/** Planes of codes; 0 for scalars. */
export function planesOf({ domain }: ProgramTensor): number {
  return domain.kind === "codes" ? domain.bits : 0;
}

/** Words per plane of a pixel. */
export function planeWords({ shape }: ProgramTensor): number {
  return Math.ceil(shape[2] / 32);
}

/** Words that hold a tensor's codes in the layout `channels`. */
export function codeWords(tensor: ProgramTensor): number {
  return tensor.shape[0] * tensor.shape[1] * planesOf(tensor) * planeWords(tensor);
}

/** The layouts that a tensor can have, with the end of the name of a function that handles it. */
export function layoutForms(
  tensor: ProgramTensor,
): readonly { readonly layout: Layout; readonly suffix: string; readonly unitBytes: number }[] {
  if (tensor.domain.kind === "scalar") return [{ layout: "channels", suffix: "scalars", unitBytes: 0 }];
  return [
    { layout: "channels", suffix: "channels", unitBytes: 0 },
    { layout: "pixels", suffix: "pixels", unitBytes: unitBytes(tensor.shape[1]) },
  ];
}

/** Steps of a loop over the data of a tensor in a layout: elements of scalars, words or units of codes. */
export function steps(tensor: ProgramTensor, layout: Layout): number {
  if (tensor.domain.kind === "scalar") return elementCount(tensor);
  const [height, width, channels] = tensor.shape;
  return layout === "channels"
    ? codeWords(tensor)
    : height * channels * planesOf(tensor) * Math.ceil(width / 32);
}
