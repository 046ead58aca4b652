/** Statistics of weights, summed in float64 and rounded to float32 once. */
import type { FloatTensor } from "../../../graph/types.js";
import { type Over, sizeOf } from "./fields.js";

/** The weights of each output, or all of them as one group. */
export function groupsOf<Data extends Float32Array | Int32Array>(
  weights: FloatTensor,
  per: Over,
  data: Data,
): Data[] {
  const size = per === "output" ? sizeOf(weights) : data.length;
  return Array.from(
    { length: data.length / size },
    (_, g) => data.subarray(g * size, (g + 1) * size) as Data,
  );
}

/** Mean magnitudes; where there are codes, of the weights whose code is not 0. No weights at all have the mean 0. */
export function meanMagnitudes(weights: FloatTensor, per: Over, codes?: Int32Array): Float32Array {
  const kept = codes === undefined ? undefined : groupsOf(weights, per, codes);
  const means = groupsOf(weights, per, weights.data).map((group, g) => {
    let [sum, count] = [0, 0];
    group.forEach((x, i) => {
      if (kept?.[g]?.[i] === 0) return;
      sum += Math.abs(x);
      count++;
    });
    return sum / Math.max(1, count);
  });
  return Float32Array.from(means);
}

/** `Σ d·|w| / Σ d`. The divisor may be 0. */
export function weightedMagnitudes(weights: FloatTensor, per: Over, d: Float32Array): Float32Array {
  const factors = groupsOf(weights, per, d);
  const means = groupsOf(weights, per, weights.data).map((group, g) => {
    let [sum, total] = [0, 0];
    group.forEach((x, i) => {
      const factor = factors[g]![i]!;
      sum += factor * Math.abs(x);
      total += factor;
    });
    return sum / total;
  });
  return Float32Array.from(means);
}

export function greatestMagnitudes(weights: FloatTensor, per: Over): Float32Array {
  return Float32Array.from(groupsOf(weights, per, weights.data), (group) =>
    group.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  );
}

/** The square root of the sum of squared distances from the mean over the count less `less`. */
export function deviation(group: Float32Array, less: 0 | 1): number {
  const mean = meanOf(group);
  const squares = group.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt(squares / (group.length - less));
}

export function meanOf(group: Float32Array): number {
  return group.reduce((sum, x) => sum + x, 0) / group.length;
}

/**
 * What ternary weights that come nearest to a group make 0, in least squares: of the k greatest magnitudes with the mean
 * as their scale, that k whose `(Σ magnitudes)² / k` is greatest. The answer is the least magnitude that is kept and the
 * greatest that is not.
 */
export function leastSquaresThreshold(group: Float32Array): { readonly kept: number; readonly left: number } {
  const falling = group.map(Math.abs).sort().reverse();
  let [sum, best, count] = [0, 0, 0];
  falling.forEach((m, i) => {
    sum += m;
    // Equal magnitudes stay together.
    if (falling[i + 1] === m) return;
    const gain = sum ** 2 / (i + 1);
    if (gain > best) [best, count] = [gain, i + 1];
  });
  return { kept: falling[count - 1] ?? 0, left: falling[count] ?? 0 };
}
