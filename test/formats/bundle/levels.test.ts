/** Quantizers to levels: where numbers change levels, and what manifests are refused for. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floatOfKey, nextUp } from "../../../src/formats/common/float-keys.js";
import type { LevelsQuantizer } from "../../../src/graph/types.js";
import { graphOf, problemOf, run, type Tensors, tensor } from "../../support/bundle.js";

const f = Math.fround;

function layerOf(layer: object, tensors: Tensors, elements: number) {
  return { input: [elements], layers: [layer], tensors };
}

function quantizerOf(layer: object, tensors: Tensors): LevelsQuantizer {
  const [node] = graphOf(layerOf(layer, tensors, 1)).nodes;
  if (node?.op.kind !== "quantize" || node.op.quantizer.kind !== "levels") throw new Error("no levels");
  return node.op.quantizer;
}

/** A threshold, the float32 below it, and some beyond. */
function around(t: number): number[] {
  return [t, nextUp(t), -nextUp(-t), t + 0.25, t - 0.25].map(f);
}

describe("residual_sign", () => {
  /** The encoder, written as ReBNet trains it. */
  function encode(scales: readonly number[], signOfZero: number, x: number): number {
    let [rest, sum] = [x, 0];
    for (const g of scales) {
      const b = rest === 0 ? signOfZero : Math.sign(rest);
      rest = f(rest - f(g * b));
      sum = f(sum + g * b);
    }
    return sum;
  }

  test("has the encoder's numbers at, below and above every threshold", () => {
    const scale = fc.float({ min: f(1e-3), max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.array(scale, { minLength: 1, maxLength: 4 }), fc.constantFrom(1, -1), (scales, zero) => {
        const layer = { type: "residual_sign", scales: "g", sign_of_zero: zero };
        const tensors = { g: tensor([scales.length], scales) };
        const { data } = quantizerOf(layer, tensors).thresholds;
        const x = [0, -0, ...[...data].flatMap(around)];
        const wanted = x.map((v) => encode(scales, zero, v) + 0);
        expect(run(layerOf(layer, tensors, x.length), x).map((y) => y + 0)).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });
});

describe("levels", () => {
  test("HWGQ: exactly a threshold belongs to the level below", () => {
    const layer = { type: "levels", thresholds: "t", at_threshold: "below", values: "v" };
    const tensors = {
      t: tensor([3], [0, 0.807, 1.345]),
      v: tensor([4], [0, 0.538, 1.076, 1.614]),
    };
    const x = [0, -0, nextUp(0), 0.807, nextUp(f(0.807)), 1.345, nextUp(f(1.345))].map(f);
    const y = [0, 0, 0.538, 0.538, 1.076, 1.076, 1.614];
    expect(run(layerOf(layer, tensors, x.length), x)).toEqual(y.map(f));
  });

  test("values that are sums of planes of ±1 get these planes", () => {
    const layer = { type: "levels", thresholds: "t", at_threshold: "above", values: "v" };
    const values = [-0.75, -0.5, 0.5, 0.75].map(f);
    const tensors = { t: tensor([3], [-1, 0, 1]), v: tensor([4], values) };
    const { planes } = quantizerOf(layer, tensors);
    expect(planes?.alphabet).toBe("signs");
    expect([...planes!.coefficients.data]).toEqual([0.625, 0.125]);
    expect([...planes!.codes]).toEqual([0, 1, 2, 3]);
  });

  const thresholds = tensor([2], [0, 1]);
  const planes = { codes: [0, 1, 3], coefficients: "c", alphabet: "bits" };
  test.each<[string, object, RegExp]>([
    ["neither values nor planes", {}, /does not say what its levels are — give values, or codes/],
    ["both", { values: "v", ...planes }, /has both values and planes/],
    ["a part of the planes", { codes: [0, 1, 3] }, /its planes are not complete/],
    ["too few values", { values: "t" }, /it has 2 levels — 2 thresholds lie between 3 levels/],
    [
      "a code of more planes",
      { ...planes, codes: [0, 1, 4] },
      /it has the code 4 of 2 planes — codes are below 4/,
    ],
    ["equal levels", { ...planes, codes: [1, 1, 1] }, /all its levels are equal/],
    [
      "thresholds that fall",
      { values: "v", thresholds: "falling" },
      /its thresholds do not rise — sort them/,
    ],
    ["thresholds of other channels", { values: "v", thresholds: "rows" }, /thresholds for 3 channels of 1/],
    ["thresholds of a map", { values: "v", thresholds: "map" }, /its thresholds have the shape 1×1×2/],
  ])("refuses %s", (_, fields, message) => {
    const tensors = {
      t: thresholds,
      falling: tensor([2], [1, 0]),
      rows: tensor([3, 2], [0, 1, 0, 1, 0, 1]),
      map: tensor([1, 1, 2], [0, 1]),
      v: tensor([3], [0, 2, 1]),
      c: tensor([2], [1, 0.25]),
    };
    const layer = { type: "levels", thresholds: "t", at_threshold: "above", ...fields };
    const unused = ["t", "falling", "rows", "map", "v", "c"];
    expect(problemOf({ ...layerOf(layer, tensors, 1), more: { unused } })).toMatch(message);
  });
});

test("keys count float32 numbers in their order", () => {
  expect([floatOfKey(0), floatOfKey(-1), floatOfKey(1)]).toEqual([0, -0, 2 ** -149]);
  expect(nextUp(1)).toBe(1 + 2 ** -23);
  expect(nextUp(-1)).toBe(-1 + 2 ** -24);
  expect(nextUp(-0)).toBe(2 ** -149);
});
