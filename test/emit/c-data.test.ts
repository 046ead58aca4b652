/** Numbers as C text: whatever is written is read back as the same bits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrayText } from "../../src/emit/c-data.js";

function readBack(text: string): number[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => Number(item.replace("INFINITY", "Infinity").replace(/f$/, "")))
    .map(Math.fround);
}

describe("float arrays as C text", () => {
  it("hold every float32, of both signs of zero and infinity too", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 40 }), (values) => {
        const back = readBack(arrayText("float", values));
        expect(back.length).toBe(values.length);
        for (const [i, x] of back.entries())
          expect(Object.is(x, values[i]), `${values[i]} as ${x}`).toBe(true);
      }),
    );
    expect(arrayText("float", [-0, 0, 1, -1e30]).trim()).toBe(
      "-0.0f, 0.00000000f, 1.00000000f, -1.00000000e+30f,",
    );
  });
});
