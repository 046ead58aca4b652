import { expect, it } from "vitest";
import { integerSoftmax } from "../../src/reference/integer-softmax.js";

it("gives probabilities in 256 steps, the greatest cut off at 255", () => {
  expect(integerSoftmax([7, 7], 0.25)).toEqual([128, 128]);
  expect(integerSoftmax([100, -100], 1)).toEqual([255, 0]);
  // e^0, e^-1 and e^-2 of their sum 1.5032: 0.6652, 0.2447, 0.0900.
  expect(integerSoftmax([2, 1, 0], 1)).toEqual([170, 63, 23]);
});

it("takes halves up", () => {
  expect(integerSoftmax(new Array<number>(512).fill(0), 1)).toEqual(new Array<number>(512).fill(1));
});
