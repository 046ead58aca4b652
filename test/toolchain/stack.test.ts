import { describe, expect, it } from "vitest";
import { parseCallGraph, worstStack } from "../../src/toolchain/index.js";
import { declaredFrames } from "../../src/toolchain/stack.js";

function node(title: string, name: string, frame?: string): string {
  const label = frame === undefined ? `${name}\\n<built-in>` : `${name}\\na.c:1:1\\n${frame}`;
  return `node: { title: "${title}" label: "${label}"${frame === undefined ? " shape : ellipse" : ""} }`;
}
function edge(from: string, to: string): string {
  return `edge: { sourcename: "${from}" targetname: "${to}" label: "a.c:2:3" }`;
}

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

describe("worst-case stack", () => {
  const first = [
    'graph: { title: "a.c"',
    node("run", "run", "24 bytes (static)"),
    node("a.c:helper", "helper", "16 bytes (static)"),
    node("shallow", "shallow", "8 bytes (static)"),
    node("deep", "deep"),
    node("memset", "memset"),
    edge("run", "a.c:helper"),
    edge("run", "shallow"),
    edge("a.c:helper", "deep"),
    edge("shallow", "memset"),
    edge("run", "__indirect_call"),
    "}",
  ].join("\n");
  const second = ['graph: { title: "b.c"', node("deep", "deep", "100 bytes (dynamic,bounded)"), "}"].join(
    "\n",
  );

  it("follows the deepest path through all objects", () => {
    expect(worstStack(parseCallGraph([first, second]), "run")).toEqual({
      bytes: 140,
      path: ["run", "helper", "deep"],
      unknown: ["a call through a pointer", "memset"],
      recursive: [],
    });
  });

  it("names functions whose frame is not known", () => {
    expect(worstStack(parseCallGraph([first]), "run")).toMatchObject({
      bytes: 40,
      unknown: ["a call through a pointer", "deep", "memset"],
    });
    const dynamic = node("vla", "vla", "24 bytes (dynamic)");
    expect(worstStack(parseCallGraph([dynamic]), "vla")).toMatchObject({ bytes: 0, unknown: ["vla"] });
  });

  it("names recursion instead of following it", () => {
    const loop = [
      node("f", "f", "8 bytes (static)"),
      node("g", "g", "16 bytes (static)"),
      edge("f", "g"),
      edge("g", "f"),
    ];
    expect(worstStack(parseCallGraph([loop.join("\n")]), "f")).toMatchObject({ bytes: 24, recursive: ["f"] });
  });

  it("does not know functions that are not there", () => {
    expect(() => worstStack(parseCallGraph([first]), "nothing")).toThrow(
      /no object defines the function nothing/,
    );
  });
});
