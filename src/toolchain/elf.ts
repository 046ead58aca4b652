/** A reader for 32-bit little-endian ELF files: sections, symbols and what is loaded where, every offset checked. */
import { readFile } from "node:fs/promises";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";

export interface ElfSection {
  readonly name: string;
  /** sh_type: 1 PROGBITS, 2 SYMTAB, 8 NOBITS, ... */
  readonly type: number;
  /** sh_flags: 1 writable, 2 takes memory, 4 executable. */
  readonly flags: number;
  readonly address: number;
  /** Bytes, in memory. */
  readonly size: number;
  /** The section's bytes in the file; empty for NOBITS. */
  readonly data: Uint8Array;
  readonly link: number;
}

export interface ElfSymbol {
  readonly name: string;
  /** The value as stored: bit 0 of a Thumb function is set. */
  readonly value: number;
  readonly size: number;
  readonly kind: "function" | "object" | "other";
  /** Index of its section; 0 when undefined. */
  readonly section: number;
  /** Source that a local symbol is of, as the compiler named it: several may have one of the same name. */
  readonly file?: string;
}

/** Bytes that a loader writes: a section that takes memory and has contents. */
export interface ElfLoad {
  /** Name of the section. */
  readonly name: string;
  /** Where they are written: the load address, in flash also for the initial values of variables. */
  readonly address: number;
  readonly data: Uint8Array;
}

export interface Elf {
  readonly entry: number;
  /** e_machine: 40 is Arm. */
  readonly machine: number;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /**
   * In the order of the sections; those that no segment loads are left out. Sections and not whole segments: a linker may
   * put the file's own headers into a segment.
   */
  readonly loads: readonly ElfLoad[];
}

/** e_machine of Arm's 32-bit processors. */
export const ELF_MACHINE_ARM = 40;

export const SectionType = { progbits: 1, symbols: 2, nobits: 8 } as const;
export const SectionFlag = { write: 1, alloc: 2, exec: 4 } as const;

const HEADER_BYTES = 52;
const SECTION_HEADER_BYTES = 40;
const PROGRAM_HEADER_BYTES = 32;
const LOADED_SEGMENT = 1;
const SYMBOL_BYTES = 16;
const FILE_SYMBOL = 4;
const MAX_NAME = 4096;

/** Reads an ELF file from disk. Throws `toolchain/bad-elf` (exit 2). */
export async function readElf(path: string): Promise<Elf> {
  return parseElf(await readFile(path), path);
}

/** Reads an ELF file from bytes; `where` names it in errors. Throws `toolchain/bad-elf` (exit 2). */
export function parseElf(bytes: Uint8Array, where = "ELF file"): Elf {
  const reader = new Reader(bytes, where);
  if (reader.u32(0) !== 0x464c457f) throw reader.bad("it does not start with the ELF signature");
  if (reader.u8(4) !== 1 || reader.u8(5) !== 1) throw reader.bad("it is not 32-bit little-endian");
  reader.range(0, HEADER_BYTES);
  const placed = readSections(reader);
  const sections = placed.map(({ offset: _, ...section }) => section);
  return {
    entry: reader.u32(24),
    machine: reader.u16(18),
    sections,
    symbols: readSymbols(sections, where),
    loads: readLoads(reader, placed),
  };
}

/** The function symbol with this name, or undefined. */
export function findFunction(elf: Elf, name: string): ElfSymbol | undefined {
  return elf.symbols.find((s) => s.name === name && s.kind === "function" && s.section !== 0);
}

/**
 * The function with this name in the C source, or undefined: GCC may compile a static function for the one set of arguments that
 * it is called with, under a longer name.
 */
export function findSourceFunction(elf: Elf, name: string): ElfSymbol | undefined {
  return (
    findFunction(elf, name) ??
    elf.symbols.find((s) => s.kind === "function" && s.section !== 0 && sourceName(s.name) === name)
  );
}

/** Name in the C source of a function in an object. */
export function sourceName(name: string): string {
  return name.replace(/(\.(constprop|isra)\.\d+)+$/, "");
}

/** `symbol+0x12` for the function that holds an address, or the nearest one before it; undefined when there is none. */
export function nearestSymbol(elf: Elf, address: number): string | undefined {
  let best: ElfSymbol | undefined;
  for (const symbol of elf.symbols) {
    if (symbol.kind !== "function" || symbol.section === 0 || functionAddress(symbol) > address) continue;
    if (best === undefined || functionAddress(symbol) > functionAddress(best)) best = symbol;
  }
  if (best === undefined) return undefined;
  const section = elf.sections[best.section];
  // An address outside the section of the nearest function is in no function at all.
  if (section === undefined || address >= section.address + section.size) return undefined;
  const offset = address - functionAddress(best);
  return offset === 0 ? best.name : `${best.name}+0x${offset.toString(16)}`;
}

/** Address of a function's first instruction: its value without the Thumb bit. */
export function functionAddress(symbol: ElfSymbol): number {
  return (symbol.value & ~1) >>> 0;
}

/** A section with the place of its bytes in the file. */
type PlacedSection = ElfSection & { readonly offset: number };

function readSections(reader: Reader): PlacedSection[] {
  const offset = reader.u32(32);
  const count = reader.u16(48);
  if (count === 0) return [];
  if (reader.u16(46) !== SECTION_HEADER_BYTES) throw reader.bad("its section headers have an unknown size");
  reader.range(offset, count * SECTION_HEADER_BYTES);
  const raw = Array.from({ length: count }, (_, i) => readSection(reader, offset + i * SECTION_HEADER_BYTES));
  const names = raw[reader.u16(50)]?.data;
  if (names === undefined) throw reader.bad("its section names are missing");
  return raw.map(({ nameAt, ...section }) => ({ ...section, name: text(names, nameAt, reader.where) }));
}

function readSection(reader: Reader, at: number): Omit<PlacedSection, "name"> & { nameAt: number } {
  const type = reader.u32(at + 4);
  const size = reader.u32(at + 20);
  const inFile = type !== SectionType.nobits && type !== 0;
  const offset = reader.u32(at + 16);
  return {
    nameAt: reader.u32(at),
    type,
    flags: reader.u32(at + 8),
    address: reader.u32(at + 12),
    size,
    offset,
    data: inFile ? reader.range(offset, size) : new Uint8Array(0),
    link: reader.u32(at + 24),
  };
}

interface Segment {
  readonly offset: number;
  readonly loadAddress: number;
  readonly size: number;
}

function readLoads(reader: Reader, sections: readonly PlacedSection[]): ElfLoad[] {
  const segments = readSegments(reader);
  return sections.flatMap(({ offset, ...section }) => {
    if ((section.flags & SectionFlag.alloc) === 0 || section.data.length === 0) return [];
    const segment = segments.find((s) => offset >= s.offset && offset + section.size <= s.offset + s.size);
    if (segment === undefined) return [];
    const address = segment.loadAddress + (offset - segment.offset);
    return [{ name: section.name, address, data: section.data }];
  });
}

function readSegments(reader: Reader): Segment[] {
  const offset = reader.u32(28);
  const count = reader.u16(44);
  if (count === 0) return [];
  if (reader.u16(42) !== PROGRAM_HEADER_BYTES) throw reader.bad("its program headers have an unknown size");
  reader.range(offset, count * PROGRAM_HEADER_BYTES);
  return Array.from({ length: count }, (_, i) => offset + i * PROGRAM_HEADER_BYTES)
    .filter((at) => reader.u32(at) === LOADED_SEGMENT)
    .map((at) => ({
      offset: reader.u32(at + 4),
      loadAddress: reader.u32(at + 12),
      size: reader.u32(at + 16),
    }));
}

function readSymbols(sections: readonly ElfSection[], where: string): ElfSymbol[] {
  const table = sections.find((s) => s.type === SectionType.symbols);
  if (table === undefined) return [];
  const names = sections[table.link]?.data;
  const reader = new Reader(table.data, where);
  if (names === undefined) throw reader.bad("its symbol names are missing");
  const count = Math.floor(table.data.length / SYMBOL_BYTES);
  let file = "";
  return Array.from({ length: count }, (_, i) => {
    const at = i * SYMBOL_BYTES;
    const type = reader.u8(at + 12) & 15;
    const isLocal = reader.u8(at + 12) >> 4 === 0;
    const name = text(names, reader.u32(at), where);
    // Local symbols follow the one of their file.
    if (type === FILE_SYMBOL) file = name;
    return {
      name,
      ...(isLocal && type !== FILE_SYMBOL ? { file } : {}),
      value: reader.u32(at + 4),
      size: reader.u32(at + 8),
      kind: type === 2 ? "function" : type === 1 ? "object" : "other",
      section: reader.u16(at + 14),
    };
  });
}

function text(names: Uint8Array, at: number, where: string): string {
  const end = names.subarray(at, at + MAX_NAME).indexOf(0);
  if (at > names.length || end < 0) throw badElf("a name in it has no end", where);
  return Buffer.from(names.subarray(at, at + end)).toString("latin1");
}

class Reader {
  readonly where: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, where: string) {
    this.where = where;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  range(offset: number, length: number): Uint8Array {
    if (offset + length > this.#bytes.length) throw this.bad("it is cut short");
    return this.#bytes.subarray(offset, offset + length);
  }

  u8(at: number): number {
    this.range(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.range(at, 2);
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    this.range(at, 4);
    return this.#view.getUint32(at, true);
  }

  bad(why: string): BitloomError {
    return badElf(why, this.where);
  }
}

function badElf(why: string, where: string): BitloomError {
  return fail("toolchain/bad-elf", `not a usable ELF file: ${why}`, { where });
}
