/**
 * Reads FlatBuffers, the container of TFLite files, without trusting them: every offset and length is compared
 * with the file before it is followed, and what a file makes the reader visit is bounded, since many entries may
 * point at one table. The layout is that of the FlatBuffers "Internals" page: little-endian, a table begins with
 * the signed distance to its vtable, which lists the fields' offsets from the table (0: absent).
 */

/** Thrown where a file contradicts itself. */
export class DamagedFile extends Error {}

/**
 * Elements of vectors and characters of names that one file may make the reader visit. Structure is small;
 * constants are not counted.
 */
const VISIT_LIMIT = 1 << 21;
/** Tables in one vector: tensors, operators, buffers. */
const MOST_TABLES = 1 << 16;
/** Longest name that is read whole. */
const TEXT_LIMIT = 1 << 12;

export class FlatBuffer {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #visits = VISIT_LIMIT;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  root(): Table {
    return new Table(this, this.follow(0));
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#checked(at, 1));
  }

  i8(at: number): number {
    return this.#view.getInt8(this.#checked(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#checked(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#checked(at, 4), true);
  }

  i32(at: number): number {
    return this.#view.getInt32(this.#checked(at, 4), true);
  }

  f32(at: number): number {
    return this.#view.getFloat32(this.#checked(at, 4), true);
  }

  /** As the nearest number: what does not fit 53 bits is refused by its readers' own limits. */
  i64(at: number): number {
    return Number(this.#view.getBigInt64(this.#checked(at, 8), true));
  }

  /** Where the unsigned offset at `at` leads. */
  follow(at: number): number {
    return at + this.u32(at);
  }

  /** First element and length of the vector at `at`, whose elements have `width` bytes. */
  vector(at: number, width: number): { readonly start: number; readonly length: number } {
    const length = this.u32(at);
    this.#checked(at + 4, length * width);
    return { start: at + 4, length };
  }

  /** Counts elements that are about to be visited one by one. */
  visit(elements: number): void {
    this.#visits -= elements;
    if (this.#visits < 0) throw new DamagedFile(`its tables list more than ${VISIT_LIMIT} elements`);
  }

  #checked(at: number, bytes: number): number {
    if (at + bytes <= this.bytes.length) return at;
    throw new DamagedFile(`an offset leads to byte ${at + bytes} of ${this.bytes.length}`);
  }
}

/** A table; its fields are asked for by their number in the schema. Absent fields have defaults. */
export class Table {
  readonly #buffer: FlatBuffer;
  readonly #at: number;
  readonly #vtable: number;
  readonly #fields: number;

  constructor(buffer: FlatBuffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
    this.#vtable = at - buffer.i32(at);
    const bytes = this.#vtable < 0 ? 0 : buffer.u16(this.#vtable);
    if (bytes < 4) throw new DamagedFile(`the table at byte ${at} has no list of fields`);
    this.#fields = (bytes - 4) >> 1;
  }

  u8(field: number, byDefault = 0): number {
    return this.#read(field, byDefault, (at) => this.#buffer.u8(at));
  }

  i8(field: number, byDefault = 0): number {
    return this.#read(field, byDefault, (at) => this.#buffer.i8(at));
  }

  i32(field: number, byDefault = 0): number {
    return this.#read(field, byDefault, (at) => this.#buffer.i32(at));
  }

  u32(field: number, byDefault = 0): number {
    return this.#read(field, byDefault, (at) => this.#buffer.u32(at));
  }

  f32(field: number, byDefault = 0): number {
    return this.#read(field, byDefault, (at) => this.#buffer.f32(at));
  }

  /** Whether the field is written in the file. */
  has(field: number): boolean {
    return this.#position(field) !== undefined;
  }

  table(field: number): Table | undefined {
    const at = this.#target(field);
    return at === undefined ? undefined : new Table(this.#buffer, at);
  }

  /** Text; long ones are cut. */
  text(field: number): string {
    const bytes = this.bytes(field)?.subarray(0, TEXT_LIMIT);
    if (bytes === undefined) return "";
    this.#buffer.visit(bytes.length);
    return new TextDecoder().decode(bytes);
  }

  /** A vector of bytes, as a view of the file. */
  bytes(field: number): Uint8Array | undefined {
    const at = this.#target(field);
    if (at === undefined) return undefined;
    const { start, length } = this.#buffer.vector(at, 1);
    return this.#buffer.bytes.subarray(start, start + length);
  }

  tables(field: number): readonly Table[] {
    const list = this.#list(field, 4, (at) => this.#buffer.follow(at)) ?? [];
    if (list.length > MOST_TABLES) throw new DamagedFile(`it lists ${list.length} tables in one place`);
    return list.map((at) => new Table(this.#buffer, at));
  }

  ints(field: number): readonly number[] | undefined {
    return this.#list(field, 4, (at) => this.#buffer.i32(at));
  }

  longs(field: number): readonly number[] | undefined {
    return this.#list(field, 8, (at) => this.#buffer.i64(at));
  }

  floats(field: number): readonly number[] | undefined {
    return this.#list(field, 4, (at) => this.#buffer.f32(at));
  }

  #list<T>(field: number, width: number, read: (at: number) => T): T[] | undefined {
    const at = this.#target(field);
    if (at === undefined) return undefined;
    const { start, length } = this.#buffer.vector(at, width);
    this.#buffer.visit(length);
    return Array.from({ length }, (_, i) => read(start + i * width));
  }

  #read(field: number, byDefault: number, read: (at: number) => number): number {
    const at = this.#position(field);
    return at === undefined ? byDefault : read(at);
  }

  #target(field: number): number | undefined {
    const at = this.#position(field);
    return at === undefined ? undefined : this.#buffer.follow(at);
  }

  #position(field: number): number | undefined {
    if (field >= this.#fields) return undefined;
    const offset = this.#buffer.u16(this.#vtable + 4 + 2 * field);
    return offset === 0 ? undefined : this.#at + offset;
  }
}
