import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { type NpyData, type NpyDtype, readNpy, writeNpy } from "../../src/formats/npy.js";

/** Spaces of a header, written short. */
const file = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

/** Written by numpy 2.4: save, and lib.format.write_array for versions 2 and 3. */
const numpy = {
  float32:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPwAAAEAAAEBAAACAQAAAoEA=",
  int64:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr//////////wAAAAAAAQAA",
  scalar:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoH",
  version2:
    "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAEAAgA=",
  version3:
    "k05VTVBZAwB0AAAAeydkZXNjcic6ICd8aTEnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQI=",
  fortran:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAAAA",
};

/** A version 1 file with this header and data. */
function withHeader(header: string, data = new Uint8Array(0)): Uint8Array {
  const start = Uint8Array.of(
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    header.length & 255,
    header.length >> 8,
  );
  return Uint8Array.from([...start, ...new TextEncoder().encode(header), ...data]);
}

describe("readNpy", () => {
  it("reads what numpy writes", () => {
    expect(readNpy(file(numpy.float32))).toEqual({
      shape: [2, 3],
      dtype: "float32",
      data: Float32Array.of(0, 1, 2, 3, 4, 5),
    });
    expect(readNpy(file(numpy.int64))).toEqual({
      shape: [2],
      dtype: "int64",
      data: Float64Array.of(-1, 2 ** 40),
    });
    expect(readNpy(file(numpy.scalar))).toEqual({ shape: [], dtype: "uint8", data: Uint8Array.of(7) });
    expect(readNpy(file(numpy.version2))).toEqual({
      shape: [3],
      dtype: "int16",
      data: Int16Array.of(0, 1, 2),
    });
    expect(readNpy(file(numpy.version3))).toEqual({ shape: [3], dtype: "int8", data: Int8Array.of(0, 1, 2) });
  });

  it("reads from the middle of a larger buffer", () => {
    const padded = Uint8Array.from([1, 2, 3, ...file(numpy.float32)]).subarray(3);
    expect(readNpy(padded)).toEqual(readNpy(file(numpy.float32)));
  });

  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /not a .npy file/],
    ["another file", new TextEncoder().encode("PK\u0003\u0004 an archive"), /not a .npy file/],
    ["Fortran order", file(numpy.fortran), /Fortran order/],
    ["a cut header", file(numpy.float32).subarray(0, 60), /header is longer than the file/],
    ["a cut start", file(numpy.version2).subarray(0, 11), /cut off/],
    ["cut data", file(numpy.float32).subarray(0, 140), /needs 24 bytes of data, the file has 12/],
    ["data behind the end", Uint8Array.from([...file(numpy.float32), 0]), /the file has 25/],
    ["version 4", Uint8Array.from(file(numpy.float32), (b, i) => (i === 6 ? 4 : b)), /version 4/],
    ["version 0", Uint8Array.from(file(numpy.float32), (b, i) => (i === 6 ? 0 : b)), /version 0/],
    [
      "a header of 4 GB",
      Uint8Array.from(file(numpy.version2), (b, i) => (i > 7 && i < 12 ? 255 : b)),
      /longer/,
    ],
    ["float16", withHeader(good.replace("<f4", "<f2"), new Uint8Array(2)), /"<f2" are not supported/],
    ["big endian", withHeader(good.replace("<f4", ">f4"), new Uint8Array(4)), /">f4" are not supported/],
    [
      "JavaScript's own names",
      withHeader(good.replace("<f4", "constructor")),
      /"constructor" are not supported/,
    ],
    ["records", withHeader(good.replace("'<f4'", "[('a', '<f4')]")), /records/],
    ["no order", withHeader(good.replace("'fortran_order': False, ", "")), /in which order/],
    ["no shape", withHeader(good.replace("'shape': (1,), ", "")), /no shape/],
    ["broken sizes", withHeader(good.replace("(1,)", "(1 2,)")), /no valid shape/],
    ["negative sizes", withHeader(good.replace("(1,)", "(-1,)")), /no shape/],
    [
      "sizes that overflow",
      withHeader(good.replace("(1,)", `(${"9".repeat(15)}, ${"9".repeat(15)})`)),
      /needs/,
    ],
    [
      "int64 beyond 2^53",
      withHeader(good.replace("<f4", "<i8"), new Uint8Array(8).fill(0x7f)),
      /beyond 2\^53/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readNpy(bytes, "x.npy")).toThrow(message);
    expect(() => readNpy(bytes, "x.npy")).toThrow(BitloomError);
  });

  it("of mutated files ends in an array or a BitloomError", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(numpy)),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }))),
        (base, changes) => {
          const bytes = file(base);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          try {
            readNpy(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(BitloomError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("writeNpy", () => {
  const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
  const arrays: readonly [NpyDtype, (n: number) => NpyData][] = [
    ["float32", (n) => Float32Array.from({ length: n }, (_, i) => i / 3)],
    ["float64", (n) => Float64Array.from({ length: n }, (_, i) => -i / 3)],
    ["uint8", (n) => Uint8Array.from({ length: n }, (_, i) => 255 - i)],
    ["int8", (n) => Int8Array.from({ length: n }, (_, i) => -i)],
    ["int16", (n) => Int16Array.from({ length: n }, (_, i) => -300 * i)],
    ["int32", (n) => Int32Array.from({ length: n }, (_, i) => i << 20)],
    ["int64", (n) => Float64Array.from({ length: n }, (_, i) => -i * 2 ** 40 + 0)],
  ];

  it("writes what readNpy reads, aligned as numpy wants it", () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(...arrays), (shape, [dtype, make]) => {
        const data = make(shape.reduce((a, b) => a * b, 1));
        const bytes = writeNpy({ shape, dtype, data });
        expect(readNpy(bytes)).toEqual({ shape, dtype, data });
        expect((10 + bytes[8]! + 256 * bytes[9]!) % 64).toBe(0);
      }),
    );
  });
});
