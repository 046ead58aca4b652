import { describe, expect, it } from "vitest";
import { declaredFrames, parseCallGraphs } from "../../src/toolchain/call-graph.js";

function node(title: string, name: string, frame?: string): string {
  const label = frame === undefined ? `${name}\\n<built-in>` : `${name}\\n/x/a.c:1:1\\n${frame}`;
  return `node: { title: "${title}" label: "${label}"${frame === undefined ? " shape : ellipse" : ""} }`;
}
function edge(from: string, to: string): string {
  return `edge: { sourcename: "${from}" targetname: "${to}" label: "/x/a.c:2:3" }`;
}
function graph(...lines: string[]): string {
  return ['graph: { title: "/x/a.c"', ...lines, "}", ""].join("\n");
}
const parse = (text: string) => parseCallGraphs([["a.ci", text]]);

describe("frames of assembly", () => {
  it("are those that its comments declare", () => {
    const source =
      "/* frame: bitloom_core 40 */\n/* frame: bitloom_other 0: keeps everything in registers */\n";
    expect(declaredFrames(source)).toEqual([
      ["bitloom_core", 40],
      ["bitloom_other", 0],
    ]);
  });
});

describe("a call graph", () => {
  it("has the compiled functions, static ones by their file", () => {
    const text = graph(
      node("run", "run", "24 bytes (static)"),
      node("/x/a.c:helper.constprop.0", "helper.constprop", "16 bytes (dynamic,bounded)"),
      node("memset", "memset"),
      edge("run", "/x/a.c:helper.constprop.0"),
      edge("run", "memset"),
    );
    const plain = { isVariable: false, callsThroughPointer: false };
    expect([...parse(text)]).toEqual([
      ["run", { ...plain, name: "run", frameBytes: 24, calls: ["a.c:helper.constprop.0", "memset"] }],
      ["a.c:helper.constprop.0", { ...plain, name: "helper", frameBytes: 16, calls: [] }],
    ]);
  });

  it("tells of calls through pointers and of frames without a bound", () => {
    const text = graph(
      node("f", "f", "8 bytes (dynamic)"),
      node("__indirect_call", "Indirect Call Placeholder"),
      edge("f", "__indirect_call"),
    );
    expect(parse(text).get("f")).toMatchObject({ isVariable: true, callsThroughPointer: true, calls: [] });
  });

  it("may be of a folder with quotes and braces in its name", () => {
    const text = graph(node('/a" label: "{b}/a.c:f', "f", "8 bytes (static)"));
    expect([...parse(text).keys()]).toEqual(["a.c:f"]);
  });

  it.each([
    ["that is empty", ""],
    ["that is cut short", graph(node("f", "f", "8 bytes (static)")).slice(0, -2)],
    ["that is something else", "node: { }\n}"],
    ["with a line that is neither", graph("nodes: { }")],
    ["with a node that is cut", graph('node: { title: "f" label: "f')],
  ])("%s is refused", (_, text) => {
    expect(() => parse(text)).toThrow(/a\.ci: not a usable call graph: /);
  });

  it("of two objects with the same function is refused", () => {
    const text = graph(node("f", "f", "8 bytes (static)"));
    const both = () =>
      parseCallGraphs([
        ["a.ci", text],
        ["b.ci", text],
      ]);
    expect(both).toThrow("b.ci: not a usable call graph: it has the function f, which another object has");
  });
});
