/** The report's page: what it shows is read back from it and compared with plans. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable } from "../../../src/diagnostics/text.js";
import { planReport } from "../../../src/plan-report.js";
import type { CurvePoint, PlanReport, ReportedCurve, ReportedStream } from "../../../src/report/html/data.js";
import { planReportHtml } from "../../../src/report/html/page.js";
import { findBoard, findCpu } from "../../../src/targets/index.js";
import { mnistCnn, mnistMlp } from "../../support/models.js";
import { inPixels, isWithin, overlaps, pictureOf, type Rectangle } from "../../support/picture.js";
import { smallReport } from "../../support/small-report.js";
import { readXml, type XmlElement } from "../../support/xml.js";

const cpu = findCpu("cortex-m4");

/** Steps and bytes of the plan's own buffers. */
function rectangle({ from, to, offset, bytes }: { from: number; to: number; offset: number; bytes: number }) {
  return { x: from, y: offset, width: to - from + 1, height: bytes };
}

describe.each([
  ["mnist-mlp", mnistMlp],
  ["mnist-cnn", mnistCnn],
] as const)("the map of %s", (_, compile) => {
  const model = compile();
  const { memory, steps } = model.plan;
  const report = planReport(model, { cpu, goal: "speed", board: findBoard("stm32f4-discovery") });
  const html = planReportHtml(report);
  const picture = pictureOf(html);
  const pixels = picture.boxes.map((box) => inPixels(box, picture.transform));

  it("has every buffer once, exactly where the plan has it", () => {
    const drawn = picture.boxes.map(({ x, y, width, height }) => ({ x, y, width, height }));
    expect(drawn).toEqual(memory.buffers.map(rectangle));
    expect(picture.boxes.map((b) => b.className)).toEqual(memory.buffers.map((b) => b.holds.kind));
  });

  it("has no two boxes over each other, as pixels go, and one that moved would be noticed", () => {
    expect(overlaps(pixels)).toEqual([]);
    const [a, b] = memory.buffers
      .map((buffer, i) => ({ buffer, i }))
      .filter(({ buffer }) => buffer.from <= 1 && buffer.to >= 1);
    const moved = report.buffers.map((buffer, i) =>
      i === a!.i ? { ...buffer, offset: b!.buffer.offset } : buffer,
    );
    const wrong = pictureOf(planReportHtml({ ...report, buffers: moved }));
    expect(overlaps(wrong.boxes.map((box) => inPixels(box, wrong.transform)))).not.toEqual([]);
  });

  it("fills its panel from the first step to the last and from address 0 to the arena's size", () => {
    const all = { x: 0, y: 0, width: steps.length, height: memory.arenaBytes };
    const drawn = inPixels(all, picture.transform);
    for (const side of ["x", "y", "width", "height"] as const) {
      expect(drawn[side]).toBeCloseTo(picture.panel[side], 1);
    }
  });

  it("tells name, size, place and life of a box in its tooltip", () => {
    memory.buffers.forEach(({ holds, offset, bytes, from, to }, i) => {
      const { tooltip } = picture.boxes[i]!;
      const name =
        holds.kind === "scratch" ? steps[holds.step]!.symbol : model.program.tensors[holds.tensor]!.name;
      expect(tooltip).toContain(name);
      expect(tooltip.replaceAll(",", "")).toContain(`${bytes} B at ${offset} to ${offset + bytes - 1}`);
      expect(tooltip).toContain(from === to ? `step ${from}` : `steps ${from} to ${to}`);
    });
  });

  it("has bars of live bytes whose highest reaches the bound", () => {
    const live = picture.elements.find((e) => e.attributes.class === "live");
    const bars = picture.elements.filter((e) => e.name === "rect" && isWithin(e, live));
    const tops = bars.map(({ attributes }) => Number(attributes.y) + Number(attributes.height));
    expect(Math.max(...tops)).toBe(memory.lowerBound);
    expect(bars).toHaveLength(2 * steps.length);
  });

  it("has the layers and buffers in tables, too", () => {
    const rows = tableRows(picture.elements);
    expect(rows[0]!.slice(1, -1).map((cells) => cells[1])).toEqual(steps.map((s) => s.symbol));
    expect(rows[1]!.slice(1).map((cells) => Number(cells[5]!.replaceAll(",", "")))).toEqual(
      [...memory.buffers].sort((a, b) => a.from - b.from || a.offset - b.offset).map((b) => b.bytes),
    );
  });
});

/** Text of the cells of each table's rows. */
function tableRows(elements: readonly XmlElement[]): string[][][] {
  return elements
    .filter((e) => e.name === "table")
    .map((table) =>
      elements
        .filter((e) => e.name === "tr" && isWithin(e, table))
        .map((row) => elements.filter((e) => e.parent === row).map((cell) => cell.text)),
    );
}

describe("the page", () => {
  const report = smallReport(6, "tensor", {
    board: { name: "a board", flashBytes: 4096, ramBytes: 2048 },
    groups: [{ from: 1, to: 3, band: 2 }],
    banks: [384, 256],
    curve: curveFor([640, 800]),
  });
  const html = planReportHtml(report);
  const elements = readXml(html);

  it("is the same every time, and from data that went through JSON", () => {
    expect(planReportHtml(report)).toBe(html);
    expect(planReportHtml(JSON.parse(JSON.stringify(report)))).toBe(html);
  });

  it("loads nothing, runs nothing, and permits nothing but its own style", () => {
    const style = elements.find((e) => e.name === "style")!.text;
    const hash = createHash("sha256").update(style).digest("base64");
    const policy = elements.find((e) => e.attributes["http-equiv"] === "Content-Security-Policy")!;
    expect(policy.attributes.content).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`,
    );
    expect(elements.filter((e) => ["script", "link", "img", "iframe", "object"].includes(e.name))).toEqual(
      [],
    );
    const attributes = new Set(elements.flatMap((e) => Object.keys(e.attributes)));
    expect([...attributes].filter((name) => /^(on|style$|src|href)/.test(name))).toEqual([]);
    expect(style).not.toMatch(/url\(|@import/);
    expect(html.replaceAll(/xmlns="[^"]*"/g, "")).not.toMatch(/https?:/);
  });

  it("has an alternative for every drawing, and a scope for every head of a table", () => {
    for (const { attributes } of elements.filter((e) => e.name === "svg")) {
      const texts = ["aria-labelledby", "aria-describedby"].map(
        (name) => elements.find((e) => e.attributes.id === attributes[name])?.text ?? "",
      );
      const named = attributes["aria-label"] ?? texts.join(": ");
      const isNamed = attributes.role === "img" && named.length > 20;
      expect(isNamed || attributes["aria-hidden"] === "true").toBe(true);
    }
    for (const { attributes } of elements.filter((e) => e.name === "th")) {
      expect(attributes.scope).toMatch(/^(row|col)$/);
    }
    const ids = elements.flatMap((e) => (e.attributes.id === undefined ? [] : [e.attributes.id]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { attributes } of elements.filter((e) => "aria-labelledby" in e.attributes)) {
      expect(ids).toContain(attributes["aria-labelledby"]);
    }
  });

  it("says so where a model needs no arena", () => {
    const bare = smallReport(1, "one", { arenaBytes: 0, lowerBound: 0, buffers: [] });
    const text = planReportHtml(bare);
    expect(text).toContain("needs no working memory");
    expect(readXml(text).some((e) => e.attributes.id === "memory-map")).toBe(false);
  });

  it("draws the bound where it is below the arena, and says whether the arena is proven", () => {
    for (const proven of [true, false]) {
      const lowerBound = 500;
      const page = planReportHtml(smallReport(6, "tensor", { lowerBound, proven }));
      const { transform, elements: shown } = pictureOf(page);
      const [map] = shown.filter((e) => e.attributes.class === "bound" && e.attributes.d?.startsWith("M76"));
      expect(Number(/^M76 (\S+)H/.exec(map!.attributes.d!)![1])).toBeCloseTo(
        inPixels({ x: 0, y: lowerBound, width: 1, height: 0 }, transform).y,
        1,
      );
      expect(page).toContain(proven ? "the arena is proven minimal" : "the arena is not proven minimal");
      expect(page).toContain("lower bound 500 B");
    }
  });

  it("has sections for a board, groups and a curve only where there are any", () => {
    const classes = (text: string): string[] => readXml(text).map((e) => e.attributes.class ?? "");
    const bare = planReportHtml(smallReport(6));
    for (const name of ["bars", "bracket", "curve", "bank", "bank-end"]) {
      expect(classes(html)).toContain(name);
      expect(classes(bare)).not.toContain(name);
    }
  });
});

describe("names of hostile models", () => {
  const allowed = new Set(readXml(fullPage("harmless")).map(kindOf));

  it.each<[string, string]>([
    ["a script", "</title></style><script>alert(1)</script>"],
    ["a handler", '" onmouseover="alert(1)" x="'],
    ["a style", "' style='background:url(//evil)"],
    ["a comment", "<!--"],
    ["the end of a section", "]]><![CDATA["],
    ["entities", "&lt;script&gt;&amp;&#60;"],
    ["a template", "{{style}}{{{style}}}"],
    ["what does not print", "a\u0000b\u001b[2J\u202ec\ud800\uffff\u2028"],
    ["foreign elements", '</svg><foreignObject><iframe src="javascript:alert(1)">'],
    ["far too much", "x".repeat(100_000)],
    ["wide characters", "字".repeat(300)],
    ["nothing", ""],
  ])("%s", (_, name) => {
    const elements = readXml(fullPage(name));
    expect(elements.filter((e) => !allowed.has(kindOf(e)))).toEqual([]);
    // What is shown is the name itself, not what some reader made of it.
    expect(elements.find((e) => e.name === "h1")!.text).toBe(printable(name, 160));
  });

  it("of any characters make the same elements", () => {
    const character = fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10ffff }));
    const names = fc.array(character, { maxLength: 40 }).map((codes) => String.fromCodePoint(...codes));
    fc.assert(
      fc.property(names, (name) => {
        expect(readXml(fullPage(name)).filter((e) => !allowed.has(kindOf(e)))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});

/** Plans with so many bytes of RAM; instructions are those of a small report of six steps. */
function curveFor(rams: readonly number[], isWhole = true): ReportedCurve {
  return {
    isWhole,
    points: rams.map((ramBytes, i): CurvePoint => {
      const proven = i % 2 === 0;
      return {
        ramBytes,
        lowerBound: ramBytes - (proven ? 0 : 8),
        proven,
        instructions: 2100 + i,
        rolledSteps: i,
      };
    }),
  };
}

/** Every second step of a small report has rows after every second sample only. */
function streamFor(steps: number): ReportedStream {
  return {
    ...{ window: 20, warmUp: 12, perOutput: 2, isCausal: false, stateBytes: 1234, input: 0 },
    instructions: { mean: 75, most: 100 },
    steps: Array.from({ length: steps }, (_, i) => {
      return { every: 1 + (i % 2), instructions: 50, ...(i === steps - 1 ? {} : { output: 2 * i }) };
    }),
  };
}

/** A page with every section. */
function fullPage(name: string): string {
  const report = smallReport(9, name, {
    board: { name, flashBytes: 4096, ramBytes: 64 },
    groups: [{ from: 0, to: 1, band: 1 }],
    curve: curveFor([640, 500, 300], false),
    banks: [500, 140],
    stream: streamFor(9),
    lowerBound: 600,
    run: { machine: name, inputs: 2, instructions: 5000, flashBytes: 900, stackBytes: 80 },
  });
  const buffers = report.buffers.map((b, i) => (i > 2 ? b : { ...b, rows: { kept: 3, height: 8 } }));
  return planReportHtml({ ...report, buffers });
}

/** An element's name with those of its attributes; a label that stands upright has one more. */
function kindOf({ name, attributes }: XmlElement): string {
  const names = Object.keys(attributes).filter((a) => a !== "transform" || name !== "text");
  return `${name} ${names.join(" ")}`;
}

describe("what was counted in an emulator", () => {
  const run = { machine: "qemu some-board", inputs: 3, instructions: 4321, flashBytes: 900, stackBytes: 80 };
  const plain = smallReport(4, "tensor", { board: { name: "b", flashBytes: 4096, ramBytes: 2048 } });
  const steps = plain.steps.map((step, i) => ({ ...step, executed: 7 * (i + 1) }));
  const html = planReportHtml({ ...plain, steps, run });

  it("stands beside the estimates, and its shares are of itself", () => {
    const [head, ...rows] = tableRows(readXml(html))[0]!;
    const executed = head!.indexOf("executed");
    expect(rows.map((cells) => cells[executed]).slice(0, 4)).toEqual(["7", "14", "21", "28"]);
    expect(rows.map((cells) => cells[executed + 1]).slice(0, 4)).toEqual([
      "10.0 %",
      "20.0 %",
      "30.0 %",
      "40.0 %",
    ]);
    expect(tableRows(readXml(planReportHtml(plain)))[0]![0]).not.toContain("executed");
  });

  it("is in the figures, and code and stack are in the bars", () => {
    for (const text of ["qemu some-board", "4,321", "900 B of 4,096 B", "code 740", "stack 80"]) {
      expect(html).toContain(text);
    }
  });
});

describe("groups that run row by row", () => {
  const rows = { kept: 3, height: 8 };
  const plain = smallReport(8);
  const buffers = plain.buffers.map((b, i) => (i === 2 || i === 4 ? { ...b, rows } : b));
  const groups = [
    { from: 1, to: 3, band: 1 },
    { from: 4, to: 6, band: 4 },
  ];
  const picture = pictureOf(planReportHtml({ ...plain, buffers, groups }));

  it("have brackets over their steps", () => {
    const brackets = picture.elements.filter((e) => e.parent?.attributes.class === "bracket");
    const spans = brackets
      .filter((e) => e.name === "path")
      .map((e) => /^M(\S+) \S+V\S+H(\S+)V/.exec(e.attributes.d!)!.slice(1).map(Number));
    const { x, across } = picture.transform;
    expect(spans.map((ends) => ends.map((end) => Math.round((end - x) / across)))).toEqual([
      [1, 4],
      [4, 7],
    ]);
    expect(brackets.filter((e) => e.name === "text").map((e) => e.text)).toEqual([
      "row by row",
      "4 rows at a time",
    ]);
  });

  it("have their rings hatched, and how many rows are kept in the tooltip and the table", () => {
    const hatched = picture.elements.filter((e) => e.attributes.class === "hatching");
    expect(hatched.map((e) => [e.attributes.x, e.attributes.y])).toEqual(
      [2, 4].map((i) => [String(buffers[i]!.from), String(buffers[i]!.offset)]),
    );
    picture.boxes.forEach((box, i) => {
      expect(box.tooltip.includes("3 rows of 8 are kept")).toBe(i === 2 || i === 4);
    });
    const cells = tableRows(picture.elements)[1]!.map((row) => row[4]);
    expect(cells.filter((text) => text === "3 of 8")).toHaveLength(2);
  });
});

describe("banks", () => {
  it.each([
    [[384, 256]],
    [[8, 8, 8, 616]],
    [[616, 8, 8, 8]],
    [[160, 160, 160, 160]],
  ])("of %j bytes: each ends at its line, and their names stand apart from each other", (banks) => {
    const { elements, transform, panel } = pictureOf(planReportHtml(smallReport(6, "tensor", { banks })));
    const heightOf = (bytes: number): number =>
      inPixels({ x: 0, y: bytes, width: 1, height: 0 }, transform).y;
    const sums = banks.map((_, i) => banks.slice(0, i + 1).reduce((a, b) => a + b, 0));
    const ends = elements.filter((e) => e.attributes.class === "bank-end" && e.attributes.d !== "M0 7H22");
    const drawn = ends.map((e) => Number(/^M\S+ (\S+)H/.exec(e.attributes.d!)![1]));
    drawn.forEach((y, i) => {
      expect(y).toBeCloseTo(heightOf(sums[i]!), 1);
    });
    const names = elements.filter((e) => e.name === "text" && e.parent?.attributes.class === "bank");
    expect(names.map((e) => e.text)).toEqual(banks.flatMap((bytes, i) => [`bank ${i}`, `${bytes} B`]));
    const svg = elements.find((e) => e.attributes.id === "memory-map")!.attributes;
    const boxes = names.map(({ attributes, text }): Rectangle => {
      const [x, y] = [Number(attributes.x), Number(attributes.y)];
      return { x, y: y - 9, width: text.length * 11 * 0.61, height: 11 };
    });
    expect(overlaps(boxes)).toEqual([]);
    for (const { x, y, width } of boxes) {
      expect(x).toBeGreaterThan(panel.x + panel.width);
      expect(x + width).toBeLessThanOrEqual(Number(svg.width));
      expect(y).toBeGreaterThan(0);
    }
  });
});

describe("a stream", () => {
  const stream = streamFor(6);
  const input = { ...smallReport(1).input, bytes: 400, given: { what: "sample" as const, bytes: 20 } };
  const board = { name: "b", flashBytes: 4096, ramBytes: 2048 };
  const report = smallReport(6, "tensor", { stream, input, board });
  const html = planReportHtml(report);

  it("has a table of what each layer costs and keeps, which adds up", () => {
    const rows = tableRows(readXml(html))[0]!;
    const number = (text: string | undefined): number => Number(text!.replaceAll(",", ""));
    const body = rows.slice(1, -1);
    expect(body.map((cells) => cells[2])).toEqual([
      "every sample",
      ...stream.steps.map((s) => (s.every === 1 ? "every sample" : "every 2 samples")),
    ]);
    expect(body.slice(1).map((cells) => number(cells[4]))).toEqual(
      stream.steps.map((s) => s.instructions / s.every),
    );
    const kept = [stream.input, ...stream.steps.map((s) => s.output)];
    expect(body.map((cells) => number(cells[8]))).toEqual(
      kept.map((i) => (i === undefined ? 0 : report.buffers[i]!.bytes)),
    );
  });

  it("says what state it has, and counts one sample of the input", () => {
    for (const text of [
      "1,234 B",
      "100 at most",
      "every 2 samples",
      "the last 12 samples",
      "a sample of the input 20 B",
    ])
      expect(html).toContain(text);
    expect(html).toContain("estimate of one window of 20 samples");
    expect(planReportHtml(smallReport(6))).not.toContain("Sample by sample");
  });
});

describe("the curve of RAM against instructions", () => {
  it("tells of each point its bytes, its bound, and whether it is proven", () => {
    const { points } = curveFor([640, 500, 300]);
    const report = smallReport(6, "tensor", { curve: { points, isWhole: true } });
    const rows = tableRows(readXml(planReportHtml(report)))[0]!.slice(1);
    const of = (n: number): string => (n / 2100).toFixed(2);
    expect(rows).toEqual(
      points
        .toReversed()
        .map((p) => [
          ...[String(p.ramBytes), String(p.lowerBound), p.proven ? "yes" : "no"],
          ...[
            `${p.instructions}`.replace(/(?=\d{3}$)/, ","),
            `× ${of(p.instructions)}`,
            String(p.rolledSteps),
          ],
          p.ramBytes === 640 ? "of this report" : "",
        ]),
    );
  });

  it("has the plan of the report beside it, where that was chosen for something else", () => {
    const curve = curveFor([600, 500]);
    const { circles } = curveOf(smallReport(6, "tensor", { curve }));
    expect(circles.map((c) => [c.ramBytes, c.className])).toEqual([
      [500, "open"],
      [600, "proven"],
      [640, "proven this"],
    ]);
  });

  it("says in words why there is none, or not all of one", () => {
    const pageOf = (rams: readonly number[], isWhole: boolean): string =>
      planReportHtml(smallReport(6, "tensor", { curve: curveFor(rams, isWhole) }));
    const hasCurve = (html: string): boolean => html.includes('id="ram-curve"');
    expect(pageOf([640, 500], true)).not.toContain("search for plans");
    const cases = [
      [pageOf([640, 500], false), true, "There may be plans between these"],
      [pageOf([640], false), false, "There is no curve: the model has 6 steps"],
      [pageOf([640], true), false, "No plan with less RAM than the fastest was found"],
    ] as const;
    for (const [html, isDrawn, text] of cases) {
      expect(hasCurve(html)).toBe(isDrawn);
      expect(html).toContain(text);
    }
  });

  it("is as low as the fastest plan that a budget allows", () => {
    const point = fc.record({
      ramBytes: fc.integer({ min: 1, max: 100_000 }),
      instructions: fc.integer({ min: 1, max: 1e8 }),
      proven: fc.boolean(),
      lowerBound: fc.constant(1),
      rolledSteps: fc.constant(0),
    });
    fc.assert(
      fc.property(fc.array(point, { minLength: 2, maxLength: 8 }), (points) => {
        const report = smallReport(2, "t", { curve: { points, isWhole: true } });
        const { circles: all, heightAt } = curveOf(report);
        const circles = all.filter((c) => c.className !== "proven this");
        expect(circles).toHaveLength(points.length);
        for (const { x } of circles) {
          const affordable = circles.filter((c) => c.x <= x);
          const best = Math.max(...affordable.map((c) => c.y));
          expect(heightAt(x)).toBe(best);
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** The drawn points, each with its plan's RAM, and the line's height (y downwards) right of a place. */
function curveOf(report: PlanReport) {
  const elements = readXml(planReportHtml(report));
  const svg = elements.find((e) => e.attributes.id === "ram-curve");
  const line = elements.find((e) => isWithin(e, svg) && e.attributes.class === "curve")!.attributes.d!;
  const moves = [...line.matchAll(/([MHV])([\d.]+)/g)].map(([, kind, to]) => ({ kind, to: Number(to) }));
  const heightAt = (x: number): number => {
    let height = Number.NaN;
    let at = 0;
    for (const { kind, to } of moves) {
      if (kind === "V") height = at <= x ? to : height;
      else at = to;
    }
    return height;
  };
  const circles = elements
    .filter((e) => e.name === "circle" && isWithin(e, svg))
    .map((e) => ({
      x: Number(e.attributes.cx),
      y: Number(e.attributes.cy),
      className: e.attributes.class!,
      ramBytes: Number(
        elements
          .find((t) => t.parent === e)!
          .text.replaceAll(",", "")
          .split(" ", 1)[0],
      ),
    }));
  return { circles, heightAt };
}

describe("bars of a board", () => {
  it.each([
    ["with room", 4096, 2048],
    ["too small", 100, 100],
  ])("%s: parts lie side by side within the drawing", (_, flashBytes, ramBytes) => {
    const report = smallReport(6, "tensor", { board: { name: "b", flashBytes, ramBytes } });
    const elements = readXml(planReportHtml(report));
    const bars = elements.filter((e) => e.attributes.class === "bar");
    const needed = [report.weightBytes, report.arenaBytes + 4 + 4 + report.contextBytes];
    bars.forEach((bar, i) => {
      const group = elements.find((e) => e.name === "g" && e.parent === bar)!;
      const scale = Number(/^scale\((\S+) 1\)$/.exec(group.attributes.transform!)![1]);
      const parts = elements.filter((e) => e.parent === group).map(({ attributes }) => attributes);
      let end = 0;
      for (const { x, width } of parts) {
        expect(Number(x)).toBe(end);
        end += Number(width);
      }
      expect(end).toBe(needed[i]);
      const panel = elements.find((e) => e.parent === bar && e.name === "rect")!;
      const size = [flashBytes, ramBytes][i]!;
      expect(Number(panel.attributes.width)).toBeCloseTo(size * scale, 1);
      expect(Math.max(end, size) * scale).toBeCloseTo(Number(bar.attributes.width), 1);
    });
    expect(bars).toHaveLength(2);
  });
});

describe("names of steps", () => {
  it.each([1, 2, 6, 14, 40, 75, 120, 400])("of %d steps have room and say which step it is", (count) => {
    const { elements, transform } = pictureOf(planReportHtml(smallReport(count, "conv_rows_pairs")));
    const names = elements.filter((e) => e.attributes.class === "step");
    const svg = elements.find((e) => e.attributes.id === "memory-map")!.attributes;
    const spans = names.map(({ attributes, text }): Rectangle => {
      // Sloped lines are apart by less than their columns; others by what their text takes.
      const isSloped = "transform" in attributes;
      const width = isSloped ? 10.5 / Math.sin(Math.PI / 3) : text.length * 10.5 * 0.6;
      return { x: Number(attributes.x) - width / 2, y: 0, width, height: 1 };
    });
    expect(overlaps(spans)).toEqual([]);
    for (const [i, { attributes, text }] of names.entries()) {
      const step = Number(/^\d+/.exec(text)![0]);
      const middle = transform.x + (step + 0.5) * transform.across;
      expect(Math.abs(Number(attributes.x) - middle)).toBeLessThan(4);
      expect(spans[i]!.x + spans[i]!.width).toBeLessThanOrEqual(Number(svg.width));
      expect(Number(attributes.y)).toBeLessThan(Number(svg.height));
    }
    expect(names.length).toBeGreaterThanOrEqual(Math.min(count, 16));
  });
});
