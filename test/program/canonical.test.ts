import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalBytes,
  canonicalSize,
  crc32,
  inputValues,
  type ProgramTensor,
} from "../../src/program/index.js";
import { mnistMlp } from "../support/models.js";

describe("canonical form", () => {
  it("packs channel c of plane p into bit c of that plane, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        (channels, bits, seed) => {
          const tensor: ProgramTensor = {
            name: "t",
            shape: [1, 2, channels],
            domain: { kind: "codes", bits, step: 1, offset: 0 },
          };
          const values = Int32Array.from(
            { length: 2 * channels },
            (_, i) => (((seed + 1) * (i + 7) * 2654435761) % 2 ** bits) >>> 0,
          );
          const bytes = canonicalBytes(tensor, values);
          expect(bytes.length).toBe(canonicalSize(tensor));
          const words = new Uint32Array(bytes.buffer);
          const perPlane = Math.ceil(channels / 32);
          let set = 0;
          for (let i = 0; i < values.length; i++) {
            const [pixel, channel] = [Math.floor(i / channels), i % channels];
            for (let plane = 0; plane < bits; plane++) {
              const word = words[(pixel * bits + plane) * perPlane + Math.floor(channel / 32)]!;
              const bit = Math.floor(word / 2 ** (channel % 32)) % 2;
              expect(bit).toBe(Math.floor(values[i]! / 2 ** plane) % 2);
              set += bit;
            }
          }
          const all = [...bytes].reduce((sum, b) => sum + b.toString(2).replaceAll("0", "").length, 0);
          expect(all).toBe(set);
        },
      ),
    );
  });

  it("of an input reads back as the input", () => {
    const { program } = mnistMlp();
    const values = Int32Array.from({ length: 784 }, (_, i) => (i * 31) & 255);
    const bytes = canonicalBytes(program.tensors[program.input.tensor]!, values);
    expect(inputValues(program, bytes)).toEqual(values);
  });
});

describe("crc32", () => {
  it.skipIf(zlibCrc32 === undefined)("equals zlib's, also in pieces", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(crc32(b, crc32(a))).toBe(zlibCrc32(Buffer.concat([a, b])));
      }),
    );
  });
});
