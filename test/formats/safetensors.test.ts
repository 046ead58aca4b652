/** safetensors and npz: what is read of them, and what is refused. */
import { expect, test } from "vitest";
import { Rejection } from "../../src/formats/common/rejection.js";
import { writeNpy } from "../../src/formats/npy.js";
import { openNpz } from "../../src/formats/npz.js";
import { fromHalf, isSafetensors, openSafetensors } from "../../src/formats/safetensors.js";
import { safetensorsFile, tensor, withHeader } from "../support/bundle.js";
import { zipFile } from "../support/zip.js";

const bytesOf = (array: { readonly buffer: ArrayBuffer }): Uint8Array => new Uint8Array(array.buffer);
const reason = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Rejection) return `${error.message} — ${error.remedy}`;
    throw error;
  }
  return "it was accepted";
};
const one = (dtype: string, shape: readonly number[], data: Uint8Array): Uint8Array =>
  safetensorsFile({ t: { dtype, shape, data } });
const valuesOf = (bytes: Uint8Array): number[] => [...openSafetensors(bytes).read("t")!.data];

test("names and shapes; metadata are no tensor", () => {
  const bytes = safetensorsFile({ a: tensor([2, 1], [1, 2]), __proto__x: tensor([], [3]) }, { format: "pt" });
  expect(isSafetensors(bytes)).toBe(true);
  const source = openSafetensors(bytes);
  expect(source.names).toEqual(["a", "__proto__x"]);
  expect(source.read("a")).toEqual({ shape: [2, 1], data: Float32Array.of(1, 2) });
  expect(source.read("__proto__x")).toEqual({ shape: [], data: Float32Array.of(3) });
  expect(source.read("__metadata__")).toBeUndefined();
  expect(source.read("toString")).toBeUndefined();
});

test.each<[string, Uint8Array, number[]]>([
  ["F64", bytesOf(Float64Array.of(0.1, -2)), [0.1, -2]],
  ["F32", bytesOf(Float32Array.of(0.5, -2)), [0.5, -2]],
  ["F16", bytesOf(Uint16Array.of(0x3555, 0xc000, 0x0001, 0x7bff)), [0.333251953125, -2, 2 ** -24, 65504]],
  ["BF16", bytesOf(Uint16Array.of(0x3eab, 0xc000)), [0.333984375, -2]],
  ["I64", bytesOf(BigInt64Array.of(-(2n ** 53n) + 1n, 7n)), [-(2 ** 53) + 1, 7]],
  ["U64", bytesOf(BigUint64Array.of(2n ** 53n - 1n)), [2 ** 53 - 1]],
  ["I32", bytesOf(Int32Array.of(-(2 ** 31), 7)), [-(2 ** 31), 7]],
  ["U32", bytesOf(Uint32Array.of(2 ** 32 - 1)), [2 ** 32 - 1]],
  ["I16", bytesOf(Int16Array.of(-32768, 7)), [-32768, 7]],
  ["U16", bytesOf(Uint16Array.of(65535)), [65535]],
  ["I8", bytesOf(Int8Array.of(-128, 7)), [-128, 7]],
  ["U8", bytesOf(Uint8Array.of(255)), [255]],
  ["BOOL", Uint8Array.of(0, 1), [0, 1]],
])("%s", (dtype, data, expected) => {
  expect(valuesOf(one(dtype, [expected.length], data))).toEqual(expected);
});

test("half floats: every number of the first 16 bits is what its parts say", () => {
  expect([0x7c00, 0xfc00, 0x8000].map(fromHalf)).toEqual([
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
  ]);
  expect(fromHalf(0x7e00)).toBeNaN();
  const positive = Array.from({ length: 0x7c00 }, (_, bits) => fromHalf(bits));
  // Finite halves of one sign are in the order of their bits, and float32 holds them all.
  expect(positive.every((x, i) => i === 0 || x > positive[i - 1]!)).toBe(true);
  expect(positive.every((x) => Math.fround(x) === x)).toBe(true);
  expect([0x0400, 0x3c00, 0x3c01].map(fromHalf)).toEqual([2 ** -14, 1, 1 + 2 ** -10]);
});

const place = (fields: object): Uint8Array =>
  withHeader(
    JSON.stringify({ t: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields } }),
    new Uint8Array(8),
  );
const length = (value: bigint): Uint8Array => {
  const bytes = place({}).slice();
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

test.each<[string, Uint8Array, RegExp]>([
  ["nothing", new Uint8Array(0), /no safetensors file, or it is cut off/],
  ["a length beyond the file", length(10n ** 6n), /cut off/],
  ["a length of 2^64 − 1", length(2n ** 64n - 1n), /cut off/],
  ["a length of 0", length(0n), /cut off/],
  ["a header that ends early", length(20n), /its header is no JSON/],
  ["a list", withHeader("[]"), /no safetensors file/],
  ["text that is no UTF-8", withHeader("{}").map((b, i) => (i === 9 ? 0xff : b)), /its header is no JSON/],
  ["a header of 9 MB", withHeader(`{${" ".repeat(9 << 20)}}`), /its header has \d+ bytes, more than 8388608/],
  ["deep nesting", withHeader(`{"t":${"[".repeat(200_000)}`), /its header is no JSON/],
  ["a tensor that is a number", withHeader('{"t":7}'), /has no type, shape or place/],
  ["no place", place({ data_offsets: undefined }), /has no type, shape or place/],
  ["one offset", place({ data_offsets: [0] }), /has no type, shape or place/],
  ["negative sizes", place({ shape: [-2, -1] }), /has no type, shape or place/],
  ["broken sizes", place({ shape: [1.5] }), /has no type, shape or place/],
  ["many dimensions", place({ shape: new Array(9).fill(1) }), /rank 9/],
  ["a million dimensions", place({ shape: new Array(1e5).fill(1) }), /has no type, shape or place/],
  ["offsets that go back", place({ data_offsets: [8, 0] }), /lies outside the file/],
  ["offsets beyond the file", place({ data_offsets: [4, 12] }), /lies outside the file/],
  ["offsets of 2^53", place({ data_offsets: [0, 2 ** 53 - 1], shape: [2 ** 40] }), /lies outside the file/],
  [
    "a shape that asks for more",
    place({ shape: [1 << 20, 1 << 20] }),
    /of shape 1048576×1048576 has 8 bytes in place of/,
  ],
  ["a shape that asks for less", place({ shape: [1] }), /has 8 bytes in place of 4/],
  ["a product that overflows", place({ shape: new Array(8).fill(2 ** 52) }), /in place of/],
  ["8-bit floats", place({ dtype: "F8_E4M3" }), /holds F8_E4M3 — store it as float32/],
  ["a type of JavaScript's own", place({ dtype: "constructor" }), /holds constructor/],
  ["truth values of 7", one("BOOL", [1], Uint8Array.of(7)), /neither 0 nor 1/],
  ["integers beyond 2^53", one("I64", [1], bytesOf(BigInt64Array.of(2n ** 60n))), /integers beyond 2\^53/],
])("refuses %s", (_, bytes, message) => expect(reason(() => valuesOf(bytes))).toMatch(message));

test("npz: arrays by name; other archives and damaged arrays are refused", () => {
  const npy = writeNpy({ shape: [2], dtype: "int64", data: Float64Array.of(-1, 5) });
  const file = zipFile([{ name: "conv.weight.npy", data: npy, deflate: true }]);
  const source = openNpz(file);
  expect(source.names).toEqual(["conv.weight"]);
  expect(source.read("conv.weight")).toEqual({ shape: [2], data: Float64Array.of(-1, 5) });
  expect(source.read("other")).toBeUndefined();
  const other = zipFile([{ name: "a.txt", data: npy }]);
  expect(reason(() => openNpz(other))).toMatch(/other things than arrays — write it with numpy\.savez/);
  const broken = zipFile([{ name: "w.npy", data: npy.subarray(0, 20) }]);
  expect(reason(() => openNpz(broken).read("w"))).toMatch(/array "w": the header is longer than the file/);
  const deep = writeNpy({ shape: new Array(9).fill(1), dtype: "uint8", data: new Uint8Array(1) });
  expect(reason(() => openNpz(zipFile([{ name: "w.npy", data: deep }])).read("w"))).toMatch(/rank 9/);
});
