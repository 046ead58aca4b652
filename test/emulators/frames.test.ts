import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, type Frame, FrameDecoder, FrameType } from "../../src/emulators/frames.js";
import { readHello, readResult, readVerdict, traceHash } from "../../src/emulators/messages.js";

const frames = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  sequence: fc.nat(0xffff),
  payload: fc.uint8Array({ maxLength: 60 }),
});
/** Garbage without a first sync byte cannot be mistaken for the start of a frame. */
const garbage = fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.filter((b) => b !== 0xb1));

function decodeInPieces(bytes: Uint8Array, size: number): { frames: Frame[]; skipped: number } {
  const decoder = new FrameDecoder();
  const found: Frame[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...decoder.push(bytes.subarray(at, at + size)));
  return { frames: found, skipped: decoder.skippedBytes };
}

describe("frames", () => {
  it("have the documented layout", () => {
    const bytes = encodeFrame({ type: FrameType.request, sequence: 0x0102, payload: Uint8Array.of(0x61) });
    // The CRC is that of Python's zlib.
    expect(Buffer.from(bytes).toString("hex")).toBe("b17b0202010100000061e662117c");
    expect(bytes).toHaveLength(14);
  });

  it("come out of a stream in pieces of any size, with garbage between them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(garbage, frames), { maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        (parts, size) => {
          const stream = Buffer.concat(parts.flatMap(([noise, frame]) => [noise, encodeFrame(frame)]));
          const decoded = decodeInPieces(stream, size);
          expect(decoded.frames.map((f) => ({ ...f, payload: [...f.payload] }))).toEqual(
            parts.map(([, f]) => ({ ...f, payload: [...f.payload] })),
          );
          expect(decoded.skipped).toBe(parts.reduce((sum, [noise]) => sum + noise.length, 0));
        },
      ),
    );
  });

  it("survive any single damaged byte of an earlier frame, except one that makes it longer", () => {
    const first = encodeFrame({ type: FrameType.result, sequence: 1, payload: new Uint8Array(20).fill(7) });
    const second: Frame = { type: FrameType.end, sequence: 2, payload: Uint8Array.of(1, 2, 3) };
    for (let at = 0; at < first.length; at++) {
      if (at >= 5 && at < 9) continue;
      const damaged = first.slice();
      damaged[at]! ^= 0x10;
      const { frames: found } = decodeInPieces(Buffer.concat([damaged, encodeFrame(second)]), 5);
      expect(
        found.map((f) => f.sequence),
        `byte ${at}`,
      ).toEqual([2]);
    }
  });

  it("are not believed beyond the bound on their length", () => {
    const decoder = new FrameDecoder();
    decoder.maxPayload = 10;
    const long = encodeFrame({ type: FrameType.result, sequence: 1, payload: new Uint8Array(11) });
    const good = encodeFrame({ type: FrameType.end, sequence: 2, payload: new Uint8Array(10) });
    expect(decoder.push(Buffer.concat([long, good])).map((f) => f.sequence)).toEqual([2]);
  });
});

describe("messages", () => {
  it("of the wrong length are errors", () => {
    const short = (type: FrameType): Frame => ({ type, sequence: 0, payload: new Uint8Array(3) });
    expect(() => readHello(short(FrameType.hello))).toThrow(
      "a HELLO frame has 3 bytes of payload instead of 36",
    );
    expect(() => readVerdict(short(FrameType.end))).toThrow(/instead of 36/);
    const hello = readHello({ type: FrameType.hello, sequence: 0, payload: new Uint8Array(36) });
    expect(() => readResult(short(FrameType.result), hello, 0)).toThrow(/instead of 8/);
  });

  it("of END tell the stack of as many functions as the firmware measures", () => {
    const verdict = (words: number) =>
      readVerdict({
        type: FrameType.end,
        sequence: 65535,
        payload: new Uint8Array(Uint32Array.from({ length: words }, (_, i) => i + 1).buffer),
      });
    expect(verdict(6)).toEqual({
      ...{ pass: true, runs: 2, failedRuns: 3, rejectedFrames: 4 },
      ...{ stackUsedBytes: 5, stackSizeBytes: 6 },
    });
    const { stackOf } = verdict(9);
    expect(stackOf).toEqual({ init: 7, run: 8, selftest: 9 });
    expect(verdict(12).stackOf).toEqual({ ...stackOf, reset: 10, push_row: 11, push_sample: 12 });
    for (const words of [0, 7, 8, 10, 11, 13]) expect(() => verdict(words)).toThrow(/instead of 36/);
  });

  it("hash traces with FNV-1a", () => {
    // Known values of the FNV authors' test suite.
    expect(traceHash(Buffer.from(""))).toBe(0x811c9dc5);
    expect(traceHash(Buffer.from("foobar"))).toBe(0xbf9cf968);
  });
});
