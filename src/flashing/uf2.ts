/**
 * Writes UF2 files, which bootloaders take as files on a drive: "USB Flashing Format", README.md of github.com/microsoft/uf2.
 * Each block of 512 bytes carries a page of 256 bytes and says where it belongs.
 */
import type { ElfLoad } from "../toolchain/elf.js";

const BLOCK_BYTES = 512;
const PAGE_BYTES = 256;
const MAGIC = [0x0a324655, 0x9e5d5157] as const;
const MAGIC_END = 0x0ab16f30;
const FLAG_FAMILY = 0x00002000;
const DATA_AT = 32;
/**
 * Flash is erased by sectors of this size, and some boot ROMs erase a sector again for a page behind a hole in it (erratum
 * RP2040-E14), so sectors are written without holes.
 */
const SECTOR_BYTES = 4096;
/** What erased flash holds. */
const ERASED = 0xff;

/**
 * The blocks of a UF2 file with what is loaded, in the order of the addresses; pages and the holes between pages of one
 * sector are filled as erased flash. `family` is the id of Microsoft's list for the chip, without one the blocks have none.
 */
export function uf2Blocks(
  loads: readonly Pick<ElfLoad, "address" | "data">[],
  family: number | undefined,
): Uint8Array {
  const pages = [...pagesOf(loads)].sort(([a], [b]) => a - b);
  const file = new Uint8Array(pages.length * BLOCK_BYTES);
  for (const [number, [address, data]] of pages.entries()) {
    const view = new DataView(file.buffer, number * BLOCK_BYTES, BLOCK_BYTES);
    const flags = family === undefined ? 0 : FLAG_FAMILY;
    const header = [...MAGIC, flags, address, PAGE_BYTES, number, pages.length, family ?? 0];
    for (const [i, word] of header.entries()) view.setUint32(4 * i, word, true);
    file.set(data, number * BLOCK_BYTES + DATA_AT);
    view.setUint32(BLOCK_BYTES - 4, MAGIC_END, true);
  }
  return file;
}

/** Pages by their addresses. */
function pagesOf(loads: readonly Pick<ElfLoad, "address" | "data">[]): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  const pageAt = (address: number): Uint8Array => {
    const page = pages.get(address) ?? new Uint8Array(PAGE_BYTES).fill(ERASED);
    pages.set(address, page);
    return page;
  };
  for (const { address, data } of loads) {
    for (let at = 0; at < data.length; ) {
      const offset = (address + at) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - offset, data.length - at);
      pageAt(address + at - offset).set(data.subarray(at, at + count), offset);
      at += count;
    }
  }
  fillHoles([...pages.keys()], pageAt);
  return pages;
}

/** Makes every page of the sectors that are written, up to the last one. */
function fillHoles(addresses: readonly number[], pageAt: (address: number) => Uint8Array): void {
  const last = addresses.reduce((a, b) => Math.max(a, b), 0);
  for (const sector of new Set(addresses.map((address) => address - (address % SECTOR_BYTES)))) {
    for (let page = sector; page < Math.min(sector + SECTOR_BYTES, last); page += PAGE_BYTES) pageAt(page);
  }
}
