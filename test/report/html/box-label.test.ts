import fc from "fast-check";
import { expect, it } from "vitest";
import { boxLabel } from "../../../src/report/html/box-label.js";

/** Width of a character of 11 pixels in the common monospaced fonts. */
const CHARACTER = 11 * 0.602;

it("labels stay within their boxes, and end as their names do", () => {
  const side = fc.double({ min: 0, max: 400, noNaN: true });
  fc.assert(
    fc.property(side, side, fc.string({ minLength: 1, maxLength: 60 }), (width, height, name) => {
      const lines = boxLabel({ x: 10, y: 20, width, height }, name, "1,024 B");
      const isUpward = lines[0]?.transform.startsWith("rotate") ?? false;
      const [along, across] = isUpward ? [height, width] : [width, height];
      for (const { text, x, y } of lines) {
        expect(text.length * CHARACTER).toBeLessThanOrEqual(along);
        expect(Math.abs(x - (10 + width / 2))).toBeLessThan(0.01);
        // Letters stand up to 9 above the line and reach 3 below it; the rotation is about the middle.
        expect(y - 9 - (20 + height / 2)).toBeGreaterThanOrEqual(-across / 2 - 0.5);
        expect(y + 3 - (20 + height / 2)).toBeLessThanOrEqual(across / 2 + 0.5);
      }
      if (lines.length > 0) {
        const [head, tail] = lines[0]!.text.split("…");
        expect(name.startsWith(head!) && name.endsWith(tail ?? "")).toBe(true);
      }
      expect(lines.length).toBeLessThanOrEqual(2);
      if (Math.min(width, height) >= 30 && Math.max(width, height) >= 8 + name.length * 6.72) {
        expect(lines[0]?.text).toBe(name);
      }
    }),
  );
});
