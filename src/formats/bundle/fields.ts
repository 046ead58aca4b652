/**
 * The kinds of fields that manifests have. Each carries the words that say what is expected: they are the message
 * where a manifest has something else, and the description in the published schema.
 */
import { z } from "zod";

/** Larger kernels, strides, pads and shapes than this are no layer of a microcontroller. */
const LARGEST_SIZE = 1 << 16;
const LARGEST_FLOAT = 3.4028234663852886e38;
const LONGEST_NAME = 200;
const MOST_DIMENSIONS = 8;

export function flag(expected: string) {
  return z.boolean({ error: expected }).describe(expected);
}

export function wholeNumber(least: number, most: number, expected: string) {
  const error = expected;
  return z.int({ error }).min(least, { error }).max(most, { error }).describe(expected);
}

/** A number that float32 can hold, perhaps after rounding. */
export function float(expected: string) {
  const error = expected;
  return z.number({ error }).min(-LARGEST_FLOAT, { error }).max(LARGEST_FLOAT, { error }).describe(expected);
}

/** The name of a layer, a tensor or the net. */
export function name(expected: string) {
  const error = expected;
  return z.string({ error }).min(1, { error }).max(LONGEST_NAME, { error }).describe(expected);
}

export function oneOf<const T extends readonly [string, ...string[]]>(choices: T, expected: string) {
  return z.enum(choices, { error: expected }).describe(expected);
}

/** A number, or the name of a tensor in the weights file. */
export function numberOrTensor(expected: string) {
  return z.union([float(expected), name(expected)], { error: expected }).describe(expected);
}

/** A list of whole numbers, one for each dimension of a value. */
export function perDimension(least: number, expected: string) {
  const error = expected;
  return z
    .array(wholeNumber(least, LARGEST_SIZE, expected), { error })
    .min(1, { error })
    .max(MOST_DIMENSIONS, { error })
    .describe(expected);
}

/** One number for all axes of a map, or one per axis; `counts` are the lengths that a list may have. */
function perAxis(counts: readonly number[], least: number, expected: string) {
  const number = wholeNumber(least, LARGEST_SIZE, expected);
  const lists = counts.map((n) => z.array(number, { error: expected }).length(n, { error: expected }));
  return z.union([number, ...lists], { error: expected }).describe(expected);
}

/** Strides, dilations and kernel sizes: one number, or [height, width]. */
export function sizes(axes: 1 | 2, what: string) {
  const list = axes === 1 ? "" : ", or [height, width]";
  return perAxis([axes], 1, `${what}: a whole number from 1 to ${LARGEST_SIZE}${list}`);
}

export function padding(axes: 1 | 2) {
  const list = axes === 1 ? "[before, after]" : "[height, width] or [top, left, bottom, right]";
  return perAxis(axes === 1 ? [2] : [2, 4], 0, `pads: a whole number from 0 to ${LARGEST_SIZE}, or ${list}`);
}

/** A list of axes. */
export function dimensions(what: string) {
  const error = what;
  return z.array(dimension(what), { error }).min(1, { error }).max(MOST_DIMENSIONS, { error }).describe(what);
}

/** An axis; negative ones count from the last. */
export function dimension(what: string) {
  return wholeNumber(
    -MOST_DIMENSIONS,
    MOST_DIMENSIONS - 1,
    `${what}: an axis, counted from 0 (the batch), or from −1 backwards`,
  );
}
