/** How far a program in fixed point is from the model, on the inputs at hand. */
import type { Approximation } from "../evaluate.js";

export function approximationText({ count, greatestDifference, sameClass }: Approximation): string {
  const classes = sameClass === null ? "" : `; the greatest output is the same on ${sameClass} of ${count}`;
  return `against the model in float32: outputs differ by ${Number(greatestDifference.toPrecision(3))} at most on ${count} inputs${classes}`;
}
