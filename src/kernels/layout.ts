import { canonicalSize, type ProgramTensor } from "../program/index.js";

/**
 * How the codes of a tensor lie in memory; the plan chooses one per tensor. Scalars are always `channels`.
 *
 * * `channels`: the canonical form. [row][x][plane][word], 32 channels to a word, lowest channel in bit 0.
 * * `pixels`: [row][plane][channel][unit]. A unit is one row of one channel, pixel x in bit x, unused bits
 *   zero. Rows start at multiples of four bytes. There is no halo.
 */
export type Layout = "channels" | "pixels";

/** Bytes of one row of one channel in the layout `pixels`: 1, 2 or 4, and whole words beyond 32 pixels. */
export function unitBytes(width: number): number {
  if (width <= 8) return 1;
  return width <= 16 ? 2 : 4 * Math.ceil(width / 32);
}

/** Distance between rows in bytes. */
export function rowBytes(tensor: ProgramTensor, layout: Layout): number {
  const [height, width, channels] = tensor.shape;
  if (layout === "channels" || tensor.domain.kind !== "codes") return canonicalSize(tensor) / height;
  return Math.ceil((tensor.domain.bits * channels * unitBytes(width)) / 4) * 4;
}

/** Bytes of a whole tensor. */
export function layoutBytes(tensor: ProgramTensor, layout: Layout): number {
  return tensor.shape[0] * rowBytes(tensor, layout);
}
