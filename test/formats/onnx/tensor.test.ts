import { describe, expect, it } from "vitest";
import { floats, graphOf, node, problemOf, run, type TensorInit } from "../../support/onnx.js";

const x = [1, 1];
const inputs = { x: [1, 2] };

/** The values that a float tensor of the file stands for. */
function valuesOf(c: TensorInit): number[] {
  return run({ nodes: [node("Mul", "x c")], constants: { c }, inputs }, x);
}

/** The values of an integer tensor: cast to float, then multiplied. */
function integersOf(c: TensorInit): number[] {
  const nodes = [node("Cast", "c", { to: 1 }, "f"), node("Mul", "x f")];
  return run({ nodes, constants: { c }, inputs }, x);
}

function raw(array: { buffer: ArrayBufferLike }): Uint8Array {
  return new Uint8Array(array.buffer as ArrayBuffer);
}

describe("tensors", () => {
  const dims = [2n];
  it.each<[string, TensorInit]>([
    ["float32 raw", { dims, dataType: 1, rawData: raw(Float32Array.of(1.5, -2)) }],
    ["float32 list", { dims, dataType: 1, floatData: [1.5, -2] }],
    ["float64 raw", { dims, dataType: 11, rawData: raw(Float64Array.of(1.5, -2)) }],
    ["float64 list", { dims, dataType: 11, doubleData: [1.5, -2] }],
  ])("%s", (_, tensor) => {
    expect(valuesOf(tensor)).toEqual([1.5, -2]);
  });

  it.each<[string, TensorInit]>([
    ["int64 raw", { dims, dataType: 7, rawData: raw(BigInt64Array.of(5n, -2n)) }],
    ["int64 list", { dims, dataType: 7, int64Data: [5n, -2n] }],
    ["int32 raw", { dims, dataType: 6, rawData: raw(Int32Array.of(5, -2)) }],
    ["int32 list", { dims, dataType: 6, int32Data: [5, -2] }],
    ["int8 raw", { dims, dataType: 3, rawData: raw(Int8Array.of(5, -2)) }],
  ])("%s", (_, tensor) => {
    expect(integersOf(tensor)).toEqual([5, -2]);
  });

  it.each<[string, TensorInit, RegExp]>([
    ["NaN", floats([2], [1, Number.NaN]), /tensor c \[onnx\/tensor\] element 1 is NaN.*diverged/],
    ["infinities", floats([2], [Number.NEGATIVE_INFINITY, 0]), /element 0 is -Infinity/],
    [
      "float64 that float32 cannot hold",
      { dims, dataType: 11, doubleData: [1, 0.1] },
      /0.1, which float32 cannot/,
    ],
    ["float64 out of range", { dims, dataType: 11, doubleData: [1, 1e300] }, /cannot hold/],
    ["too few elements", { dims, dataType: 1, floatData: [1] }, /shape 2 needs 2 elements, the file has 1/],
    ["too many elements", { dims, dataType: 1, floatData: [1, 2, 3] }, /needs 2 elements, the file has 3/],
    ["sizes near 2^63", { dims: [2n ** 63n - 1n], dataType: 1, floatData: [1] }, /impossible|needs/],
    ["a billion zeros that are not there", { dims: [1_000_000_000n], dataType: 1 }, /impossible|needs/],
    ["a huge rank", { dims: new Array<bigint>(100_000).fill(1n), dataType: 1, floatData: [1] }, /rank/],
    ["too few bytes", { dims, dataType: 1, rawData: new Uint8Array(7) }, /needs 8 bytes, the file has 7/],
    ["too many bytes", { dims, dataType: 1, rawData: new Uint8Array(9) }, /needs 8 bytes, the file has 9/],
    ["elements of another type's list", { dims, dataType: 1, int32Data: [1, 2] }, /has 0/],
    ["negative sizes", { dims: [-2n, -1n], dataType: 1, floatData: [1, 2] }, /impossible shape -2×-1/],
    ["sizes that overflow", { dims: [2n ** 62n, 4n], dataType: 1, floatData: [1] }, /impossible shape/],
    [
      "sizes beyond memory",
      { dims: [2n ** 40n], dataType: 1, floatData: [1] },
      /1099511627776 elements, the file has 1/,
    ],
    ["rank 9", { dims: Array(9).fill(1n), dataType: 1, floatData: [1] }, /rank 9/],
    ["float16", { dims, dataType: 10, rawData: new Uint8Array(4) }, /type float16.*float32/],
    ["unknown types", { dims, dataType: 99 }, /type number 99/],
    ["integers beyond 2^53", { dims, dataType: 7, int64Data: [1n, 2n ** 60n] }, /out of range/],
  ])("refuse %s", (_, c, message) => {
    expect(problemOf({ nodes: [node("Mul", "x c")], constants: { c }, inputs })).toMatch(message);
  });

  it("that nothing reads are not looked at", () => {
    const constants = { c: floats([1], [2]), broken: floats([2], [Number.NaN, 0]) };
    expect(graphOf({ nodes: [node("Mul", "x c")], constants, inputs }).nodes).toHaveLength(1);
  });
});
