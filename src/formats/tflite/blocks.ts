/**
 * TFLite's vector code takes so many elements of a tensor at a time, in the file's order, and rounds otherwise than the
 * code for the few that are left. Seen in the interpreter of larq-compute-engine 0.16.0 on x86-64, whose vector code is
 * that for Arm.
 */
import type { Shape } from "../../graph/types.js";
import { countOf } from "../common/constant.js";

/** Elements at a time: of float32 to integers and back; of int8 alone. */
export const FLOAT_BLOCK = 8;
export const INTEGER_BLOCK = 16;

/** How many first elements are in blocks. */
export function inBlocks(elements: number, block: number): number {
  return elements - (elements % block);
}

/** Whether the value is one row, in which positions can be told apart as channels. */
export function isRow(shape: Shape): boolean {
  return countOf(shape) === shape.at(-1);
}
