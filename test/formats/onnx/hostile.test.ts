import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  encode,
  floats,
  graphOf,
  modelInit,
  node,
  onnxFile,
  problemOf,
  scalar,
} from "./support/onnx-file.js";

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function withMagic(magic: readonly number[] | string, offset = 0): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(typeof magic === "string" ? text(magic) : magic, offset);
  return bytes;
}

describe("files that are not models", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /the file is empty/],
    ["gzip of nothing", gzipSync(""), /the file is empty/],
    ["a PNG image", withMagic([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), /like a PNG image/],
    ["JPEG", withMagic([0xff, 0xd8, 0xff, 0xe0]), /JPEG/],
    ["PDF", withMagic("%PDF-1.7"), /PDF/],
    ["HDF5", withMagic([0x89, 0x48, 0x44, 0x46]), /HDF5 file \(Keras/],
    ["a flatbuffer", withMagic("TFL3", 4), /TensorFlow Lite/],
    ["an ORT flatbuffer", withMagic("ORTM", 4), /ONNX Runtime/],
    ["a zip archive", withMagic([0x50, 0x4b, 3, 4]), /zip archive/],
    ["a numpy array", withMagic([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]), /numpy array.*--input/],
    ["a pickle", withMagic([0x80, 4]), /pickle.*never read/],
    ["an ELF file", withMagic([0x7f, 0x45, 0x4c, 0x46]), /ELF/],
    ["JSON", text('{"a": 1}'), /JSON/],
    ["a web page", text("<!doctype html>"), /web page/],
    ["gzip inside gzip", gzipSync(gzipSync("x")), /gzip inside gzip/],
    ["damaged gzip", gzipSync("hello").subarray(0, 12), /cannot be unpacked/],
    ["text", text("hello world"), /not ONNX|no graph/],
    ["zeros", new Uint8Array(100), /not ONNX|no graph/],
  ])("%s", (_, bytes, message) => {
    expect(problemOf(bytes)).toMatch(message);
  });
});

it("gzip that unpacks to more than any model is stopped", () => {
  const member = gzipSync(new Uint8Array(1 << 25));
  expect(problemOf(Buffer.concat(Array.from({ length: 9 }, () => member)))).toMatch(
    /cannot be unpacked.*at most 268435456 bytes/,
  );
});

describe("damaged protobuf", () => {
  const file = onnxFile({ nodes: [node("Add", "x c")], constants: { c: floats([1, 4], [1, 2, 3, 4]) } });

  it("cut off anywhere ends in a message or, where only names are lost, a graph", () => {
    for (let length = 0; length < file.length; length++) {
      try {
        problemOf(file.subarray(0, length));
      } catch (error) {
        expect((error as Error).message).toMatch(/read without a problem|expected one problem/);
      }
    }
  });

  it("with a length of 4 GB is refused at once", () => {
    // Field 7 (graph), length 2^32 − 1.
    expect(problemOf(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f))).toMatch(/not ONNX.*damaged/);
  });

  it("with deeply nested groups is refused at once", () => {
    // Field 50 as the start of a group, two bytes each.
    const groups = new Uint8Array(2_000_000).map((_, i) => (i % 2 === 0 ? 0x93 : 0x03));
    expect(problemOf(groups)).toMatch(/not ONNX/);
  });

  it("with a varint that never ends is refused", () => {
    expect(problemOf(new Uint8Array(50).fill(0xff))).toMatch(/not ONNX/);
  });
});

describe("small files that ask for much work", () => {
  const wide = (n: number) => floats([n, 1], new Array(n).fill(1));
  const flat = (n: number) => floats([1, n], new Array(n).fill(1));

  it("constants that broadcasting makes large", () => {
    const nodes = [node("Add", "a b", {}, "big"), node("MatMul", "x big")];
    expect(problemOf({ nodes, constants: { a: wide(8192), b: flat(8192) } })).toMatch(/67108864 elements/);
  });

  it("shapes that double with every node", () => {
    const nodes = Array.from({ length: 60 }, (_, i) =>
      node("Concat", `s${i} s${i}`, { axis: 0 }, `s${i + 1}`),
    );
    const constants = { s0: { dims: [1n], dataType: 7, int64Data: [1n] } };
    expect(problemOf({ nodes: [...nodes, node("Reshape", "x s60")], constants })).toMatch(
      /a list of 2048 integers/,
    );
  });

  it("many nodes on one large constant", () => {
    const nodes = Array.from({ length: 3000 }, (_, i) =>
      node("Neg", i === 0 ? "w" : `w${i}`, {}, `w${i + 1}`),
    );
    const constants = { w: floats([1, 100_000], new Array(100_000).fill(1)) };
    expect(
      problemOf({ nodes: [...nodes, node("Add", "x w3000")], constants, inputs: { x: [1, 100_000] } }),
    ).toMatch(/more than \d+ constant elements together/);
  });

  it("names of operators that are megabytes long", () => {
    const nodes = Array.from({ length: 20 }, (_, i) => ({ ...node("Q".repeat(500_000), "x", {}, `v${i}`) }));
    const last = { op: "Z".repeat(500_000), in: nodes.map((n) => n.out![0]!) };
    const start = performance.now();
    expect(() => problemOf({ nodes: [...nodes, last] })).toThrow(/expected one problem/);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it("do not make messages long", () => {
    expect(problemOf({ nodes: [node("Q".repeat(100_000), "x")] }).length).toBeLessThan(200_500);
    expect(problemOf({ nodes: [node("Softmax", "x", { ["a".repeat(100_000)]: 1 })] }).length).toBeLessThan(
      500,
    );
  });
});

describe("names that attack the reader", () => {
  it("of JavaScript's own properties are plain names", () => {
    const nodes = [node("Add", "__proto__ constructor", {}, "toString"), node("Relu", "toString")];
    const graph = graphOf({
      nodes,
      constants: { constructor: scalar(1) },
      inputs: { ["__proto__"]: [1, 4] },
    });
    expect(graph.outputs).toEqual(["y"]);
    const op = { ...node("hasOwnProperty", "x"), domain: "constructor" };
    expect(problemOf({ nodes: [op] })).toMatch(/hasOwnProperty of domain constructor is not supported/);
    expect(problemOf({ nodes: [node("Softmax", "x", { toString: 1 })] })).toMatch(/"toString" is not known/);
    expect(problemOf({ nodes: [node("constructor", "x")] })).toMatch(/operator constructor is not supported/);
  });

  it("keep control characters out of messages", () => {
    const model = modelInit({ nodes: [node("Evil\u001b[31m", "x")] });
    expect(problemOf(encode(model)).split(" [onnx")[1]).not.toContain("\u001b");
  });
});
