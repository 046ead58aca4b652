/**
 * Datasets that are stored in pieces: h5py makes them when it compresses. Chunks are found by the old B-tree, or by the
 * newer indexes for datasets that do not grow (HDF5 file format, sections III.A.1, IV.A.2.i and VII).
 */
import { damaged, Rejection } from "../common/rejection.js";
import { type Cursor, type FileBytes, UNDEFINED } from "./bytes.js";
import { type Filter, unpackChunk } from "./filters.js";

/** What the data of a dataset must be. */
export interface Wanted {
  readonly shape: readonly number[];
  /** Bytes of an element. */
  readonly elementSize: number;
  readonly filters: readonly Filter[];
}

/** Sizes of a chunk in elements, and of all of it in bytes. */
interface ChunkShape {
  readonly sizes: readonly number[];
  readonly bytes: number;
}

/** A chunk in the file: where its first element belongs, and where its bytes are. */
interface Chunk {
  readonly offsets: readonly number[];
  readonly address: number;
  readonly packed: number;
  readonly mask: number;
}

type Found = (chunk: Chunk) => void;

/** Levels of a B-tree; each multiplies the number of chunks. */
const DEPTH_LIMIT = 16;

/**
 * The bytes of a chunked dataset, row-major. `cursor` stands behind version and class of the layout message. Missing
 * chunks and chunks outside are refused; what is unpacked counts against the file's limit.
 */
export function readChunks(file: FileBytes, cursor: Cursor, version: number, wanted: Wanted): Uint8Array {
  const total = wanted.shape.reduce((a, b) => a * b, 1) * wanted.elementSize;
  file.unpack(total);
  const data = new Uint8Array(total);
  const seen = new Set<string>();
  let chunks = 0;
  const take =
    (shape: ChunkShape): Found =>
    (chunk) => {
      chunks = wanted.shape.reduce((n, size, axis) => n * Math.ceil(size / shape.sizes[axis]!), 1);
      const fits = chunk.offsets.every((at, i) => at < wanted.shape[i]! && at % shape.sizes[i]! === 0);
      if (!fits) throw new Rejection("a chunk of a dataset lies outside the dataset", damaged);
      if (chunk.address === UNDEFINED) return;
      seen.add(chunk.offsets.join(" "));
      file.unpack(shape.bytes);
      const packed = file.at(chunk.address, chunk.packed).take(chunk.packed);
      const bytes = unpackChunk(packed, wanted.filters, chunk.mask, shape.bytes);
      place(bytes, shape, chunk.offsets, data, wanted);
    };
  if (version === 3) readOld(file, cursor, wanted, take);
  else readNew(file, cursor, wanted, take);
  if (total > 0 && (seen.size === 0 || seen.size !== chunks))
    throw new Rejection(`a dataset of the HDF5 file has ${seen.size} of its chunks only`, damaged);
  return data;
}

/** Checks a chunk's sizes, which have the element's size behind them. */
function chunkShape(dims: readonly number[], { shape, elementSize }: Wanted): ChunkShape {
  const sizes = dims.slice(0, -1);
  const bytes = dims.reduce((a, b) => a * b, 1);
  const isRight =
    sizes.length === shape.length && dims.at(-1) === elementSize && dims.every((n) => n >= 1 && n < 2 ** 32);
  if (isRight) return { sizes, bytes };
  throw new Rejection("the chunks of a dataset do not fit it", damaged);
}

/** Version 3: a B-tree. */
function readOld(file: FileBytes, cursor: Cursor, wanted: Wanted, take: (shape: ChunkShape) => Found): void {
  const count = cursor.u8();
  const tree = cursor.address();
  const shape = chunkShape(
    Array.from({ length: count }, () => cursor.u32()),
    wanted,
  );
  if (tree !== UNDEFINED) readNode(file, tree, shape.sizes.length, DEPTH_LIMIT, take(shape));
}

/** Keys with a chunk's size, mask and offsets stand between the addresses of children. */
function readNode(file: FileBytes, address: number, rank: number, depth: number, found: Found): void {
  if (depth === 0) throw new Rejection("the tree of a dataset's chunks is too deep", damaged);
  const node = file.at(address);
  node.expect("TREE");
  const type = node.u8();
  const level = node.u8();
  const entries = node.u16();
  if (type !== 1) throw new Rejection("the tree of a dataset's chunks holds no chunks", damaged);
  node.address();
  node.address();
  for (let i = 0; i < entries; i++) {
    const packed = node.u32();
    const mask = node.u32();
    const offsets = Array.from({ length: rank }, () => node.unsigned(8));
    node.skip(8);
    const child = node.address();
    if (level === 0) found({ offsets, address: child, packed, mask });
    else readNode(file, child, rank, depth - 1, found);
  }
}

const SINGLE = 1;
const IMPLICIT = 2;
const FIXED_ARRAY = 3;
/** Bit of the flags: the only chunk is filtered, and its packed size is given. */
const SINGLE_FILTERED = 2;
/** Bit of the flags: chunks that reach beyond the dataset are not filtered. */
const EDGES_UNFILTERED = 1;

/** Versions 4 and 5, in which sizes may be longer: one of five indexes, of which two are for datasets that grow. */
function readNew(file: FileBytes, cursor: Cursor, wanted: Wanted, take: (shape: ChunkShape) => Found): void {
  const flags = cursor.u8();
  const count = cursor.u8();
  const sizeLength = cursor.u8();
  if (sizeLength < 1 || sizeLength > 8)
    throw new Rejection("the chunks of a dataset are not understood", damaged);
  const dims = Array.from({ length: count }, () => littleEndian(cursor.take(sizeLength)));
  const shape = chunkShape(dims, wanted);
  const kind = cursor.u8();
  if (flags & EDGES_UNFILTERED && wanted.filters.length > 0) throw unknownIndex();
  const found = take(shape);
  if (kind === SINGLE) {
    const isFiltered = (flags & SINGLE_FILTERED) !== 0;
    const packed = isFiltered ? cursor.length() : shape.bytes;
    const mask = isFiltered ? cursor.u32() : 0;
    found({ offsets: wanted.shape.map(() => 0), address: cursor.address(), packed, mask });
  } else if (kind === IMPLICIT) {
    const start = cursor.address();
    if (start === UNDEFINED) return;
    eachOffset(wanted.shape, shape, (offsets, i) =>
      found({ offsets, address: start + i * shape.bytes, packed: shape.bytes, mask: 0 }),
    );
  } else if (kind === FIXED_ARRAY) {
    cursor.skip(1);
    readFixedArray(file, cursor.address(), wanted, shape, found);
  } else throw unknownIndex();
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

/** A list of chunks in row-major order; long ones are cut into pages with a checksum behind each. */
function readFixedArray(
  file: FileBytes,
  address: number,
  { shape }: Wanted,
  chunk: ChunkShape,
  found: Found,
): void {
  const header = file.at(address);
  header.expect("FAHD");
  header.skip(1);
  const isFiltered = header.u8() === 1;
  const entrySize = header.u8();
  const pageBits = header.u8();
  const entries = header.length();
  const block = file.at(header.address());
  block.expect("FADB");
  block.skip(2);
  block.address();
  const sizeLength = entrySize - file.addressSize - 4;
  if (pageBits > 30 || (isFiltered ? sizeLength < 1 || sizeLength > 8 : entrySize !== file.addressSize))
    throw new Rejection("the list of a dataset's chunks is not understood", damaged);
  const pageLength = 2 ** pageBits;
  const isPaged = entries > pageLength;
  if (isPaged) block.skip(Math.ceil(Math.ceil(entries / pageLength) / 8) + 4);
  eachOffset(shape, chunk, (offsets, i) => {
    if (i >= entries) throw new Rejection("the list of a dataset's chunks is too short", damaged);
    if (isPaged && i > 0 && i % pageLength === 0) block.skip(4);
    const at = block.address();
    const packed = isFiltered ? littleEndian(block.take(sizeLength)) : chunk.bytes;
    found({ offsets, address: at, packed, mask: isFiltered ? block.u32() : 0 });
  });
}

/** The offsets of all chunks in row-major order. The work ends where `visit` throws. */
function eachOffset(
  shape: readonly number[],
  { sizes }: ChunkShape,
  visit: (offsets: readonly number[], index: number) => void,
): void {
  if (shape.includes(0)) return;
  const offsets = shape.map(() => 0);
  for (let index = 0; ; index++) {
    visit([...offsets], index);
    let axis = shape.length - 1;
    for (; axis >= 0; axis--) {
      offsets[axis]! += sizes[axis]!;
      if (offsets[axis]! < shape[axis]!) break;
      offsets[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** Copies the part of a chunk that lies inside the dataset, row by row. */
function place(
  bytes: Uint8Array,
  { sizes }: ChunkShape,
  offsets: readonly number[],
  data: Uint8Array,
  { shape, elementSize }: Wanted,
): void {
  const last = shape.length - 1;
  const inside = shape.map((size, axis) => Math.min(sizes[axis]!, size - offsets[axis]!));
  const row = (inside[last] ?? 1) * elementSize;
  const at = shape.map(() => 0);
  for (;;) {
    let [from, to] = [0, 0];
    for (let axis = 0; axis <= last; axis++) {
      from = from * sizes[axis]! + at[axis]!;
      to = to * shape[axis]! + offsets[axis]! + at[axis]!;
    }
    data.set(bytes.subarray(from * elementSize, from * elementSize + row), to * elementSize);
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      at[axis]!++;
      if (at[axis]! < inside[axis]!) break;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

function unknownIndex(): Rejection {
  return new Rejection(
    "a dataset of the HDF5 file is stored in chunks whose index is not read",
    "write it with h5py's defaults: without maxshape and without libver='latest'",
  );
}
