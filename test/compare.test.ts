import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BaselineEntry,
  compareFigures,
  type Figures,
  figureNames,
  type Measured,
  readBaseline,
  writeBaseline,
} from "../src/compare.js";
import { COMMENT_MARK, comparisonMarkdown, comparisonText } from "../src/report/comparison.js";
import { errorsOf } from "./support/errors.js";

const gcc = "GCC 12.2.1";
const figures: Figures = { flashBytes: 10_000, arenaBytes: 200, stackBytes: 0, instructions: 50_000 };
const net: Measured = { model: "net", board: "microbit", figures };
const entry = (change: Partial<BaselineEntry> = {}): BaselineEntry => ({
  compiler: gcc,
  model: "net",
  board: "microbit",
  ...figures,
  ...change,
});

describe("a baseline", () => {
  const names = fc.string({ maxLength: 20 });
  const counts = fc.nat();
  const entries = fc.uniqueArray(
    fc.record({
      compiler: names,
      model: names,
      board: names,
      ...Object.fromEntries(figureNames.map((name) => [name, counts])),
    }) as fc.Arbitrary<BaselineEntry>,
    { selector: (e) => JSON.stringify([e.compiler, e.model, e.board]), maxLength: 8 },
  );

  it("read again is what was written, whatever the names are", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const text = writeBaseline(all, gcc, []);
        const again = readBaseline(text, "x");
        expect(again).toHaveLength(all.length);
        expect(again).toEqual(expect.arrayContaining(all));
        expect(writeBaseline([...all].reverse(), gcc, [])).toBe(text);
      }),
    );
  });

  it("compared with itself has not grown, at no tolerance at all", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const own = all.filter((e) => e.compiler === all[0]?.compiler);
        const measured = own.map(({ compiler: _, model, board, ...rest }) => ({
          model,
          board,
          figures: rest,
        }));
        const comparison = compareFigures(all, own[0]?.compiler ?? gcc, measured, 0);
        expect(comparison.passed).toBe(true);
        expect(comparison.notMeasured).toEqual([]);
      }),
    );
  });

  it("keeps what was not measured and what other compilers made", () => {
    const before = [
      entry({ board: "mps2-an386" }),
      entry({ compiler: "GCC 13.2.1", flashBytes: 1 }),
      entry({ flashBytes: 1 }),
    ];
    expect(readBaseline(writeBaseline(before, gcc, [net]), "x")).toEqual([
      entry(),
      entry({ board: "mps2-an386" }),
      entry({ compiler: "GCC 13.2.1", flashBytes: 1 }),
    ]);
  });

  it.each([
    ["", "no JSON"],
    ["[]", "a list"],
    ['{"format":2,"figures":[]}', "another format"],
    ['{"format":1,"figures":{"__proto__":{}}}', "an object for the list"],
    [JSON.stringify({ format: 1, figures: [{ ...entry(), flashBytes: -1 }] }), "a negative figure"],
    [JSON.stringify({ format: 1, figures: [{ ...entry(), instructions: 1.5 }] }), "half an instruction"],
    [JSON.stringify({ format: 1, figures: [{ ...entry(), extra: 1 }] }), "a field that it does not have"],
  ])("is not %j: %s", (text) => {
    expect(errorsOf(() => readBaseline(text, "base.json"))[0]).toMatchObject({
      code: "compare/baseline",
      where: "base.json",
    });
  });
});

describe("a comparison", () => {
  it.each([
    ["just within", 10_100, true],
    ["beyond", 10_101, false],
    ["less", 9000, true],
  ])("%s the tolerance", (_what, flashBytes, passed) => {
    const comparison = compareFigures([entry()], gcc, [{ ...net, figures: { ...figures, flashBytes } }], 1);
    expect(comparison.passed).toBe(passed);
    expect(comparison.rows[0]!.grown).toEqual(passed ? [] : ["flashBytes"]);
  });

  it("grows from nothing to something, whatever the tolerance", () => {
    const grown = compareFigures([entry()], gcc, [{ ...net, figures: { ...figures, stackBytes: 8 } }], 500);
    expect(grown).toMatchObject({ passed: false, rows: [{ grown: ["stackBytes"] }] });
    expect(comparisonMarkdown(grown)).toContain("**0 → 8**");
  });

  it("does not pass what it could not compare, and says which compiler the baseline is of", () => {
    const other = compareFigures([entry({ compiler: "GCC 13.2.1" })], gcc, [net], 1);
    expect(other).toMatchObject({ passed: false, rows: [{ baseline: null, grown: [] }] });
    expect(comparisonText(other)).toContain("The baseline has figures of GCC 13.2.1 only");
    expect(comparisonText(compareFigures([], gcc, [net], 1))).toMatch(/new +net +microbit +10000 \(new\)/);
    expect(comparisonText(compareFigures([], gcc, [net], 1), true)).toMatch(/^UPDATED: /m);
  });

  it("tells what the baseline has and nobody measured, and passes", () => {
    const comparison = compareFigures([entry(), entry({ board: "mps2-an386" })], gcc, [net], 1);
    expect(comparison).toMatchObject({ passed: true, notMeasured: [{ model: "net", board: "mps2-an386" }] });
    expect(comparisonText(comparison)).toContain("not measured now: net on mps2-an386");
  });

  it("is a table of Markdown that no name breaks", () => {
    const before = entry({ model: "a|b<!-- `*", instructions: 40_000 });
    const measured = { ...net, model: before.model, figures: { ...figures, flashBytes: 9000 } };
    const lines = comparisonMarkdown(compareFigures([before], gcc, [measured], 1)).split("\n");
    expect(lines.slice(0, 2)).toEqual([COMMENT_MARK, "### bitloom: 1 figure grew by more than 1 %"]);
    expect(lines[5]).toBe(
      "| a\\|b\\<!-- \\`\\* | microbit | 10000 → 9000 (−10.0 %) | 200 | 0 | **40000 → 50000 (+25.0 %)** |",
    );
  });
});
