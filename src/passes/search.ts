/**
 * The smallest integer in [low, high] for which a monotone condition (false, then true) holds, `high + 1`
 * if it holds nowhere. At most 32 evaluations for the whole int32 range.
 */
export function firstWhere(low: number, high: number, holds: (x: number) => boolean): number {
  let from = low;
  let to = high + 1;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
