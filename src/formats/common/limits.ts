/**
 * Bounds that keep a small hostile file from becoming a large computation. Each is far above what fits the
 * flash of a Cortex-M.
 */
import { Rejection } from "./rejection.js";

/** Bytes of a model file, after decompression. */
export const FILE_LIMIT = 1 << 28;
/** Most dimensions of a tensor. */
const RANK_LIMIT = 8;
/** Elements of one folded constant: broadcasting can make a large tensor out of two small ones. */
const FOLDED_LIMIT = 1 << 24;
/** Elements of the model's input. */
export const INPUT_LIMIT = 1 << 22;
/** Elements of one computed value. */
const COMPUTED_LIMIT = 1 << 22;
/** Elements of all computed values together: lowering keeps a few bytes for each. */
export const VALUES_LIMIT = 1 << 26;
/**
 * Elements of constants that all nodes together read and write: nodes may share one large constant. A file
 * earns more with its size, so that every weight may pass through several nodes.
 */
const WORK_LIMIT = 1 << 24;
const WORK_PER_BYTE = 8;
/** Numbers in a folded list of integers: lists are shapes and axes. */
const LIST_LIMIT = 1 << 10;

/** Refuses shapes with too many dimensions or elements for a constant that is computed during import. */
export function checkFolded(shape: readonly number[]): void {
  checkRank(shape);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count <= FOLDED_LIMIT) return;
  throw new Rejection(
    `folding it gives a constant of ${count} elements`,
    "simplify the model before exporting",
  );
}

/** Refuses computed lists of integers that are longer than any shape. */
export function checkList(count: number): void {
  if (count <= LIST_LIMIT) return;
  throw new Rejection(`folding it gives a list of ${count} integers`, "simplify the model before exporting");
}

/** Refuses computed values that no microcontroller holds, which a small file can ask for with large pads. */
export function checkComputed(shape: readonly number[]): void {
  checkRank(shape);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count <= COMPUTED_LIMIT) return;
  throw new Rejection(
    `it computes ${count} elements`,
    `at most ${COMPUTED_LIMIT} are supported: check the sizes of the input and the pads`,
  );
}

const [INT64_MIN, INT64_MAX] = [-(2n ** 63n), 2n ** 63n - 1n];

/** An int64 of the file. The type's bounds, with which exporters mean "as far as it goes", are cut to 53 bits. */
export function wholeNumber(value: bigint): number {
  if (value === INT64_MAX) return Number.MAX_SAFE_INTEGER;
  return value === INT64_MIN || value === -INT64_MAX ? Number.MIN_SAFE_INTEGER : Number(value);
}

export function checkRank(shape: readonly number[]): void {
  if (shape.length <= RANK_LIMIT) return;
  throw new Rejection(
    `a tensor of rank ${shape.length} is not supported`,
    `at most ${RANK_LIMIT} dimensions are`,
  );
}

/** Counts the elements that an import has touched. */
export class WorkBudget {
  #limit: number;
  #left: number;

  constructor(fileBytes: number) {
    this.#limit = WORK_LIMIT + WORK_PER_BYTE * fileBytes;
    this.#left = this.#limit;
  }

  /** Bytes of further files that belong to the model. */
  earn(fileBytes: number): void {
    this.#limit += WORK_PER_BYTE * fileBytes;
    this.#left += WORK_PER_BYTE * fileBytes;
  }

  spend(elements: number): void {
    this.#left -= elements;
    if (this.#left >= 0) return;
    throw new Rejection(
      `the file's nodes read and fold more than ${this.#limit} constant elements together`,
      "this is more than a microcontroller can hold: check that this is the right file",
    );
  }
}
