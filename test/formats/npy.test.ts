import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NpyData, type NpyDtype, readNpy, writeNpy } from "../../src/formats/npy.js";
import { errorsOf } from "../support/errors.js";
import { onnxFixture } from "../support/models.js";

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

/** A file as numpy's format description lays it out, with any header text and data. */
function npy(header: string, data: Uint8Array = new Uint8Array(0), version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const size = new Uint8Array(version > 1 ? 4 : 2);
  size.set([text.length & 255, text.length >> 8]);
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...size, ...text, ...data]);
}

function header(descr: string, shape: string, order = "False"): string {
  return `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
}

const bytesOf = (array: { readonly buffer: ArrayBufferLike }): Uint8Array =>
  new Uint8Array(array.buffer.slice(0));

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

  it.each([
    ["<f4", Float32Array.of(1.5, -0.25), [1.5, -0.25]],
    ["<f8", Float64Array.of(1e300, -0.1), [1e300, -0.1]],
    ["|u1", Uint8Array.of(0, 255), [0, 255]],
    ["|i1", Int8Array.of(-128, 127), [-128, 127]],
    ["<i2", Int16Array.of(-32768, 5), [-32768, 5]],
    ["<i4", Int32Array.of(-(2 ** 31), 7), [-(2 ** 31), 7]],
    ["<i8", BigInt64Array.of(-9n, 2n ** 40n), [-9, 2 ** 40]],
  ])("reads elements of type %s in every version", (descr, data, expected) => {
    for (const version of [1, 2, 3]) {
      const array = readNpy(npy(header(descr, "(2,)"), bytesOf(data), version));
      expect(Array.from(array.data)).toEqual(expected);
      expect(array.shape).toEqual([2]);
    }
  });

  it.each([
    ">f4",
    "<f2",
    "<c8",
    "|b1",
    "|O",
    "<U4",
    "",
    "__proto__",
    "constructor",
  ])("refuses elements of type %j", (descr) => {
    const [error] = errorsOf(() => readNpy(npy(header(descr, "(2,)"), new Uint8Array(8))));
    expect(error!.message).toContain(`"${descr}" are not supported`);
    expect(error!.remedy).toContain("float32");
  });

  const good = header("<f4", "(2, 3)");
  const with8 = (shape: string): Uint8Array => npy(header("<f4", shape), new Uint8Array(8));
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /not a .npy file/],
    ["another file", new TextEncoder().encode("PK\u0003\u0004 an archive"), /not a .npy file/],
    ["only the magic", npy("").subarray(0, 8), /./],
    ["an empty header", npy(""), /./],
    ["Fortran order", file(numpy.fortran), /Fortran order/],
    ["a cut header", file(numpy.float32).subarray(0, 60), /header is longer than the file/],
    ["a cut start", file(numpy.version2).subarray(0, 11), /cut off/],
    ["cut data", file(numpy.float32).subarray(0, 140), /needs 24 bytes of data, the file has 12/],
    ["data behind the end", Uint8Array.from([...file(numpy.float32), 0]), /the file has 25/],
    ["version 4", npy(good, new Uint8Array(24), 4), /version 4/],
    ["version 0", npy(good, new Uint8Array(24), 0), /version 0/],
    ["a header of 64 kB", npy(good).fill(0xff, 8, 10), /header is longer/],
    ["a header of 4 GB", npy(good, new Uint8Array(24), 2).fill(0xff, 8, 12), /header is longer/],
    ["records", npy(good.replace("'<f4'", "[('a', '<f4')]")), /records/],
    ["no order", npy(good.replace("'fortran_order': False, ", "")), /in which order/],
    ["no shape", npy(good.replace("'shape': (2, 3), ", "")), /no shape/],
    ["broken sizes", with8("(1 2,)"), /no valid shape/],
    ["sizes without commas", with8("(1 2)"), /./],
    ["negative sizes", with8("(-2,)"), /no shape/],
    ["sizes that overflow", npy(header("<f4", `(${"9".repeat(15)}, ${"9".repeat(15)})`)), /needs/],
    ["many sizes that overflow", npy(header("<f4", `(${"99999999, ".repeat(8)})`)), /./],
    ["infinite sizes", npy(header("<f4", `(${"9".repeat(400)},)`)), /./],
    ["zero times infinity", npy(header("<f4", `(0, ${"9".repeat(400)})`)), /./],
    ["int64 beyond 2^53", npy(header("<i8", "(1,)"), new Uint8Array(8).fill(0x7f)), /beyond 2\^53/],
  ])("refuses %s", (_, bytes, message) => {
    const [error, ...rest] = errorsOf(() => readNpy(bytes, "x.npy"));
    expect(rest).toEqual([]);
    expect(error!.where).toBe("x.npy");
    expect(error!.message).toMatch(message);
  });

  it("of mutated and cut files ends in an array or one error", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })));
    const end = fc.option(fc.nat());
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(numpy)), changes, end, (base, list, cut) => {
        const whole = file(base);
        for (const [at, value] of list) whole[at % whole.length] = value;
        const part = cut === null ? whole : whole.subarray(0, cut % whole.length);
        let array: ReturnType<typeof readNpy>;
        try {
          array = readNpy(part);
        } catch {
          expect(errorsOf(() => readNpy(part))).toHaveLength(1);
          return;
        }
        expect(array.data).toHaveLength(array.shape.reduce((a, b) => a * b, 1));
      }),
      { numRuns: 1500 },
    );
  });
});

describe("writeNpy", () => {
  /** Floats of all kinds; NaNs in the one form that passes through a JavaScript number unchanged. */
  const anyFloats = (bits: Int32Array): Float32Array =>
    new Float32Array(bits.buffer).map((v) => (Number.isNaN(v) ? Number.NaN : v));
  const arrays: readonly [NpyDtype, (raw: Int32Array) => NpyData][] = [
    ["float32", anyFloats],
    ["float64", (raw) => Float64Array.from(raw, (v) => v / 3)],
    ["uint8", (raw) => Uint8Array.from(raw)],
    ["int8", (raw) => Int8Array.from(raw)],
    ["int16", (raw) => Int16Array.from(raw)],
    ["int32", (raw) => raw],
    ["int64", (raw) => Float64Array.from(raw, (v) => v * 2 ** 20)],
  ];

  it("writes what readNpy reads, bit for bit, aligned as numpy wants it", () => {
    const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(
        shapes,
        fc.constantFrom(...arrays),
        fc.infiniteStream(fc.integer()),
        (shape, of, numbers) => {
          const [dtype, make] = of;
          const count = shape.reduce((a, b) => a * b, 1);
          const data = make(Int32Array.from([...numbers.take(count)]));
          const bytes = writeNpy({ shape, dtype, data });
          const back = readNpy(bytes);
          expect(back).toEqual({ shape, dtype, data });
          expect(bytesOf(back.data)).toEqual(bytesOf(data));
          expect((10 + bytes[8]! + 256 * bytes[9]!) % 64).toBe(0);
          expect(bytes.length - (10 + bytes[8]! + 256 * bytes[9]!)).toBe(
            dtype === "int64" ? 8 * count : data.byteLength,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("writes numpy's files as numpy wrote them", () => {
    for (const name of ["exact_ties.x.npy", "exact_ties.y.npy", "flatten_zero_point.x.npy"]) {
      const bytes = onnxFixture(name);
      const { shape, data } = readNpy(bytes);
      if (!(data instanceof Float32Array)) throw new Error("not float32");
      expect(shape[0]).toBe(64);
      expect(writeNpy({ shape, dtype: "float32", data })).toEqual(Uint8Array.from(bytes));
    }
  });
});
