/**
 * Matrix products for the fast reference: products summed in float64 in the order of k, as the naive
 * reference does, four rows by two columns at a time, so that each number loaded serves several sums.
 */

/** `rows` rows of `depth` numbers. */
export interface Rows {
  readonly data: Float64Array;
  readonly rows: number;
}

/**
 * `put(row, column, sum)` for every row of `a` and every row of `b` from `firstB` to before `endB`: the sum
 * over k of a[row][k] · b[column][k]. Rows missing in a tile repeat the last one.
 */
export function multiply(
  a: Rows,
  b: Float64Array,
  depth: number,
  firstB: number,
  endB: number,
  put: (row: number, column: number, sum: number) => void,
): void {
  const last = a.rows - 1;
  for (let row = 0; row < a.rows; row += 4) {
    const [r1, r2, r3] = [Math.min(row + 1, last), Math.min(row + 2, last), Math.min(row + 3, last)];
    for (let column = firstB; column < endB; column += 2) {
      const second = Math.min(column + 1, endB - 1);
      tile(a.data, b, depth, row * depth, r1 * depth, r2 * depth, r3 * depth, column * depth, second * depth);
      put(row, column, sums[0]!);
      put(row, second, sums[1]!);
      put(r1, column, sums[2]!);
      put(r1, second, sums[3]!);
      put(r2, column, sums[4]!);
      put(r2, second, sums[5]!);
      put(r3, column, sums[6]!);
      put(r3, second, sums[7]!);
    }
  }
}

/** The eight sums of the last tile: row by row, two columns each. */
const sums = new Float64Array(8);

function tile(
  a: Float64Array,
  b: Float64Array,
  depth: number,
  a0: number,
  a1: number,
  a2: number,
  a3: number,
  b0: number,
  b1: number,
): void {
  let [s00, s01, s10, s11] = [0, 0, 0, 0];
  let [s20, s21, s30, s31] = [0, 0, 0, 0];
  for (let k = 0; k < depth; k++) {
    const p = b[b0 + k]!;
    const q = b[b1 + k]!;
    const x0 = a[a0 + k]!;
    s00 += x0 * p;
    s01 += x0 * q;
    const x1 = a[a1 + k]!;
    s10 += x1 * p;
    s11 += x1 * q;
    const x2 = a[a2 + k]!;
    s20 += x2 * p;
    s21 += x2 * q;
    const x3 = a[a3 + k]!;
    s30 += x3 * p;
    s31 += x3 * q;
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s10;
  sums[3] = s11;
  sums[4] = s20;
  sums[5] = s21;
  sums[6] = s30;
  sums[7] = s31;
}
