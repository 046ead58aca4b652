import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/formats/npy.js";
import { onnxFixture } from "../support/fixtures.js";
import { errorsOf } from "../support/import.js";

/** A file as numpy's format description lays it out, with any header text and data. */
function npy(header: string, data: Uint8Array = new Uint8Array(0), version = 1): Uint8Array {
  const long = version > 1;
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array((long ? 12 : 10) + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (long) view.setUint32(8, text.length, true);
  else view.setUint16(8, text.length, true);
  bytes.set(text, long ? 12 : 10);
  bytes.set(data, (long ? 12 : 10) + text.length);
  return bytes;
}

function header(descr: string, shape: string, order = "False"): string {
  return `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
}

const bytesOf = (array: { readonly buffer: ArrayBufferLike }): Uint8Array =>
  new Uint8Array(array.buffer.slice(0));

/** Floats of all kinds; NaNs in the one form that passes through a JavaScript number unchanged. */
function anyFloats(bits: Int32Array): Float32Array {
  return new Float32Array(bits.buffer).map((x) => (Number.isNaN(x) ? Number.NaN : x));
}

test("what is written is read back, bit for bit", () => {
  const shape = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
  const dtype = fc.constantFrom("float32" as const, "int32" as const, "uint8" as const);
  fc.assert(
    fc.property(shape, dtype, fc.infiniteStream(fc.integer()), (sizes, type, numbers) => {
      const count = sizes.reduce((a, b) => a * b, 1);
      const raw = Int32Array.from([...numbers.take(count)]);
      const data = type === "int32" ? raw : type === "uint8" ? Uint8Array.from(raw) : anyFloats(raw);
      const file = writeNpy({ shape: sizes, dtype: type, data });
      // The data begin at a multiple of 64 bytes, as numpy writes them.
      expect((file.length - data.byteLength) % 64).toBe(0);
      const back = readNpy(file);
      expect(back.shape).toEqual(sizes);
      expect(back.dtype).toBe(type);
      expect(bytesOf(back.data)).toEqual(bytesOf(data));
    }),
    { numRuns: 200 },
  );
});

test("files that numpy wrote are read and written as numpy wrote them", () => {
  for (const name of ["exact_ties.x.npy", "exact_ties.y.npy", "flatten_zero_point.x.npy"]) {
    const file = onnxFixture(name);
    const { shape, data } = readNpy(file);
    if (!(data instanceof Float32Array)) throw new Error("not float32");
    expect(shape[0]).toBe(64);
    expect(writeNpy({ shape, dtype: "float32", data })).toEqual(Uint8Array.from(file));
  }
});

describe("element types", () => {
  test.each([
    ["<f4", Float32Array.of(1.5, -0.25), [1.5, -0.25]],
    ["<f8", Float64Array.of(1e300, -0.1), [1e300, -0.1]],
    ["|u1", Uint8Array.of(0, 255), [0, 255]],
    ["|i1", Int8Array.of(-128, 127), [-128, 127]],
    ["<i2", Int16Array.of(-32768, 5), [-32768, 5]],
    ["<i4", Int32Array.of(-(2 ** 31), 7), [-(2 ** 31), 7]],
    ["<i8", BigInt64Array.of(-9n, 2n ** 40n), [-9, 2 ** 40]],
  ])("%s", (descr, data, expected) => {
    for (const version of [1, 2, 3]) {
      const array = readNpy(npy(header(descr, "(2,)"), bytesOf(data), version));
      expect(Array.from(array.data)).toEqual(expected);
      expect(array.shape).toEqual([2]);
    }
  });

  test.each([
    ">f4",
    "<f2",
    "<c8",
    "|b1",
    "|O",
    "<U4",
    "",
    "__proto__",
    "constructor",
  ])("%j is refused", (descr) => {
    expect(errorsOf(() => readNpy(npy(header(descr, "(2,)"), new Uint8Array(8))))[0]!.remedy).toContain(
      "float32",
    );
  });
});

test("the scalar shape () is one element", () => {
  const array = readNpy(npy(header("|u1", "()"), Uint8Array.of(7)));
  expect([array.shape, Array.from(array.data)]).toEqual([[], [7]]);
});

const good = header("<f4", "(2, 3)");
test.each([
  ["nothing", new Uint8Array(0), /not a .npy/],
  ["another file", new TextEncoder().encode("PNG, honestly"), /not a .npy/],
  ["only the magic", npy("").subarray(0, 8), /./],
  ["a header longer than the file", npy(good).fill(0xff, 8, 10), /header/],
  ["a header of 4 GB", npy(good, new Uint8Array(24), 2).fill(0xff, 8, 12), /header/],
  ["too few data", npy(good, new Uint8Array(23)), /needs 24 bytes.* has 23/],
  ["too many data", npy(good, new Uint8Array(25)), /needs 24 bytes.* has 25/],
  ["a shape whose product overflows", npy(header("<f4", `(${"99999999, ".repeat(8)})`)), /./],
  ["a shape of infinite size", npy(header("<f4", `(${"9".repeat(400)},)`)), /./],
  ["zero times infinity", npy(header("<f4", `(0, ${"9".repeat(400)})`)), /./],
  ["a negative size", npy(header("<f4", "(-2,)"), new Uint8Array(8)), /shape/],
  ["sizes without commas", npy(header("<f4", "(1 2)"), new Uint8Array(8)), /./],
  ["no shape", npy("{'descr': '<f4', 'fortran_order': False}"), /shape/],
  ["Fortran order", npy(header("<f4", "(2, 3)", "True"), new Uint8Array(24)), /Fortran/],
  [
    "records",
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", new Uint8Array(4)),
    /./,
  ],
  ["an empty header", npy(""), /./],
])("%s is refused", (_, file, message) => {
  const [error, ...rest] = errorsOf(() => readNpy(file, "x.npy"));
  expect(rest).toEqual([]);
  expect(error!.where).toBe("x.npy");
  expect(error!.message).toMatch(message);
});

test("a damaged file is an array or one error", () => {
  const file = writeNpy({ shape: [2, 3], dtype: "float32", data: new Float32Array(6) });
  fc.assert(
    fc.property(
      fc.nat({ max: file.length - 1 }),
      fc.nat({ max: 255 }),
      fc.nat({ max: file.length }),
      (at, value, end) => {
        const damaged = file.slice();
        damaged[at] = value;
        const part = damaged.subarray(0, end);
        let array: ReturnType<typeof readNpy>;
        try {
          array = readNpy(part);
        } catch {
          expect(errorsOf(() => readNpy(part))).toHaveLength(1);
          return;
        }
        expect(array.data).toHaveLength(array.shape.reduce((a, b) => a * b, 1));
      },
    ),
    { numRuns: 500 },
  );
});
