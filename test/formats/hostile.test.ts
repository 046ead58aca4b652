/** Files that are damaged, something else, or made to do harm: a graph or one clear error, and soon. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../../src/compile.js";
import { renderDiagnostics } from "../../src/diagnostics/text.js";
import { readModel } from "../../src/formats/index.js";
import { errorsOf } from "../support/errors.js";
import {
  type FileSpec,
  floats,
  graphOf,
  ints,
  type NodeSpec,
  node,
  onnxFile,
  problemOf,
  problemsOf,
  scalar,
  smallNet,
} from "../support/onnx.js";

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);

describe("files that are no models", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", bytes(), /the file is empty/],
    ["compressed nothing", gzipSync(bytes()), /the file is empty/],
    ["a PNG image", bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), /like a PNG image/],
    ["a JPEG image", bytes(0xff, 0xd8, 0xff, 0xe0), /JPEG image/],
    ["a PDF document", text("%PDF-1.7"), /PDF/],
    ["HDF5", bytes(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), /no HDF5 file, or it is cut off/],
    ["TFLite", bytes(0x1c, 0, 0, 0, 0x54, 0x46, 0x4c, 0x33), /TFLite file is truncated or damaged/],
    ["an ORT flatbuffer", bytes(0x1c, 0, 0, 0, ...text("ORTM")), /ONNX Runtime/],
    ["JSON", text('{"model": 1}'), /JSON/],
    ["compressed JSON", gzipSync(text('{"model": 1}')), /JSON/],
    ["HTML", text("<!DOCTYPE html><html>"), /web page/],
    ["a zip archive", bytes(0x50, 0x4b, 3, 4, 0, 0), /zip archive/],
    ["an array", bytes(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0), /numpy array.*--input/],
    ["a pickle", bytes(0x80, 4, 0x95, 1, 2, 3), /pickle.*never read/],
    ["a program", bytes(0x7f, 0x45, 0x4c, 0x46), /ELF/],
    ["gzip inside gzip", gzipSync(gzipSync("x")), /gzip inside gzip/],
    ["words", text("This is not a model, it is a sentence."), /looks like text/],
    ["a pointer", text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), /Git LFS/],
    ["zeros", new Uint8Array(1000), /not ONNX|no graph/],
    ["one byte", bytes(8), /not ONNX|no graph/],
    ["a truncated gzip file", gzipSync(smallNet()).subarray(0, 300), /gzip but cannot be unpacked/],
    ["a damaged gzip file", gzipSync(smallNet()).fill(0x55, 40, 80), /gzip but cannot be unpacked/],
    ["a length of 4 GB", bytes(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3), /not ONNX.*damaged/],
    ["a length of 4 GB at the end", bytes(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f), /not ONNX.*damaged/],
    ["a length of 2^63", bytes(0x3a, ...new Array<number>(8).fill(0xff), 0x7f), /damaged/],
    ["an endless number", new Uint8Array(100).fill(0xff, 1).fill(8, 0, 1), /damaged/],
    ["an endless field number", new Uint8Array(50).fill(0xff), /not ONNX/],
    ["groups in groups in groups", new Uint8Array(300_000).fill(0x1b), /damaged/],
    // Field 50 as the start of a group, two bytes each.
    ["wide groups", new Uint8Array(2_000_000).map((_, i) => (i % 2 === 0 ? 0x93 : 0x03)), /not ONNX/],
  ])("%s", (_, file, message) => {
    const errors = errorsOf(() => readModel(file, "model.onnx"));
    expect(errors).toHaveLength(1);
    const [{ message: found, remedy, where }] = errors as [(typeof errors)[number]];
    expect(`${found} — ${remedy}`).toMatch(message);
    expect(where).toBe("model.onnx");
    expect((remedy ?? "").length).toBeGreaterThan(10);
  });
});

test("gzip that unpacks to far more than a model may have is stopped at the limit", () => {
  const member = gzipSync(new Uint8Array(1 << 26), { level: 1 });
  const bomb = Buffer.concat(new Array<Uint8Array>(5).fill(member));
  expect(problemOf(bomb)).toMatch(/formats\/gzip.*cannot be unpacked.*at most 268435456 bytes/);
});

test("a model cut off after any byte", () => {
  const whole = smallNet();
  let accepted = 0;
  for (let length = 0; length < whole.length; length++) {
    const part = whole.subarray(0, length);
    try {
      readModel(part, "m.onnx");
      accepted++;
    } catch {
      expect(errorsOf(() => readModel(part, "m.onnx"))).not.toEqual([]);
    }
  }
  // The graph is a length-delimited field: nothing short of all of it is a model. Behind it stand the versions of
  // ONNX's operators and of QONNX's; only the latter can be lost.
  expect(accepted).toBe(1);
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
    const nodes = [{ ...node(name, ["x", name], {}, `${name}y`), name }, node("Relu", [`${name}y`])];
    const printed = renderDiagnostics(problemsOf({ nodes }));
    expect(printed.length).toBeLessThan(5000);
    for (const line of printed.split("\n")) expect(line).toMatch(/^(error\[|\s+help: )/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });
});

test("names of JavaScript's own properties are plain names", () => {
  const graph = graphOf({
    nodes: [node("Add", "__proto__ constructor", {}, "toString"), node("Relu", "toString")],
    constants: { constructor: scalar(1) },
    inputs: { ["__proto__"]: [1, 4] },
  });
  expect(graph.outputs).toEqual(["y"]);
  const op = { ...node("hasOwnProperty", "x"), domain: "constructor" };
  expect(problemOf({ nodes: [op] })).toMatch(/hasOwnProperty of domain constructor is not supported/);
  expect(problemOf({ nodes: [node("Softmax", "x", { toString: 1 })] })).toMatch(/"toString" is not known/);
  for (const name of ["constructor", "__proto__"])
    expect(problemOf({ nodes: [node(name, "x")] })).toMatch(`operator ${name} is not supported`);
});

describe("small files that ask for much work are refused:", () => {
  const ones = (shape: number[]) => floats(shape, new Array(shape.reduce((a, b) => a * b)).fill(1));

  test("constants that broadcasting makes large", () => {
    const nodes = [node("Add", "a b", {}, "big"), node("MatMul", "x big")];
    const constants = { a: ones([8192, 1]), b: ones([1, 8192]) };
    expect(problemOf({ nodes, constants })).toMatch(/67108864 elements/);
  });

  test("shapes that double with every node", () => {
    const nodes = Array.from({ length: 60 }, (_, i) =>
      node("Concat", `s${i} s${i}`, { axis: 0 }, `s${i + 1}`),
    );
    expect(problemOf({ nodes: [...nodes, node("Reshape", "x s60")], constants: { s0: ints(1) } })).toMatch(
      /a list of 2048 integers/,
    );
  });

  test("many nodes on one large constant", () => {
    const nodes = chain(3000, (from, to) =>
      node("Neg", from === "x" ? "w" : from, {}, to === "y" ? "w3000" : to),
    );
    const spec = {
      nodes: [...nodes, node("Add", "x w3000")],
      constants: { w: ones([1, 100_000]) },
      inputs: { x: [1, 100_000] },
    };
    expect(problemOf(spec)).toMatch(/more than \d+ constant elements together/);
  });

  test("large values in every node", () => {
    const nodes = chain(20, (from, to) => node("Relu", from, {}, to));
    expect(problemOf({ nodes, inputs: { x: [1, 1, 2000, 2000] } })).toMatch(/computes 84000000 elements/);
  });

  test("values that are twice read by every next one, and more steps than are planned", () => {
    const branches = (count: number): Uint8Array => {
      const nodes = Array.from({ length: count }, (_, i) => [
        node("Relu", i === 0 ? "x" : `v${i}`, {}, `a${i}`),
        node("Relu", i === 0 ? "x" : `v${i}`, {}, `b${i}`),
        node("Add", `a${i} b${i}`, {}, `v${i + 1}`),
      ]).flat();
      const end = [node("BipolarQuant", `v${count} s`, {}, "q"), node("MatMul", "q w")];
      const constants = { s: scalar(1), w: floats([4, 2], [1, 1, 1, -1, -1, 1, 1, 1]) };
      return onnxFile({ nodes: [...nodes, ...end], constants });
    };
    expect(compileModelFile(branches(40), "m.onnx").program.instructions.length).toBeGreaterThan(40);
    const [error] = errorsOf(() => compileModelFile(branches(2000), "m.onnx"));
    expect(error!.message).toMatch(/becomes more than 1024 steps/);
  });

  test("long names, with short messages", () => {
    expect(problemOf({ nodes: [node("Q".repeat(100_000), "x")] }).length).toBeLessThan(200_500);
    const attribute = node("Softmax", "x", { ["a".repeat(100_000)]: 1 });
    expect(problemOf({ nodes: [attribute] }).length).toBeLessThan(500);
  });
});

/** Nodes in a row, from x to y. */
function chain(length: number, make: (from: string, to: string) => NodeSpec): NodeSpec[] {
  return Array.from({ length }, (_, i) =>
    make(i === 0 ? "x" : `v${i - 1}`, i === length - 1 ? "y" : `v${i}`),
  );
}

describe("time", () => {
  const seconds = (work: () => unknown): number => {
    // Processor time, since other tests run beside this one.
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };

  test("50,000 nodes in a row import, in either order, within 5 seconds", () => {
    const nodes = chain(50_000, (from, to) => node("Relu", from, {}, to));
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

  test.each<[string, FileSpec]>([
    ["nodes of one name", { nodes: chain(10_000, (f, t) => ({ ...node("Relu", f, {}, t), name: "same" })) }],
    [
      "nodes that share one large constant",
      {
        nodes: chain(10_000, (f, t) => node("Add", `${f} c`, {}, t)),
        constants: { c: floats([1, 20_000], new Array(20_000).fill(1)) },
        inputs: { x: [1, 20_000] },
      },
    ],
    [
      "constants that grow by broadcasting",
      {
        nodes: [
          ...Array.from({ length: 2000 }, (_, i) => node("Add", "a b", {}, `c${i}`)),
          ...Array.from({ length: 2000 }, (_, i) =>
            node("Reshape", `${i === 0 ? "x" : `v${i}`} c${i}`, {}, `v${i + 1}`),
          ),
        ],
        constants: {
          a: floats([3000, 1], new Array(3000).fill(1)),
          b: floats([1, 3000], new Array(3000).fill(1)),
        },
        outputs: ["v2000"],
      },
    ],
    ["unknown operators", { nodes: chain(5_000, (f, t) => node("Frobnicate", f, {}, t)) }],
    [
      "operators with names of 0.5 MB",
      {
        nodes: [
          ...Array.from({ length: 20 }, (_, i) => node("Q".repeat(500_000), "x", {}, `v${i}`)),
          node(
            "Z".repeat(500_000),
            Array.from({ length: 20 }, (_, i) => `v${i}`),
          ),
        ],
      },
    ],
    [
      "50,000 attributes",
      {
        nodes: [
          node("Relu", "x", Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`a${i}`, i]))),
        ],
      },
    ],
    [
      "an attribute with 300,000 numbers",
      { nodes: [node("Transpose", "x", { perm: new Array(300_000).fill(0) })] },
    ],
    ["50,000 inputs of one node", { nodes: [node("Relu", new Array<string>(50_000).fill("x"))] }],
    [
      "50,000 axes",
      { nodes: [node("Unsqueeze", "x a")], constants: { a: ints(...new Array<number>(50_000).fill(0)) } },
    ],
    [
      "a shape of 50,000 ones",
      {
        nodes: [node("Reshape", "x a")],
        constants: { a: ints(...new Array<number>(50_000).fill(1)) },
        inputs: { x: [1, 1] },
      },
    ],
    [
      "a circle of 10,000 nodes",
      { nodes: chain(10_000, (f, t) => node("Relu", f === "x" ? "y" : f, {}, t)) },
    ],
    [
      "10,000 nodes whose first outputs have no name",
      { nodes: chain(10_000, (f, t) => ({ ...node("Dropout", f), out: ["", t] })) },
    ],
    [
      "a target of 50,000 twos",
      { nodes: [node("Reshape", "x a")], constants: { a: ints(...new Array<number>(50_000).fill(2)) } },
    ],
    [
      "an index of 2^53",
      {
        nodes: [node("Shape", "x", {}, "s"), node("Gather", "s i", {}, "n"), node("Reshape", "x n")],
        constants: { i: ints(2 ** 53) },
      },
    ],
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
