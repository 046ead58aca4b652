import { describe, expect, it } from "vitest";
import { type StackNode, worstPath } from "../../src/toolchain/stack.js";

/** A graph of functions: frame, and calls as `[name, depth]`, the frame by default. */
type Functions = Readonly<Record<string, readonly [frame: number, ...calls: (string | [string, number])[]]>>;

function worst(functions: Functions, start: string) {
  const nodeOf = (name: string): StackNode<string> => {
    const [frameBytes, ...calls] = functions[name]!;
    const known = calls.map((call) => (typeof call === "string" ? ([call, frameBytes] as const) : call));
    return { name, frameBytes, calls: known.map(([to, depth]) => ({ to, depth })), problems: [] };
  };
  const { bytes, path, problems } = worstPath(nodeOf, start);
  expect(path.reduce((sum, step) => sum + step.bytes, 0)).toBe(bytes);
  return { bytes, path: path.map((p) => p.function), problems: problems.map((p) => p.message) };
}

describe("the deepest path", () => {
  it("is not the one of most functions", () => {
    const functions: Functions = { run: [24, "a", "b"], a: [16, "c"], b: [100], c: [8, "d"], d: [8] };
    expect(worst(functions, "run")).toEqual({ bytes: 124, path: ["run", "b"], problems: [] });
  });

  it("counts what is in use at a call, and not the frame that a jump at the end has given back", () => {
    expect(worst({ run: [80, ["a", 0]], a: [40] }, "run")).toMatchObject({ bytes: 80, path: ["run"] });
    expect(worst({ run: [80, ["a", 0]], a: [96] }, "run")).toMatchObject({ bytes: 96, path: ["run", "a"] });
    expect(worst({ run: [80, ["a", 24]], a: [64] }, "run")).toMatchObject({ bytes: 88 });
  });

  it("has no bound where functions call themselves, which are named", () => {
    const functions: Functions = { run: [8, "f"], f: [8, "g"], g: [16, "h", "f"], h: [4] };
    expect(worst(functions, "run")).toMatchObject({ problems: ["f calls itself: f > g > f"] });
    expect(worst({ f: [8, "f"] }, "f")).toMatchObject({ problems: ["f calls itself: f > f"] });
    expect(worst({ run: [8, "a", "b"], a: [8, "c"], b: [8, "c"], c: [8] }, "run")).toMatchObject({
      bytes: 24,
      problems: [],
    });
  });
});
