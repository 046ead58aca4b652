/** Numbers as sums of planes and of bases, as the types define them: in float32, rounded after every operation. */
import { broadcastPositions } from "./broadcast.js";
import type { Planes, Shape, WeightBasis } from "./types.js";

const f = Math.fround;

/** The number that a code stands for; its most significant of L bits is that of the first plane. */
export function planesValue({ alphabet, coefficients, constant }: Planes, code: number): number {
  const { data } = coefficients;
  let sum = 0;
  data.forEach((coefficient, l) => {
    const bit = (code >> (data.length - 1 - l)) & 1;
    const plane = alphabet === "signs" ? 2 * bit - 1 : bit;
    sum = f(sum + coefficient * plane);
  });
  return f(sum + constant);
}

/** Weights of this shape that are the sum of bases. */
export function sumOfBases(bases: readonly WeightBasis[], shape: Shape): Float32Array {
  const sum = new Float32Array(bases[0]?.codes.length ?? 0);
  for (const { codes, coefficient } of bases) {
    const positions = broadcastPositions(coefficient.shape, shape);
    codes.forEach((code, i) => {
      sum[i] = sum[i]! + f(code * coefficient.data[positions[i]!]!);
    });
  }
  return sum;
}
