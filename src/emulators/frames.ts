/** Frames of the vector protocol (docs/PROTOCOL.md): encoding, and decoding from a stream that may hold garbage. */
import { crc32 } from "../program/crc32.js";

export const FrameType = {
  ask: 0x01,
  request: 0x02,
  finish: 0x03,
  hello: 0x81,
  accepted: 0x82,
  result: 0x83,
  rejected: 0x84,
  fault: 0x85,
  end: 0x86,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  readonly type: FrameType;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export const SYNC = [0xb1, 0x7b] as const;
export const FINISH_SEQUENCE = 0xffff;
const HEADER_BYTES = 9;
const CRC_BYTES = 4;
const types: ReadonlyMap<number, string> = new Map(
  Object.entries(FrameType).map(([name, type]) => [type, name.toUpperCase()]),
);

/** Name of a frame type as the protocol's document writes it. */
export function frameName(type: number): string {
  return types.get(type) ?? `type 0x${type.toString(16)}`;
}

/** The bytes of one frame. */
export function encodeFrame(frame: Frame): Uint8Array {
  const { type, sequence, payload } = frame;
  const bytes = new Uint8Array(HEADER_BYTES + payload.length + CRC_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(SYNC, 0);
  view.setUint8(2, type);
  view.setUint16(3, sequence, true);
  view.setUint32(5, payload.length, true);
  bytes.set(payload, HEADER_BYTES);
  view.setUint32(
    HEADER_BYTES + payload.length,
    crc32(bytes.subarray(2, HEADER_BYTES + payload.length)),
    true,
  );
  return bytes;
}

/** Cuts frames out of a byte stream, skipping whatever is not a frame. */
export class FrameDecoder {
  /** Longest payload that is believed, in bytes. */
  maxPayload = 16 * 1024 * 1024;
  /** Bytes skipped so far because they were part of no frame. */
  skippedBytes = 0;
  /** Called with those bytes, in the order of the stream. */
  onSkipped: ((bytes: Uint8Array) => void) | undefined;
  #pending: Uint8Array = new Uint8Array(0);

  /** Takes the next bytes of the stream, in pieces of any size, and returns the frames that they complete. */
  push(bytes: Uint8Array): Frame[] {
    return [...this.pieces(bytes)];
  }

  /** As `push`, one frame at a time: `onSkipped` is called for what stands before a frame before the frame comes. */
  *pieces(bytes: Uint8Array): Generator<Frame, void, undefined> {
    // A copy, and never a Buffer: its slice() would not copy either.
    this.#pending = concat(this.#pending, bytes);
    for (;;) {
      this.#skip(findSync(this.#pending, 0));
      const next = this.#frameAt(0);
      if (next === "incomplete") return;
      if (next === "bad") {
        this.#skip(1);
        continue;
      }
      this.#pending = this.#pending.subarray(HEADER_BYTES + next.payload.length + CRC_BYTES);
      yield next;
    }
  }

  /** What may still become a frame; the decoder forgets it. */
  rest(): Uint8Array {
    const rest = this.#pending;
    this.#pending = new Uint8Array(0);
    return rest;
  }

  #skip(count: number): void {
    if (count === 0) return;
    this.skippedBytes += count;
    this.onSkipped?.(this.#pending.subarray(0, count));
    this.#pending = this.#pending.subarray(count);
  }

  #frameAt(at: number): Frame | "incomplete" | "bad" {
    const rest = this.#pending.subarray(at);
    if (rest.length < HEADER_BYTES) return "incomplete";
    const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
    const type = view.getUint8(2);
    const length = view.getUint32(5, true);
    if (!types.has(type) || length > this.maxPayload) return "bad";
    if (rest.length < HEADER_BYTES + length + CRC_BYTES) return "incomplete";
    const body = rest.subarray(2, HEADER_BYTES + length);
    if (crc32(body) !== view.getUint32(HEADER_BYTES + length, true)) return "bad";
    return {
      type: type as FrameType,
      sequence: view.getUint16(3, true),
      payload: rest.slice(HEADER_BYTES, HEADER_BYTES + length),
    };
  }
}

/** Index of the next sync, or of a last byte that may begin one, or the end. */
function findSync(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(SYNC[0], from); at >= 0; at = bytes.indexOf(SYNC[0], at + 1)) {
    if (at + 1 === bytes.length || bytes[at + 1] === SYNC[1]) return at;
  }
  return bytes.length;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a, 0);
  all.set(b, a.length);
  return all;
}
