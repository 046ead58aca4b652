import { expect, it } from "vitest";
import { both, each, products } from "../support/methods/arithmetic.js";
import { checkMethod } from "../support/methods/check.js";
import { Parameters } from "../support/methods/parameters.js";
import { byBases, numbersOf } from "../support/methods/planes.js";
import { activated, adaBin, weights } from "./t42-adabin.js";

checkMethod(adaBin);

it("sums of planes by bases are those of the values themselves, at borders too", () => {
  const drawn = new Parameters(1);
  const x = drawn.numbers("~x", [2, 5, 4, 6], () => drawn.random.normal());
  const a = activated("block1", x, drawn, (_, v) => v);
  const bases = weights(drawn, "conv", [7, 5, 3, 3]);
  const size = 5 * 9;
  const ofWeights = bases
    .map(({ codes, coefficient }) => each(codes, (c, _, i) => c * coefficient[Math.floor(i / size)]!))
    .reduce((p, q) => both(p, q, (v, w) => v + w));
  const wanted = products(numbersOf(a), ofWeights, { pads: 1 });
  const found = byBases(a, bases, { pads: 1 });
  expect(new Set(numbersOf(a).data).size).toBe(2);
  expect(each(found, (v, _, i) => Math.abs(v - wanted.data[i]!)).data.every((d) => d < 1e-5)).toBe(true);
});
