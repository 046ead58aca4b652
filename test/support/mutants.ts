/** Damaged files of any format: what a bad disk, a broken download or an attacker makes of them. One seed, one file. */
import type { Random } from "./random-graph.js";

export interface Mutant {
  readonly bytes: Uint8Array;
  /** What was done, for messages. */
  readonly changes: readonly string[];
}

type Change = (bytes: Uint8Array, random: Random) => Uint8Array;

/** 1 to 3 changes of random kinds. */
export function mutate(original: Uint8Array, random: Random): Mutant {
  let bytes: Uint8Array = Uint8Array.from(original);
  const changes = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => random.pick(kinds));
  for (const [, change] of changes) if (bytes.length > 16) bytes = change(bytes, random);
  return { bytes, changes: changes.map(([name]) => name) };
}

/** Headers stand in front, directories and tables often behind, weights between: all three are met as often. */
function place(bytes: Uint8Array, random: Random): number {
  const last = bytes.length - 1;
  const near = Math.min(random.pick([64, 512, 4096]), last);
  return random.pick([
    random.integer(0, near),
    last - random.integer(0, near),
    random.integer(0, last),
    random.integer(0, last),
  ]);
}

const flipBits: Change = (bytes, random) => {
  for (let i = random.pick([1, 1, 2, 8]); i > 0; i--)
    bytes[place(bytes, random)]! ^= 1 << random.integer(0, 7);
  return bytes;
};

const noise: Change = (bytes, random) => {
  const at = place(bytes, random);
  const end = Math.min(at + random.integer(1, random.pick([4, 64])), bytes.length);
  for (let i = at; i < end; i++) bytes[i] = random.integer(0, 255);
  return bytes;
};

const fill: Change = (bytes, random) => {
  const at = place(bytes, random);
  return bytes.fill(
    random.pick([0, 1, 0x7f, 0x80, 0xff]),
    at,
    at + random.integer(1, random.pick([2, 9, 300])),
  );
};

const cutOff: Change = (bytes, random) => bytes.slice(0, Math.max(1, place(bytes, random)));

/** A piece of the file is lost, comes twice, or stands where something else should. */
const splice: Change = (bytes, random) => {
  const [from, to] = [place(bytes, random), place(bytes, random)];
  const piece = bytes.slice(from, from + random.integer(1, random.pick([4, 100, 4000])));
  const kind = random.pick(["lose", "insert", "replace"]);
  if (kind === "lose") return concatenate(bytes.subarray(0, from), bytes.subarray(from + piece.length));
  const rest = kind === "insert" ? to : to + piece.length;
  return concatenate(bytes.subarray(0, to), piece, bytes.subarray(rest));
};

const LENGTHS32 = [0, 1, 0xffff, 0x00ff_ffff, 0x1000_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const LENGTHS64 = [2n ** 32n, 2n ** 40n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** A field that may be a length, an offset or a count becomes extreme, or points just beyond the file. */
const lengthBomb: Change = (bytes, random) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = likelyField(bytes, view, random);
  if (at + 8 <= bytes.length && random.integer(0, 1) === 0)
    view.setBigUint64(at, random.pick([...LENGTHS64, ...LENGTHS32.map(BigInt), BigInt(bytes.length)]), true);
  else view.setUint32(at, random.pick([...LENGTHS32, bytes.length - at, bytes.length - at - 4]), true);
  return bytes;
};

/** Where a number stands that could be a length within this file. */
function likelyField(bytes: Uint8Array, view: DataView, random: Random): number {
  const unit = random.pick([1, 2, 4, 4, 8]);
  let at = 0;
  for (let tries = 0; tries < 32; tries++) {
    at = Math.min(Math.floor(place(bytes, random) / unit) * unit, bytes.length - 4);
    const value = view.getUint32(at, true);
    if (value > 0 && value <= bytes.length) return at;
  }
  return at;
}

/** A number of protobuf or FlexBuffers, which goes on while the highest bit is set. */
const varintBomb: Change = (bytes, random) => {
  const at = place(bytes, random);
  const end = Math.min(at + random.integer(1, 10), bytes.length - 1);
  bytes.fill(0xff, at, end);
  bytes[end] = random.pick([0, 1, 0x0f, 0x7f]);
  return bytes;
};

/** A decimal number in text (JSON, attributes), without moving what stands behind it. */
const textNumber: Change = (bytes, random) => {
  const isDigit = (i: number): boolean => bytes[i]! >= 0x30 && bytes[i]! <= 0x39;
  const start = place(bytes, random);
  let at = start;
  while (at < bytes.length && !isDigit(at)) at++;
  let end = at;
  while (end < bytes.length && isDigit(end)) end++;
  const [first, rest] = random.pick(["99", "00", "10", "-1", "1e", "-9"]);
  return bytes.fill(rest!.charCodeAt(0), at, end).fill(first!.charCodeAt(0), at, Math.min(at + 1, end));
};

const kinds: readonly (readonly [string, Change])[] = [
  ["bits", flipBits],
  ["bits", flipBits],
  ["noise", noise],
  ["fill", fill],
  ["cut off", cutOff],
  ["splice", splice],
  ["length", lengthBomb],
  ["length", lengthBomb],
  ["varint", varintBomb],
  ["number", textNumber],
];

function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
