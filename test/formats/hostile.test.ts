/** Files that are damaged, something else, or made to do harm: a graph or one clear error, and soon. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../../src/compile.js";
import { renderDiagnostics } from "../../src/diagnostics/text.js";
import { readModel } from "../../src/formats/index.js";
import { errorsOf, rejected } from "../support/import.js";
import { floats, ints, type ModelParts, node, onnxFile, scalar, smallNet } from "../support/onnx-builder.js";

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);

test.each([
  ["nothing", bytes(), /empty/],
  ["a PNG image", bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), /PNG image/],
  ["a JPEG image", bytes(0xff, 0xd8, 0xff, 0xe0), /JPEG image/],
  ["HDF5", bytes(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), /HDF5/],
  ["TFLite", bytes(0x1c, 0, 0, 0, 0x54, 0x46, 0x4c, 0x33), /TensorFlow Lite/],
  ["JSON", text('{"model": 1}'), /JSON/],
  ["HTML", text("<!DOCTYPE html><html>"), /web page/],
  ["a zip archive", bytes(0x50, 0x4b, 3, 4, 0, 0), /zip/],
  ["an array", bytes(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0), /numpy/],
  ["a pickle", bytes(0x80, 4, 0x95, 1, 2, 3), /pickle/],
  ["a program", bytes(0x7f, 0x45, 0x4c, 0x46), /ELF/],
  ["compressed JSON", gzipSync(text('{"model": 1}')), /JSON/],
  ["compressed nothing", gzipSync(bytes()), /empty/],
  ["words", text("This is not a model, it is a sentence."), /not ONNX|no graph/],
  ["zeros", new Uint8Array(1000), /not ONNX|no graph/],
  ["one byte", bytes(8), /not ONNX|no graph/],
  ["a truncated gzip file", gzipSync(smallNet()).subarray(0, 300), /gzip/],
  ["a damaged gzip file", gzipSync(smallNet()).fill(0x55, 40, 80), /gzip/],
  ["a length of 4 GB", bytes(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3), /damaged/],
  ["a length of 2^63", bytes(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), /damaged/],
  ["an endless number", new Uint8Array(100).fill(0xff, 1).fill(8, 0, 1), /damaged/],
  ["groups in groups in groups", new Uint8Array(300_000).fill(0x1b), /damaged/],
])("%s", (_, file, message) => {
  const errors = errorsOf(() => readModel(file, "model.onnx"));
  expect(errors).toHaveLength(1);
  expect(errors[0]!.message).toMatch(message);
  expect(errors[0]!.where).toBe("model.onnx");
  expect((errors[0]!.remedy ?? "").length).toBeGreaterThan(10);
});

test("gzip that unpacks to far more than a model may have is stopped at the limit", () => {
  const member = gzipSync(new Uint8Array(1 << 26), { level: 1 });
  const bomb = new Uint8Array(member.length * 5);
  for (let i = 0; i < 5; i++) bomb.set(member, i * member.length);
  const [error] = errorsOf(() => readModel(bomb, "bomb.onnx.gz"));
  expect(error!.code).toBe("formats/gzip");
});

test("a model compressed with gzip is the model", () => {
  const [plain, packed] = [smallNet(), gzipSync(smallNet())].map((file) => readModel(file, "m.onnx"));
  expect(packed).toEqual(plain);
});

test("a model cut off after every seventh byte", () => {
  const whole = smallNet();
  let accepted = 0;
  for (let length = 0; length < whole.length; length += 7) {
    const part = whole.subarray(0, length);
    try {
      readModel(part, "m.onnx");
      accepted++;
    } catch {
      expect(errorsOf(() => readModel(part, "m.onnx"))).not.toEqual([]);
    }
  }
  // The graph is a length-delimited field: nothing short of all of it is a model.
  expect(accepted).toBe(0);
});

const hostileNames = [
  'quote"',
  "new\nline",
  "../../etc/passwd",
  "int",
  "__proto__",
  "constructor",
  "*/ #error x /*",
  "\u001b[2J",
  "\u202eevil",
  "%s%n",
  "\\",
  " ",
  "Ω",
  "a".repeat(100_000),
];

describe.each(hostileNames.map((name) => [name.slice(0, 20), name]))("the name %j", (_, name) => {
  const file = smallNet({ names: name });

  test("compiles to C that does not contain it raw", () => {
    const { graph, library } = compileModelFile(file, "model.onnx");
    expect(graph.nodes).toHaveLength(6);
    for (const { path, text: content } of library.files) {
      expect(path).toMatch(/^[A-Za-z0-9_./-]+$/);
      expect(path).not.toContain("..");
      expect(content).not.toMatch(/\*\/ #error/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      expect(content).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
    }
  });

  test("is printed on one line in messages", () => {
    const nodes = [node(name, ["x", name], [`${name}y`], {}, { name }), node("Relu", [`${name}y`], ["y"])];
    const printed = renderDiagnostics(rejected({ nodes }));
    expect(printed.length).toBeLessThan(5000);
    for (const line of printed.split("\n")) expect(line).toMatch(/^(error\[|\s+help: )/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });
});

describe("time", () => {
  const chain = (
    length: number,
    make: (from: string, to: string, i: number) => ModelParts["nodes"][number],
  ): ModelParts["nodes"] =>
    Array.from({ length }, (_, i) => make(i === 0 ? "x" : `v${i - 1}`, i === length - 1 ? "y" : `v${i}`, i));
  const seconds = (work: () => unknown): number => {
    // Processor time, since other tests run beside this one.
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };

  test("50,000 nodes in a row import, in either order, within 5 seconds", () => {
    const nodes = chain(50_000, (from, to) => node("Relu", [from], [to]));
    for (const order of [nodes, [...nodes].reverse()]) {
      const file = onnxFile({ nodes: order });
      let count = 0;
      const taken = seconds(() => {
        count = readModel(file, "deep.onnx").nodes.length;
      });
      expect(count).toBe(50_000);
      expect(taken).toBeLessThan(5);
    }
  });

  test.each<[string, ModelParts]>([
    ["nodes of one name", { nodes: chain(10_000, (f, t) => node("Relu", [f], [t], {}, { name: "same" })) }],
    [
      "nodes that share one large constant",
      {
        nodes: chain(10_000, (f, t) => node("Add", [f, "c"], [t])),
        constants: [floats("c", [1, 20_000], new Array(20_000).fill(1))],
        input: [1, 20_000],
      },
    ],
    [
      "constants that grow by broadcasting",
      {
        nodes: [
          ...Array.from({ length: 2000 }, (_, i) => node("Add", ["a", "b"], [`c${i}`])),
          ...Array.from({ length: 2000 }, (_, i) =>
            node("Reshape", [i === 0 ? "x" : `v${i}`, `c${i}`], [`v${i + 1}`]),
          ),
        ],
        constants: [
          floats("a", [3000, 1], new Array(3000).fill(1)),
          floats("b", [1, 3000], new Array(3000).fill(1)),
        ],
        outputs: ["v2000"],
      },
    ],
    ["unknown operators", { nodes: chain(5_000, (f, t) => node("Frobnicate", [f], [t])) }],
    ["an operator with a name of 0.5 MB", { nodes: [node("Q".repeat(1 << 19), ["x"], ["y"])] }],
    [
      "50,000 attributes",
      {
        nodes: [
          node(
            "Relu",
            ["x"],
            ["y"],
            Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`a${i}`, { int: i }])),
          ),
        ],
      },
    ],
    [
      "an attribute with 300,000 numbers",
      { nodes: [node("Transpose", ["x"], ["y"], { perm: { ints: new Array(300_000).fill(0) } })] },
    ],
    ["50,000 inputs of one node", { nodes: [node("Relu", new Array<string>(50_000).fill("x"), ["y"])] }],
    [
      "50,000 axes",
      {
        nodes: [node("Unsqueeze", ["x", "a"], ["y"])],
        constants: [ints("a", [50_000], new Array(50_000).fill(0))],
      },
    ],
    [
      "a shape of 50,000 ones",
      {
        nodes: [node("Reshape", ["x", "a"], ["y"])],
        constants: [ints("a", [50_000], new Array(50_000).fill(1))],
        input: [1, 1],
      },
    ],
    [
      "a circle of 10,000 nodes",
      { nodes: chain(10_000, (f, t) => node("Relu", [f === "x" ? "y" : f], [t])) },
    ],
    [
      "10,000 nodes whose first outputs have no name",
      { nodes: chain(10_000, (f, t) => node("Dropout", [f], ["", t])) },
    ],
    [
      "a target of 50,000 twos",
      {
        nodes: [node("Reshape", ["x", "a"], ["y"])],
        constants: [ints("a", [50_000], new Array(50_000).fill(2))],
      },
    ],
    [
      "an index of 2^62",
      {
        nodes: [
          node("Shape", ["x"], ["s"]),
          node("Gather", ["s", "i"], ["n"]),
          node("Reshape", ["x", "n"], ["y"]),
        ],
        constants: [ints("i", [1], [2 ** 53])],
      },
    ],
    ["a division by zero", { nodes: [node("Div", ["x", "c"], ["y"])], constants: [scalar("c", 0)] }],
  ])("%s: a graph or an error within 5 seconds", (_, parts) => {
    const file = onnxFile(parts);
    const taken = seconds(() => {
      try {
        readModel(file, "m.onnx");
      } catch (error) {
        errorsOf(() => {
          throw error;
        });
      }
    });
    expect(taken).toBeLessThan(5);
  });
});
